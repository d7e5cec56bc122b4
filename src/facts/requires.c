/* Requirements of installed distributions that do not hold. */
#include "facts/facts_private.h"

#include "parse/version.h"

#include <string.h>

struct py_environment facts_environment(const struct facts *facts)
{
	const char *arch = facts->config->arch;

	return (struct py_environment){
		.python_version = facts->python.version,
		.python_full_version = facts->python.version,
		.platform_machine = arch && strcmp(arch, "arm64") == 0 ? "aarch64" : "x86_64",
		.sys_platform = "linux",
		.extra = NULL};
}

/* What is installed under NAME where SITE's code would import it: the same site first. */
static const struct dist *installed(const struct facts *facts, const char *name, const char *site)
{
	const struct dist *found = NULL;

	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (dist->shadowed || strcmp(dist->normalised, name) != 0)
			continue;
		if (strcmp(dist->site, site) == 0)
			return dist;
		found = dist;
	}
	return found;
}

/* A distribution may be installed in a site that the interpreter does not search; there nothing is
 * held against it. */
static bool is_searched(const struct facts *facts, const char *site)
{
	for (size_t i = 0; i < facts->python.sites.count; i++)
		if (strcmp(facts->python.sites.items[i], site) == 0)
			return true;
	return facts->python.sites.count == 0;
}

/* The version that its files say, where the metadata is known to lie: torch's is its version.py. */
static const char *true_version(struct collector *collector, const struct dist *dist)
{
	struct torch_version torch;
	const struct image_file *file;
	const char *text;
	size_t len = 0;

	if (strcmp(dist->normalised, "torch") != 0)
		return dist->version;
	file = image_find(collector->image,
			  arena_printf(collector->arena, "%s/torch/version.py", dist->site), true);
	text = facts__text(collector, file, &len);
	if (!text)
		return dist->version;
	torch_version_parse(text, len, collector->arena, &torch);
	return torch.version ? torch.version : dist->version;
}

static void judge(struct collector *collector, size_t which, const char *line,
		  const struct py_environment *environment_)
{
	struct facts *facts = collector->facts;
	struct requirement requirement;
	const struct dist *found;
	const char *version = NULL;
	struct broken_requirement *broken;
	struct err ignored;
	bool known, holds = false;

	if (requirement_parse(line, collector->arena, &requirement, &ignored) < 0 ||
	    !requirement_applies(requirement.marker, environment_, &known) || !known)
		return;
	found = installed(facts, requirement.normalised, facts->dists[which].site);
	if (found) {
		version = true_version(collector, found);
		if (!version || !*requirement.specifier ||
		    version_matches(VERSION_PEP440, requirement.specifier, version, &holds,
				    &ignored) < 0 ||
		    holds)
			return;
	}
	broken =
		arena_push(collector->arena, &facts->broken, &facts->broken_count, sizeof(*broken));
	*broken = (struct broken_requirement){which, line, version};
}

void facts__requires(struct collector *collector)
{
	struct facts *facts = collector->facts;
	struct py_environment plain = facts_environment(facts);

	if (!plain.python_version)
		return; /* markers could not be judged */
	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (dist->shadowed || !is_searched(facts, dist->site))
			continue;
		for (size_t r = 0; r < dist->requires.count; r++)
			judge(collector, i, dist->requires.items[r], &plain);
	}
}

static void add(const struct facts *facts, size_t dist, size_t *list, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == dist)
			return;
	if (dist < facts->dist_count && *count < FACTS_CLOSURE_MAX)
		list[(*count)++] = dist;
}

size_t facts__closure(struct collector *collector, size_t dist, size_t list[FACTS_CLOSURE_MAX])
{
	const struct facts *facts = collector->facts;
	size_t count = 0;

	add(facts, dist, list, &count);
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < facts->dists[list[i]].requires.count; r++) {
			struct requirement requirement;
			const struct dist *found;
			struct err ignored;

			if (requirement_parse(facts->dists[list[i]].requires.items[r],
					      collector->arena, &requirement, &ignored) < 0)
				continue;
			found = facts_dist(facts, requirement.normalised);
			if (found)
				add(facts, (size_t)(found - facts->dists), list, &count);
		}
	return count;
}
