/* Lines to instructions by the rules of Docker's parser, then stages and the images they need. */
#include "parse/dockerfile.h"

#include "base/buf.h"
#include "base/mem.h"
#include "parse/dockerfile_args.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A heredoc without an end is no heredoc; after this many the rest of the file has none. */
#define HEREDOC_MISSES_MAX 64

struct reader {
	const char *at, *end;
	unsigned line; /* number of the line read last */
	unsigned heredoc_misses;
	struct arena *arena;
	struct dockerfile *out;
	struct dockerfile_args args;
};

struct line {
	const char *at;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct line trim_left(struct line line)
{
	while (line.len && is_space(line.at[0]))
		line = (struct line){line.at + 1, line.len - 1};
	return line;
}

static struct line trim(struct line line)
{
	line = trim_left(line);
	while (line.len && is_space(line.at[line.len - 1]))
		line.len--;
	return line;
}

static bool next_line(struct reader *r, struct line *line)
{
	const char *newline;

	if (r->at == r->end)
		return false;
	newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	line->at = r->at;
	line->len = (size_t)((newline ? newline : r->end) - r->at);
	r->at = newline ? newline + 1 : r->end;
	r->line++;
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

/* "# KEY=VALUE" as parser directives are written. */
static bool directive(struct line line, struct line *key, struct line *value)
{
	const char *equals;

	line = trim(line);
	if (!line.len || line.at[0] != '#')
		return false;
	line = trim((struct line){line.at + 1, line.len - 1});
	equals = line.len ? memchr(line.at, '=', line.len) : NULL;
	if (!equals)
		return false;
	*key = trim((struct line){line.at, (size_t)(equals - line.at)});
	*value = trim((struct line){equals + 1, line.len - (size_t)(equals - line.at) - 1});
	for (size_t i = 0; i < key->len; i++)
		if (is_space(key->at[i]))
			return false;
	return key->len && value->len;
}

/* Directives stand above everything else; the first other line ends them. */
static void read_directives(struct reader *r)
{
	struct line line, key, value;

	if (r->end - r->at >= 3 && !memcmp(r->at, "\xef\xbb\xbf", 3))
		r->at += 3;
	for (;;) {
		const char *before = r->at;

		if (!next_line(r, &line))
			return;
		if (!directive(line, &key, &value)) {
			r->at = before;
			r->line--;
			return;
		}
		if (key.len == 6 && !strncasecmp(key.at, "escape", 6))
			r->args.escape = value.at[0] == '`' ? '`' : '\\';
		if (key.len == 6 && !strncasecmp(key.at, "syntax", 6))
			r->out->needs_buildkit = true;
	}
}

/* Does LINE end in one escape character, spaces behind it allowed? Cuts it off. */
static bool cut_continuation(char escape, struct line *line)
{
	size_t len = line->len;

	while (len && (line->at[len - 1] == ' ' || line->at[len - 1] == '\t'))
		len--;
	if (!len || line->at[len - 1] != escape || (len > 1 && line->at[len - 2] == escape))
		return false;
	line->len = len - 1;
	return true;
}

/* White space around a joint becomes one space; where there was none, none comes. */
static void join(struct buf *text, struct line line)
{
	struct line bare = trim_left(line);
	bool space = bare.len < line.len;

	while (text->len && is_space(text->data[text->len - 1])) {
		text->len--;
		space = true;
	}
	if (space && text->len)
		buf_addstr(text, " ");
	buf_add(text, bare.at, bare.len);
}

/* The next instruction's text with continuations joined; false at the end of the file. */
static bool logical_line(struct reader *r, struct buf *text, unsigned *first, unsigned *last)
{
	struct line line;
	bool more = false;

	text->len = 0;
	while (next_line(r, &line)) {
		struct line bare = trim_left(line);

		if (!bare.len || bare.at[0] == '#')
			continue;
		if (!text->len)
			*first = r->line;
		*last = r->line;
		more = cut_continuation(r->args.escape, &line);
		join(text, line);
		if (!more && text->len)
			return true;
	}
	return text->len > 0;
}

/* The name in "<<NAME", "<<-NAME", "3<<'NAME'"; false when WORD is none of these. */
static bool heredoc_name(const char *word, size_t len, struct line *name, bool *strip_tabs)
{
	const char *end = word + len;

	while (word < end && *word >= '0' && *word <= '9')
		word++;
	if (end - word < 3 || word[0] != '<' || word[1] != '<')
		return false;
	word += 2;
	*strip_tabs = *word == '-';
	word += *strip_tabs;
	if (end - word >= 2 && (*word == '"' || *word == '\'') && end[-1] == *word) {
		word++;
		end--;
	}
	*name = (struct line){word, (size_t)(end - word)};
	return name->len && !memchr(name->at, '<', name->len);
}

static bool skip_heredoc(struct reader *r, struct line name, bool strip_tabs)
{
	const char *at = r->at;
	unsigned number = r->line;
	struct line line;

	while (next_line(r, &line)) {
		while (strip_tabs && line.len && line.at[0] == '\t')
			line = (struct line){line.at + 1, line.len - 1};
		if (line.len == name.len && !memcmp(line.at, name.at, name.len))
			return true;
	}
	r->at = at;
	r->line = number;
	r->heredoc_misses++;
	return false;
}

static void skip_heredocs(struct reader *r, struct instruction *in)
{
	const char *at = in->text, *word;
	struct line name;
	bool strip_tabs;
	size_t len;

	if (strcmp(in->name, "RUN") != 0 && strcmp(in->name, "COPY") != 0 &&
	    strcmp(in->name, "ADD") != 0 && strcmp(in->name, "ONBUILD") != 0)
		return;
	while (r->heredoc_misses < HEREDOC_MISSES_MAX && dockerfile__word(&at, &word, &len)) {
		if (!heredoc_name(word, len, &name, &strip_tabs) ||
		    !skip_heredoc(r, name, strip_tabs))
			continue;
		r->out->needs_buildkit = true;
		in->end_line = r->line;
	}
}

/* Index of an earlier stage by name or, where NUMBERS, by its number; -1 for an image. */
static int find_stage(const struct dockerfile *file, const char *name, bool numbers)
{
	size_t digits = strspn(name, "0123456789");

	for (size_t i = file->stage_count; i-- > 0;)
		if (file->stages[i].name && !strcasecmp(file->stages[i].name, name))
			return (int)i;
	if (numbers && digits && digits < 6 && !name[digits]) {
		size_t number = 0;

		for (size_t i = 0; i < digits; i++)
			number = number * 10 + (size_t)(name[i] - '0');
		if (number < file->stage_count)
			return (int)number;
	}
	return -1;
}

static void need_image(struct reader *r, const char *image)
{
	struct strings *bases = &r->out->bases;
	const char **slot;

	if (!*image || !strcmp(image, "scratch") || bases->count >= DOCKERFILE_STAGES_MAX)
		return;
	for (size_t i = 0; i < bases->count; i++)
		if (!strcmp(bases->items[i], image))
			return;
	slot = arena_push(r->arena, &bases->items, &bases->count, sizeof(*slot));
	*slot = image;
}

/* FROM [--platform=P] IMAGE [AS NAME] */
static void read_from(struct reader *r, const struct instruction *in)
{
	const char *at = in->text + strlen(in->name), *word;
	struct dockerfile_stage stage = {.base = "", .line = in->line};
	struct dockerfile_stage *slot;
	size_t len;

	while (dockerfile__word(&at, &word, &len) && !strncmp(word, "--", 2))
		;
	if (len)
		stage.base = dockerfile__expand(&r->args, word, len);
	if (dockerfile__word(&at, &word, &len) && len == 2 && !strncasecmp(word, "as", 2) &&
	    dockerfile__word(&at, &word, &len))
		stage.name = arena_strndup(r->arena, word, len);
	if (find_stage(r->out, stage.base, false) < 0)
		need_image(r, stage.base);
	slot = arena_push(r->arena, &r->out->stages, &r->out->stage_count, sizeof(*slot));
	*slot = stage;
}

/* The value of "from=" in "--mount=type=bind,from=IMAGE,…". */
static bool mount_from(const char *word, size_t len, struct line *out)
{
	static const char key[] = "from=";
	const char *end = word + len, *at = memchr(word, '=', len);

	while (at && ++at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;

		if ((size_t)(stop - at) >= strlen(key) && !memcmp(at, key, strlen(key))) {
			*out = (struct line){at + strlen(key), (size_t)(stop - at) - strlen(key)};
			return true;
		}
		at = comma;
	}
	return false;
}

static bool has_prefix(const char *word, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && !memcmp(word, prefix, strlen(prefix));
}

static bool buildkit_flag(const char *name, const char *word, size_t len)
{
	static const char *const run[] = {"--mount", "--network", "--security", "--device"};
	static const char *const copy[] = {"--link",	 "--chmod",	   "--parents", "--exclude",
					   "--checksum", "--keep-git-dir", "--unpack"};
	bool is_run = !strcmp(name, "RUN");
	const char *const *flags = is_run ? run : copy;
	size_t count = is_run ? sizeof(run) / sizeof(run[0]) : sizeof(copy) / sizeof(copy[0]);

	for (size_t i = 0; i < count; i++)
		if (has_prefix(word, len, flags[i]))
			return true;
	return false;
}

/* The flags of RUN, COPY and ADD: which need BuildKit, which name an image. */
static void read_flags(struct reader *r, const struct instruction *in)
{
	static const char from[] = "--from=";
	const char *at = in->text + strlen(in->name), *word;
	size_t len;

	while (dockerfile__word(&at, &word, &len) && has_prefix(word, len, "--")) {
		struct line value = {NULL, 0};
		const char *image;

		if (buildkit_flag(in->name, word, len))
			r->out->needs_buildkit = true;
		if (!strcmp(in->name, "COPY") && has_prefix(word, len, from))
			value = (struct line){word + strlen(from), len - strlen(from)};
		else if (!has_prefix(word, len, "--mount=") || !mount_from(word, len, &value))
			continue;
		image = dockerfile__expand(&r->args, value.at, value.len);
		if (find_stage(r->out, image, true) < 0)
			need_image(r, image);
	}
}

static void read_instruction(struct reader *r, struct instruction *in)
{
	bool from = !strcmp(in->name, "FROM");

	if (!strcmp(in->name, "ARG") && !r->out->stage_count)
		dockerfile__declare(&r->args, in->text + strlen(in->name));
	if (from && r->out->stage_count < DOCKERFILE_STAGES_MAX)
		read_from(r, in);
	if (!strcmp(in->name, "RUN") || !strcmp(in->name, "COPY") || !strcmp(in->name, "ADD"))
		read_flags(r, in);
	in->stage = (int)r->out->stage_count - 1;
}

static const char *upper_name(struct arena *arena, const char *text)
{
	size_t len = 0;
	char *name;

	while (text[len] && !is_space(text[len]))
		len++;
	name = arena_strndup(arena, text, len);
	for (size_t i = 0; i < len; i++)
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	return name;
}

void dockerfile_parse(const char *text, size_t len, const struct pairs *args, struct arena *arena,
		      struct dockerfile *out)
{
	struct reader r = {.at = text, .arena = arena, .out = out};
	struct instruction in = {0}, *slot;
	struct buf line;

	*out = (struct dockerfile){0};
	if (!len)
		return;
	r.end = text + (len < DOCKERFILE_BYTES_MAX ? len : DOCKERFILE_BYTES_MAX);
	r.args = (struct dockerfile_args){.given = args, .escape = '\\', .arena = arena};
	buf_init(&line, DOCKERFILE_BYTES_MAX);
	read_directives(&r);
	while (logical_line(&r, &line, &in.line, &in.end_line)) {
		struct line bare = trim((struct line){line.data, line.len});

		if (!bare.len)
			continue;
		in.text = arena_strndup(arena, bare.at, bare.len);
		in.name = upper_name(arena, in.text);
		skip_heredocs(&r, &in);
		read_instruction(&r, &in);
		slot = arena_push(arena, &out->instructions, &out->count, sizeof(*slot));
		*slot = in;
	}
	buf_done(&line);
}

const struct instruction *dockerfile_step(const struct dockerfile *file, unsigned number)
{
	return number >= 1 && number <= file->count ? &file->instructions[number - 1] : NULL;
}

static bool counted(const struct instruction *in)
{
	static const char *const names[] = {"FROM", "RUN", "COPY", "ADD", "WORKDIR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(in->name, names[i]))
			return true;
	return false;
}

/* Equal but for the amount of white space; SHOWN may go on with the start of a heredoc, " (". */
static bool same_words(const char *text, const char *shown)
{
	while (is_space(*shown))
		shown++;
	for (;;) {
		bool gap = is_space(*text), shown_gap = is_space(*shown);

		while (is_space(*text))
			text++;
		while (is_space(*shown))
			shown++;
		if (!*text)
			return !*shown || (shown_gap && *shown == '(');
		if (gap != shown_gap || *text != *shown)
			return false;
		text++;
		shown++;
	}
}

/* -1 for any stage. */
static int vertex_stage(const struct dockerfile *file, const char *stage, const char *text)
{
	static const char unnamed[] = "stage-";

	if (!stage)
		return text || !file->stage_count ? -1 : (int)file->stage_count - 1;
	if (find_stage(file, stage, false) < 0 && !strncmp(stage, unnamed, strlen(unnamed)))
		stage += strlen(unnamed);
	return find_stage(file, stage, true);
}

const struct instruction *dockerfile_vertex(const struct dockerfile *file, const char *stage,
					    unsigned number, const char *text)
{
	const struct instruction *by_number = NULL, *by_text = NULL;
	int wanted = vertex_stage(file, stage, text), current = -1;
	unsigned n = 0;

	if (stage && wanted < 0)
		return NULL;
	for (size_t i = 0; i < file->count; i++) {
		const struct instruction *in = &file->instructions[i];

		if (in->stage != current)
			n = 0;
		current = in->stage;
		if (!counted(in) || (wanted >= 0 && in->stage != wanted))
			continue;
		n++;
		if (n == number && (wanted >= 0 || in->stage == (int)file->stage_count - 1))
			by_number = in;
		if (text && same_words(in->text, text) && (!by_text || n == number))
			by_text = in;
	}
	return by_text ? by_text : by_number;
}
