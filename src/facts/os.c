/* The distribution, and the C and C++ run-time that its programs meet. */
#include "facts/facts_private.h"

#include "parse/version.h"

#include <string.h>

/* Value of NAME=value in os-release, without its quotes. */
static const char *release_value(const char *text, const char *name, struct arena *arena)
{
	size_t len = strlen(name);

	while (text && *text) {
		size_t line = strcspn(text, "\n");

		if (line > len && strncmp(text, name, len) == 0 && text[len] == '=') {
			const char *value = text + len + 1;
			size_t size = line - len - 1;

			if (size >= 2 && (*value == '"' || *value == '\'') &&
			    value[size - 1] == *value) {
				value++;
				size -= 2;
			}
			return arena_strndup(arena, value, size);
		}
		text += line + (text[line] == '\n');
	}
	return NULL;
}

/* The highest "PREFIX1.2.3" that a library defines, without the prefix; private ones do not count.
 */
static const char *highest(const struct library *library, const char *prefix)
{
	const char *best = NULL;
	size_t len = strlen(prefix);

	for (size_t i = 0; library && i < library->binary->version_defs.count; i++) {
		const char *version = library->binary->version_defs.items[i];
		struct err ignored;
		int order = 1;

		if (strncmp(version, prefix, len) != 0 ||
		    version_check(VERSION_DOTTED, version + len, &ignored) < 0)
			continue;
		if (!best ||
		    (version_compare(VERSION_DOTTED, version + len, best, &order, &ignored) == 0 &&
		     order > 0))
			best = version + len;
	}
	return best;
}

/* The one in a folder that the loader searches, as any program without paths of its own finds it.
 */
static const struct library *system_library(struct collector *collector, const char *soname)
{
	const struct strings *lists[] = {&collector->libraries, &collector->cached};

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l]->count; i++) {
			const char *path =
				arena_printf(collector->arena, "%s/%s", lists[l]->items[i], soname);
			const struct image_file *file = image_find(collector->image, path, true);

			if (file && file->binary)
				return facts_library(collector->facts, file->path);
		}
	return NULL;
}

void facts__os(struct collector *collector)
{
	struct os_facts *os = &collector->facts->os;
	const struct image_file *file = image_find(collector->image, "/etc/os-release", true);
	const char *text;
	size_t len = 0;

	if (!file)
		file = image_find(collector->image, "/usr/lib/os-release", true);
	text = facts__text(collector, file, &len);
	os->id = release_value(text, "ID", collector->arena);
	os->version = release_value(text, "VERSION_ID", collector->arena);
	os->pretty = release_value(text, "PRETTY_NAME", collector->arena);
	os->machine = collector->facts->config->arch;
	os->glibc = highest(system_library(collector, "libc.so.6"), "GLIBC_");
	os->glibcxx = highest(system_library(collector, "libstdc++.so.6"), "GLIBCXX_");
	os->cxxabi = highest(system_library(collector, "libstdc++.so.6"), "CXXABI_");
}
