#include "base/digest.h"
#include "base/utf8.h"
#include "site/site_private.h"

#include <string.h>

#define NAME_MAX_BYTES 120

void site_put_text(struct buf *out, const char *text)
{
	while (text && *text) {
		size_t left = strnlen(text, 4), len = utf8_length(text, left);
		unsigned char c = (unsigned char)*text;

		if (!len)
			buf_addstr(out, "\xEF\xBF\xBD"); /* U+FFFD */
		else if (c < 0x20 || c == 0x7F)
			buf_addstr(out, " ");
		else if (strchr("<>&\"'", c))
			buf_printf(out, "&#%u;", c);
		else
			buf_add(out, text, len);
		text += len ? len : 1;
	}
}

/* In JSON text these three stand only inside strings, where an escape means the same; a script
 * element then cannot end early, and no comment or entity can begin. */
void site_put_json(const struct json *data, struct buf *out)
{
	const char *from, *end;
	struct buf text;

	buf_init(&text, out->max);
	json_print(data, false, &text);
	from = buf_str(&text);
	end = from + text.len;
	while (from < end) {
		const char *at = from;

		while (at < end && *at != '<' && *at != '>' && *at != '&')
			at++;
		buf_add(out, from, (size_t)(at - from));
		if (at < end)
			buf_printf(out, "\\u%04x", (unsigned char)*at++);
		from = at;
	}
	out->truncated |= text.truncated;
	buf_done(&text);
}

void site_add_text(struct json *object, const char *key, const char *text, size_t max)
{
	struct buf cut;
	size_t len;

	if (!text)
		return;
	len = strnlen(text, max + 1);
	if (len <= max) {
		json_add_str(object, key, text);
		return;
	}
	len = max;
	while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
		len--; /* not inside a character */
	buf_init(&cut, max + sizeof("…"));
	buf_add(&cut, text, len);
	buf_addstr(&cut, "…");
	json_add_str(object, key, buf_str(&cut));
	buf_done(&cut);
}

void site_add_seconds(struct json *object, const char *key, uint64_t ns)
{
	json_add_num(object, key, (double)ns / 1e9);
}

static bool is_safe_name(const char *name)
{
	size_t len = strnlen(name, NAME_MAX_BYTES + 1);

	return len > 0 && len <= NAME_MAX_BYTES && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       len;
}

const char *site_path(const char *folder, const char *name, struct arena *arena)
{
	char hash[DIGEST_HEX];

	if (is_safe_name(name))
		return arena_printf(arena, "%s/%s.html", folder, name);
	digest_of(name, strlen(name), hash);
	return arena_printf(arena, "%s/%.32s.html", folder, hash);
}

const char *site_run_path(const char *run_id, struct arena *arena)
{
	return site_path("runs", run_id, arena);
}

const char *site_image_path(const char *image_id, struct arena *arena)
{
	static const char sha[] = "sha256:";
	size_t skip = strncmp(image_id, sha, sizeof(sha) - 1) == 0 ? sizeof(sha) - 1 : 0;

	return site_path("images", image_id + skip, arena);
}

const char *site_bisect_path(const char *id, struct arena *arena)
{
	return site_path("bisects", id, arena);
}

char site_outcome_letter(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		return 'P';
	case OUTCOME_FAIL:
		return 'F';
	case OUTCOME_SKIP:
		return 'S';
	case OUTCOME_BROKEN:
		return 'B';
	case OUTCOME_TIMEOUT:
		return 'T';
	case OUTCOME_INCOMPLETE:
		return 'I';
	case OUTCOME_NOTRUN:
		return 'N';
	}
	return '?';
}

char site_flip_letter(enum flip flip)
{
	switch (flip) {
	case FLIP_NONE:
		return '.';
	case FLIP_REGRESSED:
		return 'r';
	case FLIP_FIXED:
		return 'f';
	case FLIP_NEW:
		return 'n';
	case FLIP_GONE:
		return 'g';
	case FLIP_STILL_FAILING:
		return 's';
	}
	return '.';
}
