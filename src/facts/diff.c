/* What differs between two images, topic by topic. */
#include "facts/facts_private.h"

#include "base/units.h"
#include "model/secret.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_CHANGE_MIN 100 /* a layer or image that moved by less than 1/100 is no difference */

struct diff {
	struct arena *arena;
	const struct facts *before, *after;
	struct difference *items;
	size_t count;
};

/* The order of topics: causes before consequences. */
static const char *const topics[] = {"python", "arch",	  "library", "env", "config",
				     "os",     "package", "size",    "file"};

static void add(struct diff *diff, const char *topic, const char *name, const char *before,
		const char *after, const struct origin *where)
{
	struct difference *item;

	if (!before && !after)
		return;
	if (before && after && strcmp(before, after) == 0)
		return;
	item = arena_push(diff->arena, &diff->items, &diff->count, sizeof(*item));
	item->topic = topic;
	item->name = arena_strdup(diff->arena, name);
	item->before = arena_strdup(diff->arena, before);
	item->after = arena_strdup(diff->arena, after);
	item->where = where ? facts_where(where, diff->arena) : "";
}

/* --- Python ---------------------------------------------------------------------------------- */

static const char *shown_version(const struct facts *facts, const struct dist *dist)
{
	const char *version = dist ? facts_version(facts, dist) : NULL;

	return dist && !version ? "unknown" : version;
}

static bool is_first(const struct facts *facts, size_t i)
{
	return i == 0 || strcmp(facts->dists[i].normalised, facts->dists[i - 1].normalised) != 0;
}

static void diff_python(struct diff *diff)
{
	const struct facts *before = diff->before, *after = diff->after;

	add(diff, "python", "interpreter", before->python.version, after->python.version, NULL);
	for (size_t i = 0; i < after->dist_count; i++) {
		const char *name = after->dists[i].normalised;
		const struct dist *now = facts_dist(after, name);

		if (is_first(after, i))
			add(diff, "python", name, shown_version(before, facts_dist(before, name)),
			    shown_version(after, now),
			    strcmp(name, "torch") == 0 && after->torch.origin.layer
				    ? &after->torch.origin
				    : &now->origin);
	}
	for (size_t i = 0; i < before->dist_count; i++)
		if (is_first(before, i) && !facts_dist(after, before->dists[i].normalised))
			add(diff, "python", before->dists[i].normalised,
			    shown_version(before, facts_dist(before, before->dists[i].normalised)),
			    NULL, NULL);
	add(diff, "python", "torch metadata",
	    before->torch.present ? before->torch.metadata_version : NULL,
	    after->torch.present ? after->torch.metadata_version : NULL, NULL);
	add(diff, "python", "bitsandbytes library",
	    before->bnb.chosen ? facts__base(before->bnb.chosen) : NULL,
	    after->bnb.chosen ? facts__base(after->bnb.chosen) : NULL, NULL);
}

/* --- libraries ------------------------------------------------------------------------------- */

static void diff_libraries(struct diff *diff)
{
	const struct facts *before = diff->before, *after = diff->after;

	for (size_t i = 0; i < after->library_count; i++) {
		const struct library *now = &after->libraries[i];
		const struct library *then = facts_library(before, now->path);

		if (!then && !now->package)
			add(diff, "library", now->path, NULL,
			    now->binary->soname ? now->binary->soname : "present", &now->origin);
		if (then && (now->binary->device.arch_count || then->binary->device.arch_count))
			add(diff, "arch", now->path,
			    fatbin_text(&then->binary->device, diff->arena),
			    fatbin_text(&now->binary->device, diff->arena), &now->origin);
		else if (!then && now->binary->device.arch_count)
			add(diff, "arch", now->path, NULL,
			    fatbin_text(&now->binary->device, diff->arena), &now->origin);
	}
	for (size_t i = 0; i < before->library_count; i++) {
		const struct library *then = &before->libraries[i];

		if (then->package || facts_library(after, then->path))
			continue;
		add(diff, "library", then->path,
		    then->binary->soname ? then->binary->soname : "present", NULL, NULL);
	}
}

/* --- configuration --------------------------------------------------------------------------- */

static const char *env_value(struct diff *diff, const struct facts *facts, const char *name)
{
	const char *value = facts_env(facts, name);

	return value && secret_pair(name, value) ? arena_strdup(diff->arena, "***") : value;
}

static void diff_env(struct diff *diff)
{
	const struct strings *now = &diff->after->config->env, *then = &diff->before->config->env;

	for (size_t i = 0; i < now->count; i++) {
		const char *name =
			arena_strndup(diff->arena, now->items[i], strcspn(now->items[i], "="));

		add(diff, "env", name, env_value(diff, diff->before, name),
		    env_value(diff, diff->after, name), NULL);
	}
	for (size_t i = 0; i < then->count; i++) {
		const char *name =
			arena_strndup(diff->arena, then->items[i], strcspn(then->items[i], "="));

		if (!facts_env(diff->after, name))
			add(diff, "env", name, env_value(diff, diff->before, name), NULL, NULL);
	}
}

static const char *joined(struct diff *diff, const struct strings *list)
{
	const char *text = NULL;

	for (size_t i = 0; i < list->count; i++)
		text = text ? arena_printf(diff->arena, "%s %s", text, list->items[i])
			    : list->items[i];
	return text;
}

static void diff_config(struct diff *diff)
{
	const struct image_config *then = diff->before->config, *now = diff->after->config;

	add(diff, "config", "entrypoint", joined(diff, &then->entrypoint),
	    joined(diff, &now->entrypoint), NULL);
	add(diff, "config", "cmd", joined(diff, &then->cmd), joined(diff, &now->cmd), NULL);
	add(diff, "config", "healthcheck", joined(diff, &then->healthcheck),
	    joined(diff, &now->healthcheck), NULL);
	add(diff, "config", "ports", joined(diff, &then->ports), joined(diff, &now->ports), NULL);
	add(diff, "config", "volumes", joined(diff, &then->volumes), joined(diff, &now->volumes),
	    NULL);
	add(diff, "config", "user", then->user && *then->user ? then->user : NULL,
	    now->user && *now->user ? now->user : NULL, NULL);
	add(diff, "config", "workdir", then->workdir && *then->workdir ? then->workdir : NULL,
	    now->workdir && *now->workdir ? now->workdir : NULL, NULL);
	add(diff, "os", "distribution", diff->before->os.pretty, diff->after->os.pretty, NULL);
	add(diff, "os", "glibc", diff->before->os.glibc, diff->after->os.glibc, NULL);
	add(diff, "os", "libstdc++", diff->before->os.glibcxx, diff->after->os.glibcxx, NULL);
}

/* --- packages, sizes, files ------------------------------------------------------------------ */

static const struct package *find_package(const struct facts *facts, const struct package *wanted)
{
	for (size_t i = 0; i < facts->package_count; i++)
		if (strcmp(facts->packages[i].name, wanted->name) == 0)
			return &facts->packages[i];
	return NULL;
}

static void diff_packages(struct diff *diff)
{
	for (size_t i = 0; i < diff->after->package_count; i++) {
		const struct package *now = &diff->after->packages[i];
		const struct package *then = find_package(diff->before, now);

		add(diff, "package", now->name, then ? then->version : NULL, now->version,
		    &now->origin);
	}
	for (size_t i = 0; i < diff->before->package_count; i++)
		if (!find_package(diff->after, &diff->before->packages[i]))
			add(diff, "package", diff->before->packages[i].name,
			    diff->before->packages[i].version, NULL, NULL);
}

static const char *size_text(struct diff *diff, uint64_t bytes)
{
	char text[32];

	return arena_strdup(diff->arena, units_size(bytes, text, sizeof(text)));
}

static void diff_sizes(struct diff *diff)
{
	uint64_t then = diff->before->size_bytes, now = diff->after->size_bytes;
	uint64_t change = then > now ? then - now : now - then;

	if (change > then / SIZE_CHANGE_MIN)
		add(diff, "size", "image", size_text(diff, then), size_text(diff, now), NULL);
}

/* --- order ----------------------------------------------------------------------------------- */

static size_t rank(const char *topic)
{
	size_t i = 0;

	while (i < sizeof(topics) / sizeof(topics[0]) && strcmp(topics[i], topic) != 0)
		i++;
	return i;
}

/* torch and what serves it first; then what changed, came, went. */
static int weight(const struct difference *item)
{
	bool first = strncmp(item->name, "torch", 5) == 0 || strstr(item->name, "/torch/");

	return (first ? 0 : 4) + (item->before && item->after ? 0 : item->after ? 1 : 2);
}

static int by_topic(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;
	size_t left = rank(x->topic), right = rank(y->topic);

	if (left != right)
		return left < right ? -1 : 1;
	if (weight(x) != weight(y))
		return weight(x) - weight(y);
	return strcmp(x->name, y->name);
}

void facts_diff(const struct facts *before, const struct facts *after, bool files,
		struct arena *arena, struct difference **out, size_t *count)
{
	struct diff diff = {.arena = arena, .before = before, .after = after};

	diff_python(&diff);
	diff_libraries(&diff);
	diff_env(&diff);
	diff_config(&diff);
	diff_packages(&diff);
	diff_sizes(&diff);
	if (files)
		facts__diff_files(before, after, arena, &diff.items, &diff.count);
	if (diff.count)
		qsort(diff.items, diff.count, sizeof(*diff.items), by_topic);
	*out = diff.items;
	*count = diff.count;
}
