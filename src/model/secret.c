#include "model/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Does WORD occur with no letter behind it, a plural S aside where PLURAL? */
static bool ends_word(const char *name, const char *word, bool plural)
{
	for (const char *at = name; (at = strcasestr(at, word)) != NULL; at++) {
		const char *after = at + strlen(word);

		if (plural && (*after == 's' || *after == 'S'))
			after++;
		if (!isalpha((unsigned char)*after))
			return true;
	}
	return false;
}

bool secret_named(const char *name)
{
	static const char *const words[] = {"SECRET",	  "PASSWORD",	"PASSWD",
					    "PASSPHRASE", "CREDENTIAL", NULL};

	for (size_t i = 0; words[i]; i++)
		if (strcasestr(name, words[i]))
			return true;
	return ends_word(name, "TOKEN", false) || ends_word(name, "KEY", true);
}

/* Nothing but ids and fingerprints of OpenPGP keys: 16 or 40 hex digits each. */
static bool are_fingerprints(const char *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	static const char between[] = " \t,";
	size_t len = 0;

	for (; *value; value += len) {
		value += strspn(value, between);
		if (value[0] == '0' && value[1] == 'x')
			value += 2;
		len = strspn(value, digits);
		if (len != 16 && len != 40)
			return !*value && len == 0;
		if (value[len] && !strchr(between, value[len]))
			return false;
	}
	return true;
}

bool secret_pair(const char *name, const char *value)
{
	bool pgp = strcasestr(name, "GPG_KEY") != NULL || strcasestr(name, "PGP_KEY") != NULL;

	return secret_named(name) && !(pgp && *value && are_fingerprints(value));
}

static void add(struct strings *out, const char *value, size_t len, struct arena *arena)
{
	const char **slot;

	if (len < SECRET_BYTES_MIN)
		return;
	slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
	*slot = arena_strndup(arena, value, len);
}

/* VALUE as it is, and as it stands between the quotes of a JSON string. */
static void add_value(struct strings *out, const char *value, struct arena *arena)
{
	struct json *list = json_new_array();
	struct buf text;

	add(out, value, strlen(value), arena);
	json_add_str(list, NULL, value);
	buf_init(&text, JSON_BYTES_MAX);
	json_print(list, false, &text);
	if (text.len > 4 && strncmp(buf_str(&text) + 2, value, text.len - 4) != 0)
		add(out, buf_str(&text) + 2, text.len - 4, arena);
	buf_done(&text);
	json_free(list);
}

static void add_pairs(struct strings *out, const struct pairs *pairs, struct arena *arena)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (secret_pair(pairs->items[i].key, pairs->items[i].value))
			add_value(out, pairs->items[i].value, arena);
}

static int longest_first(const void *a, const void *b)
{
	size_t left = strlen(*(const char *const *)a), right = strlen(*(const char *const *)b);

	return (left < right) - (left > right);
}

void secret_collect(const struct image_config *image, const struct pairs *env, struct arena *arena,
		    struct strings *out)
{
	struct strings found = {0};

	for (size_t i = 0; image && i < image->env.count; i++) {
		const char *equals = strchr(image->env.items[i], '=');
		const char *name = image->env.items[i];

		if (!equals)
			continue;
		name = arena_strndup(arena, name, (size_t)(equals - name));
		if (secret_pair(name, equals + 1))
			add_value(&found, equals + 1, arena);
	}
	if (image)
		add_pairs(&found, &image->labels, arena);
	if (env)
		add_pairs(&found, env, arena);
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), longest_first);
	*out = found;
}

void secret_add(struct strings *secrets, const char *value, struct arena *arena)
{
	add_value(secrets, value, arena);
	if (secrets->count)
		qsort(secrets->items, secrets->count, sizeof(*secrets->items), longest_first);
}

/* Bytes of the secret that begins at TEXT, 0 when none does. */
static size_t secret_at(const struct strings *secrets, const char *text, size_t left, bool cut)
{
	for (size_t i = 0; i < secrets->count; i++) {
		size_t len = strlen(secrets->items[i]);

		if (len <= left && memcmp(text, secrets->items[i], len) == 0)
			return len;
		if (cut && left < len && left >= SECRET_BYTES_MIN &&
		    memcmp(text, secrets->items[i], left) == 0)
			return left;
	}
	return 0;
}

bool secret_told(const struct strings *secrets, const char *text, size_t len)
{
	for (size_t i = 0; i < secrets->count; i++) {
		size_t secret = strlen(secrets->items[i]);

		if (secret >= SECRET_JUDGED_BYTES_MIN && text &&
		    memmem(text, len, secrets->items[i], secret))
			return true;
	}
	return false;
}

const char *secret_redact(const struct strings *secrets, const char *text, size_t len, bool cut,
			  struct arena *arena)
{
	struct buf clean;
	const char *out;

	if (!text)
		return NULL;
	if (!secrets->count && !memchr(text, '\0', len))
		return arena_strndup(arena, text, len);
	buf_init(&clean, len * 3 + 1);
	for (size_t i = 0; i < len;) {
		size_t size = secret_at(secrets, text + i, len - i, cut);

		if (size)
			buf_addstr(&clean, "***");
		else if (text[i])
			buf_add(&clean, text + i, 1);
		else
			buf_addstr(&clean, "\xef\xbf\xbd");
		i += size ? size : 1;
	}
	out = arena_strndup(arena, buf_str(&clean), clean.len);
	buf_done(&clean);
	return out;
}
