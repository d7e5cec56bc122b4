/* Build output for people: the lines a terminal would show, and the one that says why. */
#include "parse/output.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* How far back an error is looked for, and how far into one line. */
#define LINES_BACK_MAX 200
#define SCAN_BYTES_MAX 4096

struct line {
	const char *at;
	size_t len;
};

/* How well a line tells what went wrong. */
enum rank {
	RANK_NOISE,   /* never shown */
	RANK_PLAIN,   /* shown when nothing names an error */
	RANK_SUMMARY, /* says that something failed: make, npm's tail */
	RANK_ERROR,   /* says what failed */
};

/* Length of the escape sequence at AT, 0 when there is none. */
static size_t escape_length(const char *at, size_t len)
{
	size_t i = 2;

	if (len < 2 || at[0] != '\x1b')
		return len && at[0] == '\x1b' ? 1 : 0;
	if (at[1] == '[') {
		while (i < len && (unsigned char)at[i] >= 0x20 && (unsigned char)at[i] < 0x40)
			i++;
		return i < len ? i + 1 : len;
	}
	if (at[1] == ']') { /* title, hyperlink: ends with BEL or ESC \ */
		while (i < len && at[i] != '\a' && at[i] != '\x1b' && at[i] != '\n')
			i++;
		if (i + 1 < len && at[i] == '\x1b' && at[i + 1] == '\\')
			return i + 2;
		return i < len && at[i] == '\a' ? i + 1 : i;
	}
	if (strchr("()*+", at[1]))
		return len < 3 ? len : 3;
	return 2;
}

/* LINE without escapes and control characters; OUT's maximum cuts between characters. */
static void add_clean(struct buf *out, struct line line)
{
	for (size_t i = 0; i < line.len && !out->truncated;) {
		size_t skip = escape_length(line.at + i, line.len - i);
		size_t n = skip ? 0 : utf8_length(line.at + i, line.len - i);
		const char *from = line.at + i;

		i += skip ? skip : n ? n : 1;
		if (skip)
			continue;
		if (!n) {
			from = "\xef\xbf\xbd";
			n = 3;
		} else if (n == 1 && ((unsigned char)*from < 0x20 || *from == 0x7f)) {
			if (*from != '\t')
				continue;
			from = " ";
		}
		if (out->len + n > out->max)
			out->truncated = true;
		else
			buf_add(out, from, n);
	}
}

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct line trim(struct line line)
{
	while (line.len && blank(line.at[0]))
		line = (struct line){line.at + 1, line.len - 1};
	while (line.len && blank(line.at[line.len - 1]))
		line.len--;
	return line;
}

/* A terminal shows what follows the last carriage return that is not at the end. */
static struct line shown(struct line line)
{
	const char *back;

	while (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	back = line.len ? memrchr(line.at, '\r', line.len) : NULL;
	if (back)
		line = (struct line){back + 1, line.len - (size_t)(back - line.at) - 1};
	return line;
}

/* The last line before END; false at the start. */
static bool previous_line(const char *text, const char **end, struct line *out)
{
	const char *newline;

	if (*end == text)
		return false;
	if ((*end)[-1] == '\n')
		(*end)--;
	newline = *end > text ? memrchr(text, '\n', (size_t)(*end - text)) : NULL;
	out->at = newline ? newline + 1 : text;
	out->len = (size_t)(*end - out->at);
	*end = out->at;
	return true;
}

static bool has(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

static bool begins(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

static bool any(const char *text, const char *const *words,
		bool (*test)(const char *, const char *))
{
	for (; *words; words++)
		if (test(text, *words))
			return true;
	return false;
}

/* pip's and curl's bars: mostly signs, or a share of megabytes. */
static bool progress(const char *text)
{
	static const char *const bars[] = {"\u2501\u2501", "\u2588\u2588", "#####", "=====>",
					   "-----",	   " eta ",	   NULL};
	size_t letters = 0, len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		char c = (char)(text[i] | 0x20);

		letters += (c >= 'a' && c <= 'z') || (text[i] & 0x80);
	}
	return any(text, bars, has) || letters * 8 < len;
}

static bool noise(const char *text)
{
	static const char *const starts[] = {"[notice]",
					     "WARNING: Running pip as",
					     "WARNING: You are using pip",
					     "You should consider upgrading",
					     "note: This ",
					     "note: this ",
					     "hint: See above",
					     "The command '",
					     "Removing intermediate container",
					     "Step ",
					     "---> ",
					     " ---> ",
					     "npm notice",
					     "compilation terminated",
					     "------",
					     "debconf: ",
					     "note: run with `RUST_BACKTRACE",
					     "For more information about this error, try",
					     "ERROR: process \"",
					     "Dockerfile:",
					     "> [",
					     NULL};
	static const char *const inside[] = {"returned a non-zero code",
					     "did not complete successfully: exit code",
					     "executor failed running", "--no-cache-dir", NULL};

	size_t digits = strspn(text, "0123456789");

	if (digits && begins(text + digits, " | ")) /* BuildKit quotes the Dockerfile */
		return true;
	return !*text || any(text, starts, begins) || any(text, inside, has) || progress(text);
}

/* "AssertionError: Wrong CUDA", "torch.cuda.OutOfMemoryError: …", "KeyboardInterrupt". */
static bool exception(const char *text)
{
	static const char *const ends[] = {"Error",   "Exception", "Interrupt", "Exit",
					   "Warning", "Iteration", "Failure",	NULL};
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.$");

	if (!len || (text[len] && !begins(text + len, ": ")))
		return false;
	for (const char *const *end = ends; *end; end++) {
		size_t n = strlen(*end);

		if (len >= n && !strncmp(text + len - n, *end, n) && strcmp(*end, "Warning") != 0)
			return true;
	}
	return false;
}

static bool summary(const char *text)
{
	static const char *const starts[] = {"make: ***",
					     "make[",
					     "gmake",
					     "ninja: build stopped",
					     "npm ERR!",
					     "npm error",
					     "error: failed-wheel-build",
					     "error: subprocess-exited",
					     "error: metadata-generation",
					     "error: legacy-install",
					     "ERROR: Failed building wheel",
					     "ERROR: Failed to build",
					     "ERROR: Could not build",
					     "ERROR: could not build",
					     "error: could not compile",
					     "E: Sub-process ",
					     "ERROR: ResolutionImpossible",
					     "FAILED: ",
					     "collect2: ",
					     "error: command '",
					     "\u00d7 ",
					     NULL};

	return any(text, starts, begins);
}

static bool npm_line(const char *text)
{
	return begins(text, "npm ERR!") || begins(text, "npm error");
}

/* npm prints a block whose first line that is none of these says what is wrong. */
static bool npm_detail(const char *text)
{
	static const char *const words[] = {"code ",	     "errno ",	 "syscall ",
					    "path ",	     "command ", "Exit status",
					    "A complete",    "Tell the", "This is probably",
					    "Failed at the", "/",	 NULL};
	size_t skip = strlen("npm error");

	skip -= begins(text, "npm ERR!");
	skip += strspn(text + skip, " ");
	return !text[skip] || any(text + skip, words, begins);
}

static bool error_line(const char *text)
{
	static const char *const starts[] = {"dpkg: error ",
					     "ERROR: ",
					     "ERROR ",
					     "error: ",
					     "Error: ",
					     "E: ",
					     "fatal: ",
					     "FATAL: ",
					     "Fatal error",
					     "panic: ",
					     "thread '",
					     "CMake Error",
					     "ld: ",
					     "error[",
					     "curl: (",
					     "tar: ",
					     "gzip: ",
					     "unzip: ",
					     "Err:",
					     "Killed",
					     "Segmentation fault",
					     "npm ERR! ",
					     "npm error ",
					     "java.lang.",
					     "Caused by: ",
					     "COPY failed:",
					     "ADD failed:",
					     "rm: ",
					     "cp: ",
					     "mv: ",
					     "cat: ",
					     NULL};
	static const char *const inside[] = {": error: ",
					     "fatal error: ",
					     ": not found",
					     "command not found",
					     "No such file or directory",
					     "Permission denied",
					     "undefined reference to",
					     "No space left on device",
					     "Out of memory",
					     "unable to resolve host",
					     "cannot open shared object",
					     "cannot execute binary",
					     "Assertion `",
					     "(core dumped)",
					     "ERROR: ",
					     " Error: ",
					     "Could not resolve",
					     NULL};

	return exception(text) || any(text, starts, begins) || any(text, inside, has);
}

static enum rank rank_line(const char *text)
{
	if (noise(text))
		return RANK_NOISE;
	if (npm_line(text))
		return npm_detail(text) ? RANK_SUMMARY : RANK_ERROR;
	if (summary(text))
		return RANK_SUMMARY;
	return error_line(text) ? RANK_ERROR : RANK_PLAIN;
}

/* BuildKit's plain progress puts "#8 1.234 " in front, its summary "1.234 ". */
static const char *without_vertex(const char *text)
{
	const char *at = text;
	size_t whole, part;

	if (*at == '#') {
		whole = strspn(at + 1, "0123456789");
		if (!whole || at[1 + whole] != ' ')
			return text;
		at += whole + 2;
	}
	whole = strspn(at, "0123456789");
	if (!whole || at[whole] != '.')
		return at;
	part = strspn(at + whole + 1, "0123456789");
	return part >= 2 && at[whole + 1 + part] == ' ' ? at + whole + part + 2 : at;
}

/* LINE as it is judged, in CLEAN. */
static const char *prepare(struct line raw, struct buf *clean)
{
	struct line line;
	size_t tail;

	clean->len = 0;
	clean->truncated = false;
	add_clean(clean, shown(raw));
	line = trim((struct line){buf_str(clean), clean->len});
	if (!line.len)
		return "";
	tail = (size_t)(line.at - clean->data) + line.len;
	clean->data[tail] = '\0';
	return trim((struct line){without_vertex(line.at), 1}).at;
}

/* Indented lines of a traceback or of quoted source may hold any words. */
static bool indented(struct line raw)
{
	return raw.len > 1 && raw.at[0] == ' ' && raw.at[1] == ' ';
}

struct search {
	enum rank best;
	bool in_npm; /* the best line is npm's: an earlier one of its block is better */
	const char *found;
	struct arena *arena;
};

/* Judge one line, from the last upwards; false when no better one can come. */
static bool consider(struct search *s, struct line raw, const char *text, bool near)
{
	enum rank rank = rank_line(text);
	bool npm = npm_line(text);

	if (s->in_npm && !npm)
		return !*text;
	if (rank > RANK_PLAIN && (!near || (indented(raw) && !exception(text))))
		rank = RANK_PLAIN;
	if (rank > s->best || (s->in_npm && rank == RANK_ERROR)) {
		s->best = rank;
		s->in_npm = npm && rank == RANK_ERROR;
		s->found = output_oneline(text, strlen(text), OUTPUT_LINE_MAX, s->arena);
	}
	return s->best < RANK_ERROR || s->in_npm;
}

const char *output_reason(const char *text, size_t len, struct arena *arena)
{
	struct search search = {.arena = arena};
	const char *end;
	struct line raw;
	struct buf clean;

	if (!len)
		return NULL;
	end = text + len;
	buf_init(&clean, SCAN_BYTES_MAX);
	for (unsigned n = 0; previous_line(text, &end, &raw); n++) {
		bool near = n < LINES_BACK_MAX;

		if ((!near && search.found) || !consider(&search, raw, prepare(raw, &clean), near))
			break;
	}
	buf_done(&clean);
	return search.found;
}

const char *output_oneline(const char *text, size_t len, size_t max, struct arena *arena)
{
	const char *end = len ? text + len : text;
	const char *out;
	struct buf buf;

	buf_init(&buf, max);
	while (text < end && !buf.truncated) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		struct line line = trim(shown((struct line){text, (size_t)(stop - text)}));

		if (line.len && buf.len) {
			if (buf.len + 3 > max)
				break;
			buf_addstr(&buf, " | ");
		}
		add_clean(&buf, line);
		text = newline ? newline + 1 : end;
	}
	out = arena_strdup(arena, buf_str(&buf));
	buf_done(&buf);
	return out;
}
