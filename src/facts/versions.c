/* Symbol versions that a library needs and that the file found for it does not define. */
#include "facts/facts_private.h"

#include "parse/version.h"

#include <string.h>

static bool defines(const struct library *provider, const char *version)
{
	for (size_t i = 0; i < provider->binary->version_defs.count; i++)
		if (strcmp(provider->binary->version_defs.items[i], version) == 0)
			return true;
	return false;
}

/* "GLIBC_" of "GLIBC_2.34"; the whole when it carries no number. */
static size_t family(const char *version)
{
	const char *under = strrchr(version, '_');

	return under ? (size_t)(under - version) + 1 : strlen(version);
}

static const char *best_of(const struct library *provider, const char *version)
{
	const char *best = NULL;
	size_t len = family(version);

	for (size_t i = 0; i < provider->binary->version_defs.count; i++) {
		const char *other = provider->binary->version_defs.items[i];
		struct err ignored;
		int order;

		if (strncmp(other, version, len) != 0 ||
		    version_check(VERSION_DOTTED, other + len, &ignored) < 0)
			continue;
		if (!best || (version_compare(VERSION_DOTTED, other + len, best + len, &order,
					      &ignored) == 0 &&
			      order > 0))
			best = other;
	}
	return best;
}

void facts__versions(struct collector *collector)
{
	struct facts *facts = collector->facts;

	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		for (size_t n = 0; n < library->binary->version_need_count; n++) {
			const struct binary_version_need *need = &library->binary->version_needs[n];
			const struct library *provider =
				facts__provider(facts, library, need->file);
			struct missing_version *missing;

			if (need->weak || !provider || defines(provider, need->version))
				continue;
			missing = arena_push(collector->arena, &facts->missing_versions,
					     &facts->missing_version_count, sizeof(*missing));
			*missing = (struct missing_version){i, need->file, need->version,
							    provider->path,
							    best_of(provider, need->version)};
		}
	}
}
