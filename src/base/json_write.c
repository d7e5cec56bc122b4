#include "base/json_write.h"

#include "base/decimal.h"

#include <math.h>
#include <string.h>

static void add_string(const char *text, struct buf *out)
{
	static const char letters[] = "\b\f\n\r\t", names[] = "bfnrt";

	buf_addstr(out, "\"");
	while (*text) {
		size_t plain = 0;
		const char *letter;

		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
		       text[plain] != '\\')
			plain++;
		buf_add(out, text, plain);
		text += plain;
		if (!*text)
			break;
		letter = strchr(letters, *text);
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if (letter)
			buf_printf(out, "\\%c", names[letter - letters]);
		else
			buf_printf(out, "\\u%04x", (unsigned)*text);
		text++;
	}
	buf_addstr(out, "\"");
}

static void indent(const struct json_writer *writer)
{
	static const char blanks[] = "                ";

	if (!writer->pretty)
		return;
	buf_add(writer->out, "\n", 1);
	for (size_t left = 2 * (size_t)writer->depth, step; left; left -= step) {
		step = left < sizeof(blanks) - 1 ? left : sizeof(blanks) - 1;
		buf_add(writer->out, blanks, step);
	}
}

/* What stands before a value: a comma after another, its line, its key. */
static void begin(struct json_writer *writer, const char *key)
{
	if (writer->filled)
		buf_add(writer->out, ",", 1);
	if (writer->depth)
		indent(writer);
	if (key) {
		add_string(key, writer->out);
		buf_addstr(writer->out, writer->pretty ? ": " : ":");
	}
	writer->filled = true;
}

void json_write_open(struct json_writer *writer, const char *key, char bracket)
{
	begin(writer, key);
	buf_add(writer->out, &bracket, 1);
	writer->depth++;
	writer->filled = false;
}

void json_write_close(struct json_writer *writer, char bracket)
{
	writer->depth--;
	if (writer->filled)
		indent(writer);
	buf_add(writer->out, &bracket, 1);
	writer->filled = true;
}

void json_write_str(struct json_writer *writer, const char *key, const char *text)
{
	if (!text)
		return;
	begin(writer, key);
	add_string(text, writer->out);
}

/* cJSON compares with a tolerance when it shortens numbers, and writes 1e15 for a whole number;
 * so the text is ours. */
void json_write_num(struct json_writer *writer, const char *key, double value)
{
	char text[DECIMAL_TEXT];

	begin(writer, key);
	if (isfinite(value))
		buf_add(writer->out, text, decimal_text(value, text));
	else
		buf_addstr(writer->out, "null");
}

void json_write_word(struct json_writer *writer, const char *key, const char *word)
{
	begin(writer, key);
	buf_addstr(writer->out, word);
}
