/*
 * Failure signatures: two failures are the same when their label and text agree once that is gone
 * which differs from one time to the next.
 */
#include "model/signature.h"

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

#define HEX_WORD_MIN 8 /* shorter runs of hex digits may be words */

static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]))
		len++;
	return len;
}

/* A number, an address, a hash: digits, or hex of at least HEX_WORD_MIN with a digit in it. */
static bool changes(const char *word, size_t len)
{
	size_t hex = 0, digits = 0;

	if (len > 2 && word[0] == '0' && word[1] == 'x')
		return true;
	for (size_t i = 0; i < len; i++) {
		hex += isxdigit((unsigned char)word[i]) != 0;
		digits += isdigit((unsigned char)word[i]) != 0;
	}
	return digits == len || (hex == len && digits && len >= HEX_WORD_MIN);
}

/* Words without their numbers, blanks as one. Digits inside a word, as in "sm90", stay: they name
 * things. A number after a number ("1.5", "12:30:01", "2026-11-23") is one. */
static void normalise(const char *text, struct buf *out)
{
	bool number = false;

	while (*text) {
		size_t len = word_length(text);

		if (strncmp(text, "/tmp/", 5) == 0) {
			buf_addstr(out, "/tmp/*");
			text += strcspn(text, " \t\n:,;'\")");
			number = false;
		} else if (len && changes(text, len)) {
			if (!number)
				buf_addstr(out, "#");
			number = true;
			text += len;
		} else if (len) {
			buf_add(out, text, len);
			number = false;
			text += len;
		} else if (number && strchr(".:-", *text) && isdigit((unsigned char)text[1])) {
			text++;
		} else {
			bool blank = isspace((unsigned char)*text);

			if (!blank)
				buf_add(out, text, 1);
			else if (out->len && out->data[out->len - 1] != ' ')
				buf_addstr(out, " ");
			number = false;
			text++;
		}
	}
}

static const char *text_of(const char *text, struct arena *arena)
{
	struct buf out;
	const char *copy;
	size_t len;

	buf_init(&out, SIGNATURE_MAX);
	if (text)
		normalise(text, &out);
	len = out.len;
	if (out.truncated) /* not in the middle of a character */
		while (len && ((unsigned char)out.data[len - 1] & 0x80))
			len--;
	copy = arena_strndup(arena, buf_str(&out), len);
	buf_done(&out);
	return copy;
}

const char *signature_text(const struct case_result *result, struct arena *arena)
{
	return text_of(result->actual ? result->actual : result->reason, arena);
}

bool signature_is_same(const struct case_attempt *a, const struct case_attempt *b,
		       struct arena *arena)
{
	return strcmp(a->label ? a->label : "", b->label ? b->label : "") == 0 &&
	       strcmp(text_of(a->actual ? a->actual : a->reason, arena),
		      text_of(b->actual ? b->actual : b->reason, arena)) == 0;
}
