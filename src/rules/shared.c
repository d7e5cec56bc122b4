#include "rules/rules_private.h"

#include "base/pattern.h"
#include "parse/version.h"

#include <ctype.h>
#include <string.h>

#define LIST_TEXT_MAX 4096 /* bytes of a joined list */

const char *rules__place(const char *path, const struct origin *origin, struct arena *arena)
{
	const char *step = origin ? facts_where(origin, arena) : "";
	const char *layer = "";

	if (origin && origin->layer)
		layer = arena_printf(arena, "layer %u%s", origin->layer, step && *step ? ", " : "");
	if (!step)
		step = "";
	if (!*layer && !*step)
		return path ? path : "";
	if (!path || !*path)
		return arena_printf(arena, "%s%s", layer, step);
	return arena_printf(arena, "%s (%s%s)", path, layer, step);
}

const char *rules__file_line(const char *path, unsigned line, struct arena *arena)
{
	return line ? arena_printf(arena, "%s:%u", path, line) : path;
}

const char *rules__base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *rules__folder(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : "";
}

bool rules__begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool rules__ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && strcmp(text + len - tail, with) == 0;
}

bool rules__is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

const char *rules__join(const struct strings *items, size_t max, struct arena *arena)
{
	struct buf text;
	const char *out;

	buf_init(&text, LIST_TEXT_MAX);
	for (size_t i = 0; i < items->count && i < max; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", items->items[i]);
	if (items->count > max)
		buf_printf(&text, " … (%zu in all)", items->count);
	out = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return out;
}

void rules__push(struct strings *to, const char *text, struct arena *arena)
{
	*(const char **)arena_push(arena, &to->items, &to->count, sizeof(char *)) = text;
}

bool rules__has(const struct strings *in, const char *text)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->items[i], text) == 0)
			return true;
	return false;
}

bool rules__in_range(const char *version, const char *range)
{
	bool in = false;

	if (!version)
		return false;
	if (!*range)
		return true;
	return version_matches(VERSION_PEP440, range, version, &in, NULL) == 0 && in;
}

bool rules__numbers(const char *version, unsigned *major, unsigned *minor)
{
	unsigned values[2] = {0, 0};

	if (!version || !isdigit((unsigned char)*version))
		return false;
	for (int i = 0; i < 2; i++) {
		for (; isdigit((unsigned char)*version) && values[i] < 100000; version++)
			values[i] = values[i] * 10 + (unsigned)(*version - '0');
		if (*version != '.')
			break;
		version++;
	}
	*major = values[0];
	*minor = values[1];
	return true;
}

const char *rules__public(const char *version, struct arena *arena)
{
	return arena_strndup(arena, version, strcspn(version, "+"));
}

const char *rules__local(const char *version)
{
	const char *plus = version ? strchr(version, '+') : NULL;

	return plus ? plus + 1 : "";
}

const char *rules__digits(const char *cuda, struct arena *arena)
{
	unsigned major, minor;

	return rules__numbers(cuda, &major, &minor) ? arena_printf(arena, "%u%u", major, minor)
						    : NULL;
}

bool rules__matches(const char *pattern, const char *text)
{
	return text && pattern_find(pattern, text, strlen(text), NULL, NULL, NULL) == 1;
}

const char *rules__capture(const char *pattern, const char *text, struct arena *arena)
{
	const char *at;
	size_t len;

	if (!text || pattern_find(pattern, text, strlen(text), &at, &len, NULL) != 1)
		return NULL;
	return arena_strndup(arena, at, len);
}

const struct dist *rules__dist_of(const struct facts *facts, const struct library *library)
{
	return library->dist < facts->dist_count ? &facts->dists[library->dist] : NULL;
}

bool rules__in_path_list(const char *list, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	for (const char *at = list; at && *at;) {
		size_t part = strcspn(at, ":"), bare = part;

		while (bare > 1 && at[bare - 1] == '/')
			bare--;
		if (bare == len && memcmp(at, folder, len) == 0)
			return true;
		at += part + (at[part] == ':');
	}
	return false;
}

bool rules__is_app_path(const struct facts *facts, const char *path)
{
	static const char *const system[] = {"/usr/lib/",
					     "/usr/share/",
					     "/lib/",
					     "/lib64/",
					     "/etc/",
					     "/var/lib/",
					     "/proc/",
					     "/sys/",
					     "/usr/local/lib/python",
					     "/usr/include/",
					     "/usr/local/cuda",
					     "/usr/sbin/",
					     NULL};

	for (size_t i = 0; system[i]; i++)
		if (rules__begins(path, system[i]))
			return false;
	for (size_t i = 0; facts && i < facts->python.sites.count; i++) {
		const char *site = facts->python.sites.items[i];
		size_t len = strlen(site);

		if (strncmp(path, site, len) == 0 && path[len] == '/')
			return false;
	}
	return !strstr(path, "/site-packages/") && !strstr(path, "/dist-packages/") &&
	       !strstr(path, "/node_modules/");
}

void rules__app_texts(const struct rule_input *input,
		      bool (*visit)(void *payload, const struct rules__text *text), void *payload)
{
	const struct image_file *files;
	size_t count = 0;

	for (size_t i = 0; !input->image && i < input->file_count; i++) {
		struct rules__text text = {input->files[i].path, input->files[i].text, false, NULL};

		if (text.text && visit(payload, &text))
			return;
	}
	if (!input->image)
		return;
	files = image_files(input->image, &count);
	for (size_t i = 0; i < count; i++) {
		struct rules__text text = {files[i].path, files[i].text, true, &files[i]};

		if (files[i].type != FILE_REGULAR || (!files[i].text && !files[i].source) ||
		    !rules__is_app_path(input->facts, files[i].path))
			continue;
		if (visit(payload, &text))
			return;
	}
}
