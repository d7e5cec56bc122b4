/* Packages of the system's package manager: dpkg and apk, and which files are theirs. */
#include "facts/facts_private.h"

#include "base/units.h"

#include <string.h>

struct paragraph {
	const char *name, *version, *arch, *status;
	uint64_t size_bytes;
};

static const char *after(const char *line, size_t len, const char *key, struct arena *arena)
{
	size_t head = strlen(key);

	if (len < head || strncmp(line, key, head) != 0)
		return NULL;
	while (head < len && line[head] == ' ')
		head++;
	return arena_strndup(arena, line + head, len - head);
}

static void add_package(struct collector *collector, const struct paragraph *from,
			const char *source, const struct image_file *file)
{
	struct facts *facts = collector->facts;
	struct package *package;

	if (!from->name || !from->version || facts->package_count == FACTS_PACKAGES_MAX ||
	    (from->status && !strstr(from->status, " installed")))
		return;
	package = arena_push(collector->arena, &facts->packages, &facts->package_count,
			     sizeof(*package));
	package->name = from->name;
	package->version = from->version;
	package->arch = from->arch;
	package->source = source;
	package->size_bytes = from->size_bytes;
	package->origin = facts__origin(facts, file);
}

/* --- dpkg ------------------------------------------------------------------------------------ */

static void read_dpkg(struct collector *collector, const struct image_file *file)
{
	struct arena *arena = collector->arena;
	struct paragraph now = {0};
	size_t len = 0;
	const char *at = facts__text(collector, file, &len);

	while (at && *at) {
		size_t line = strcspn(at, "\n");
		const char *value;
		int64_t size;

		if (!line) {
			add_package(collector, &now, "dpkg", file);
			now = (struct paragraph){0};
		}
		if ((value = after(at, line, "Package:", arena)) != NULL)
			now.name = value;
		else if ((value = after(at, line, "Version:", arena)) != NULL)
			now.version = value;
		else if ((value = after(at, line, "Architecture:", arena)) != NULL)
			now.arch = value;
		else if ((value = after(at, line, "Status:", arena)) != NULL)
			now.status = value;
		else if ((value = after(at, line, "Installed-Size:", arena)) != NULL &&
			 units_parse_int(value, 0, INT64_MAX / 1024, &size) == 0)
			now.size_bytes = (uint64_t)size * 1024;
		at += line + (at[line] == '\n');
	}
	add_package(collector, &now, "dpkg", file);
}

/* /var/lib/dpkg/info/NAME[:ARCH].list names every path of a package. */
static void read_list(struct collector *collector, const struct image_file *list)
{
	const char *base = facts__base(list->path);
	size_t stem = strlen(base) - strlen(".list"), len = 0;
	const char *at, *name;

	stem = strcspn(base, ":") < stem ? strcspn(base, ":") : stem;
	name = arena_strndup(collector->arena, base, stem);
	at = facts__text(collector, list, &len);
	while (at && *at) {
		size_t line = strcspn(at, "\n");
		char *path = arena_strndup(collector->arena, at, line);
		const struct image_file *file = image_find(collector->image, path, false);
		size_t index = facts__index(collector, file);

		if (index != FACTS_NONE && file->type != FILE_FOLDER)
			collector->package_of[index] = name;
		at += line + (at[line] == '\n');
	}
}

static void own_files(struct collector *collector)
{
	size_t count = 0;
	const struct image_file *files =
		image_under(collector->image, "/var/lib/dpkg/info", &count);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(files[i].path);

		if (len > 5 && strcmp(files[i].path + len - 5, ".list") == 0)
			read_list(collector, &files[i]);
	}
}

/* The layer that changed a package last cannot be told from one status file; its list can. */
static void find_origins(struct collector *collector)
{
	struct facts *facts = collector->facts;

	for (size_t i = 0; i < facts->package_count; i++) {
		struct package *package = &facts->packages[i];
		const char *plain =
			arena_printf(collector->arena, "/var/lib/dpkg/info/%s.list", package->name);
		const struct image_file *list = image_find(collector->image, plain, true);

		if (!list && package->arch)
			list = image_find(collector->image,
					  arena_printf(collector->arena,
						       "/var/lib/dpkg/info/%s:%s.list",
						       package->name, package->arch),
					  true);
		if (list)
			package->origin = facts__origin(facts, list);
	}
}

/* --- apk ------------------------------------------------------------------------------------- */

static void read_apk(struct collector *collector, const struct image_file *file)
{
	struct arena *arena = collector->arena;
	const char *folder = "";
	struct paragraph now = {0};
	size_t len = 0;
	const char *at = facts__text(collector, file, &len);

	while (at && *at) {
		size_t line = strcspn(at, "\n");
		char *value = line > 2 ? arena_strndup(arena, at + 2, line - 2) : NULL;
		const struct image_file *member = NULL;
		int64_t size;

		if (!line) {
			add_package(collector, &now, "apk", file);
			now = (struct paragraph){0};
		} else if (value && at[1] == ':') {
			now.name = *at == 'P' ? value : now.name;
			now.version = *at == 'V' ? value : now.version;
			now.arch = *at == 'A' ? value : now.arch;
			folder = *at == 'F' ? value : folder;
			if (*at == 'I' && units_parse_int(value, 0, INT64_MAX, &size) == 0)
				now.size_bytes = (uint64_t)size;
			if (*at == 'R')
				member = image_find(collector->image,
						    arena_printf(arena, "/%s/%s", folder, value),
						    false);
			if (facts__index(collector, member) != FACTS_NONE)
				collector->package_of[facts__index(collector, member)] = now.name;
		}
		at += line + (at[line] == '\n');
	}
	add_package(collector, &now, "apk", file);
}

void facts__packages(struct collector *collector)
{
	const struct image_file *status =
		image_find(collector->image, "/var/lib/dpkg/status", true);
	const struct image_file *apk = image_find(collector->image, "/lib/apk/db/installed", true);
	const struct image_file *parts;
	size_t count = 0;

	if (status)
		read_dpkg(collector, status);
	parts = image_under(collector->image, "/var/lib/dpkg/status.d", &count); /* distroless */
	for (size_t i = 0; i < count; i++)
		if (parts[i].type == FILE_REGULAR && !strstr(parts[i].path, ".md5sums"))
			read_dpkg(collector, &parts[i]);
	own_files(collector);
	find_origins(collector);
	if (apk)
		read_apk(collector, apk);
	facts__rpm(collector);
}
