/*
 * Each pattern becomes a list of nodes. Matching walks the path once and keeps the set of nodes
 * that may come next, so hostile patterns cost length times length and never more; where a folder
 * of the path ends and the list is used up, the folder matched, and with it all that is below.
 */
#include "parse/ignore.h"

#include "base/arena.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum node_type {
	NODE_CHAR,
	NODE_ANY,    /* ?: a character but '/' */
	NODE_CLASS,  /* [a-z] and [^a-z]; like Docker's, [^a] takes '/' */
	NODE_STAR,   /* *: any number of characters but '/' */
	NODE_ALL,    /* ** at the end: anything */
	NODE_ENTER,  /* ** elsewhere: nothing, or what NODE_INSIDE takes */
	NODE_INSIDE, /* anything that ends in '/' */
};

struct range {
	uint32_t low, high;
};

struct node {
	enum node_type type;
	uint32_t ch;
	struct range *ranges;
	size_t range_count;
	bool negated;
};

struct pattern {
	struct node *nodes;
	size_t count;
	bool exception; /* "!" in front */
	const char *text;
	size_t len;
};

struct ignore {
	struct arena *arena;
	struct pattern *patterns;
	size_t count;
	bool has_exceptions;
};

/* The character at AT and how many bytes it takes; bytes that are no UTF-8 stand for themselves. */
static size_t decode(const char *at, size_t len, uint32_t *out)
{
	unsigned char lead = (unsigned char)at[0];
	size_t want = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
	uint32_t value = want == 1 ? lead : lead & (0xffU >> (want + 1));

	for (size_t i = 1; i < want; i++) {
		if (i >= len || ((unsigned char)at[i] & 0xc0) != 0x80)
			want = 0;
		else
			value = value << 6 | ((unsigned char)at[i] & 0x3f);
	}
	*out = want ? value : 0x110000U + lead;
	return want ? want : 1;
}

struct text {
	const char *at;
	size_t len;
};

static uint32_t take(struct text *text)
{
	uint32_t ch;
	size_t used = decode(text->at, text->len, &ch);

	*text = (struct text){text->at + used, text->len - used};
	return ch;
}

/* One end of a range; false where filepath.Match calls the pattern bad. */
static bool class_char(struct text *text, uint32_t *out)
{
	if (text->len && (*text->at == '-' || *text->at == ']'))
		return false;
	if (text->len && *text->at == '\\')
		(void)take(text);
	if (!text->len)
		return false;
	*out = take(text);
	return true;
}

/* TEXT stands behind "[". */
static bool compile_class(struct arena *arena, struct text *text, struct node *out)
{
	out->type = NODE_CLASS;
	out->negated = text->len && *text->at == '^';
	if (out->negated)
		(void)take(text);
	while (text->len && (*text->at != ']' || !out->range_count)) {
		struct range range, *slot;

		if (!class_char(text, &range.low))
			return false;
		range.high = range.low;
		if (text->len && *text->at == '-') {
			(void)take(text);
			if (!class_char(text, &range.high))
				return false;
		}
		slot = arena_push(arena, &out->ranges, &out->range_count, sizeof(*slot));
		*slot = range;
	}
	if (!text->len)
		return false;
	(void)take(text);
	return true;
}

static void add_node(struct arena *arena, struct pattern *out, struct node node)
{
	struct node *slot = arena_push(arena, &out->nodes, &out->count, sizeof(*slot));

	*slot = node;
}

/* TEXT stands behind the first "*". */
static void compile_star(struct arena *arena, struct text *text, struct pattern *out)
{
	if (!text->len || *text->at != '*') {
		add_node(arena, out, (struct node){.type = NODE_STAR});
		return;
	}
	(void)take(text);
	if (text->len && *text->at == '/')
		(void)take(text);
	if (!text->len) {
		add_node(arena, out, (struct node){.type = NODE_ALL});
		return;
	}
	add_node(arena, out, (struct node){.type = NODE_ENTER});
	add_node(arena, out, (struct node){.type = NODE_INSIDE});
}

static bool compile(struct arena *arena, struct text text, struct pattern *out)
{
	while (text.len) {
		struct node node = {.type = NODE_CHAR, .ch = take(&text)};

		if (node.ch == '*') {
			compile_star(arena, &text, out);
			continue;
		}
		if (node.ch == '?') {
			node.type = NODE_ANY;
		} else if (node.ch == '[') {
			if (!compile_class(arena, &text, &node))
				return false;
		} else if (node.ch == '\\') {
			if (!text.len)
				return false;
			node.ch = take(&text);
		}
		add_node(arena, out, node);
	}
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct text trim(struct text text)
{
	while (text.len && is_space(text.at[0]))
		text = (struct text){text.at + 1, text.len - 1};
	while (text.len && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

static struct text next_component(struct text *rest)
{
	const char *slash = memchr(rest->at, '/', rest->len);
	struct text out = {rest->at, slash ? (size_t)(slash - rest->at) : rest->len};
	size_t used = out.len + (slash ? 1 : 0);

	*rest = (struct text){rest->at + used, rest->len - used};
	return out;
}

/* How many bytes of OUT remain without its last component. */
static size_t parent_length(const char *out, size_t len)
{
	while (len && out[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

/* filepath.Clean without the leading slash: no empty, "." or (where it can go) ".." component. */
static struct text clean(struct arena *arena, struct text text)
{
	char *out = arena_alloc(arena, text.len + 1);
	bool rooted = text.len && text.at[0] == '/';
	size_t len = 0, fixed = 0; /* leading ".." cannot be taken back */

	while (text.len) {
		struct text part = next_component(&text);
		bool up = part.len == 2 && !memcmp(part.at, "..", 2);

		if (!part.len || (part.len == 1 && part.at[0] == '.'))
			continue;
		if (up && (len > fixed || rooted)) {
			len = parent_length(out, len);
			continue;
		}
		if (len)
			out[len++] = '/';
		memcpy(out + len, part.at, part.len);
		len += part.len;
		if (up)
			fixed = len;
	}
	return (struct text){out, len};
}

static void add_line(struct ignore *ignore, struct text line)
{
	struct pattern pattern = {0}, *slot;
	struct text cleaned;

	if (line.len && line.at[0] == '#') /* before spaces are cut, as Docker does */
		return;
	line = trim(line);
	if (line.len && line.at[0] == '!') {
		pattern.exception = true;
		line = trim((struct text){line.at + 1, line.len - 1});
	}
	if (!line.len || line.len > IGNORE_PATTERN_BYTES_MAX ||
	    ignore->count >= IGNORE_PATTERNS_MAX)
		return;
	cleaned = clean(ignore->arena, line);
	pattern.text = cleaned.at;
	pattern.len = cleaned.len;
	if (!cleaned.len || !compile(ignore->arena, cleaned, &pattern))
		return;
	slot = arena_push(ignore->arena, &ignore->patterns, &ignore->count, sizeof(*slot));
	*slot = pattern;
	ignore->has_exceptions = ignore->has_exceptions || pattern.exception;
}

struct ignore *ignore_parse(const char *text, size_t len)
{
	struct ignore *ignore = xcalloc(1, sizeof(*ignore));
	const char *end = text + len;

	ignore->arena = arena_new();
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		add_line(ignore, (struct text){text, (size_t)(stop - text)});
		text = newline ? newline + 1 : end;
	}
	return ignore;
}

void ignore_free(struct ignore *ignore)
{
	if (!ignore)
		return;
	arena_free(ignore->arena);
	free(ignore);
}

/* Mark node I as one that may come next, and those behind it that can take nothing. */
static void reach(const struct pattern *pattern, bool *set, size_t i)
{
	for (; !set[i]; i++) {
		set[i] = true;
		if (i == pattern->count)
			return;
		switch (pattern->nodes[i].type) {
		case NODE_ENTER:
			set[i + 1] = true; /* into it */
			i++;		   /* or past it */
			break;
		case NODE_STAR:
		case NODE_ALL:
			break;
		default:
			return;
		}
	}
}

static bool in_class(const struct node *node, uint32_t ch)
{
	bool in = false;

	for (size_t i = 0; i < node->range_count && !in; i++)
		in = ch >= node->ranges[i].low && ch <= node->ranges[i].high;
	return in != node->negated;
}

static void advance(const struct pattern *pattern, size_t i, uint32_t ch, bool *next)
{
	const struct node *node = &pattern->nodes[i];

	switch (node->type) {
	case NODE_CHAR:
		if (ch == node->ch)
			reach(pattern, next, i + 1);
		break;
	case NODE_ANY:
		if (ch != '/')
			reach(pattern, next, i + 1);
		break;
	case NODE_CLASS:
		if (in_class(node, ch))
			reach(pattern, next, i + 1);
		break;
	case NODE_STAR:
		if (ch != '/')
			reach(pattern, next, i);
		break;
	case NODE_ALL:
		reach(pattern, next, i);
		break;
	case NODE_INSIDE:
		next[i] = true;
		if (ch == '/')
			reach(pattern, next, i + 1);
		break;
	case NODE_ENTER:
		break;
	}
}

/* PATH or a folder above it. */
static bool pattern_match(const struct pattern *pattern, struct text path)
{
	bool sets[2][IGNORE_PATTERN_BYTES_MAX + 1];
	bool *now = sets[0], *next = sets[1], *spare;

	memset(now, 0, pattern->count + 1);
	reach(pattern, now, 0);
	while (path.len) {
		uint32_t ch = take(&path);
		bool alive = false;

		if (ch == '/' && now[pattern->count])
			return true;
		memset(next, 0, pattern->count + 1);
		for (size_t i = 0; i < pattern->count; i++) {
			if (now[i]) {
				advance(pattern, i, ch, next);
				alive = true;
			}
		}
		if (!alive)
			return false;
		spare = now;
		now = next;
		next = spare;
	}
	return now[pattern->count];
}

static bool judge(const struct ignore *ignore, struct text path)
{
	bool ignored = false;

	for (size_t i = 0; i < ignore->count; i++) {
		const struct pattern *pattern = &ignore->patterns[i];

		/* a pattern that would change nothing need not be tried */
		if (pattern->exception == ignored && pattern_match(pattern, path))
			ignored = !ignored;
	}
	return ignored;
}

/* Docker enters an ignored folder only if an exception's text begins with the folder's path. */
static bool entered(const struct ignore *ignore, struct text folder)
{
	for (size_t i = 0; i < ignore->count; i++) {
		const struct pattern *p = &ignore->patterns[i];

		if (p->exception && p->len >= folder.len &&
		    !memcmp(p->text, folder.at, folder.len) &&
		    (p->len == folder.len || p->text[folder.len] == '/'))
			return true;
	}
	return false;
}

bool ignore_match(const struct ignore *ignore, const char *path)
{
	struct text text = {path, strlen(path)};

	if (!ignore)
		return false;
	for (size_t i = 0; ignore->has_exceptions && i < text.len; i++) {
		struct text folder = {path, i};

		if (path[i] == '/' && i && judge(ignore, folder) && !entered(ignore, folder))
			return true;
	}
	return judge(ignore, text);
}
