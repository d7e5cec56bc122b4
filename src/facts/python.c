/* The interpreter that the image's PATH finds, and where it looks for packages. */
#include "facts/facts_private.h"

#include <string.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const struct image_file *on_path(struct collector *collector, const char *name)
{
	const char *path = facts_env(collector->facts, "PATH");

	for (path = path && *path ? path : PATH_DEFAULT; *path;) {
		size_t len = strcspn(path, ":");
		const char *candidate =
			arena_printf(collector->arena, "%.*s/%s", (int)len, path, name);
		const struct image_file *file = image_find(collector->image, candidate, false);

		if (len && file && image_find(collector->image, candidate, true))
			return file;
		path += len + (path[len] == ':');
	}
	return NULL;
}

/* "3.11" of "python3.11"; NULL: the name carries none. */
static const char *version_in(const char *path, struct arena *arena)
{
	const char *at = strstr(facts__base(path), "python");
	size_t len;

	if (!at)
		return NULL;
	at += strlen("python");
	len = strspn(at, "0123456789.");
	return len > 1 && memchr(at, '.', len) && !at[len] ? arena_strndup(arena, at, len) : NULL;
}

static const char *folder_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(arena, path, slash ? (size_t)(slash - path) : 0);
}

/* Of "lib/python3.11" below PREFIX, when the interpreter's own name does not tell. */
static const char *version_below(struct collector *collector, const char *prefix)
{
	const char *lib = arena_printf(collector->arena, "%s/lib", prefix);
	size_t count = 0, len = strlen(lib);
	const struct image_file *files = image_under(collector->image, lib, &count);

	for (size_t i = 0; i < count; i++)
		if (files[i].type == FILE_FOLDER && !strchr(files[i].path + len + 1, '/') &&
		    version_in(files[i].path, collector->arena))
			return version_in(files[i].path, collector->arena);
	return NULL;
}

static void add_site(struct collector *collector, const char *path)
{
	struct strings *sites = &collector->facts->python.sites;
	const struct image_file *folder = image_find(collector->image, path, true);

	if (!folder || folder->type != FILE_FOLDER)
		return;
	for (size_t i = 0; i < sites->count; i++)
		if (strcmp(sites->items[i], folder->path) == 0)
			return;
	facts__push(collector, sites, folder->path);
}

static void add_pythonpath(struct collector *collector)
{
	const char *path = facts_env(collector->facts, "PYTHONPATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");

		if (len)
			add_site(collector, arena_strndup(collector->arena, path, len));
		path += len + (path[len] == ':');
	}
}

static void add_prefix(struct collector *collector, const char *prefix, const char *version)
{
	struct arena *arena = collector->arena;

	add_site(collector, arena_printf(arena, "%s/lib/python%s/site-packages", prefix, version));
	add_site(collector,
		 arena_printf(arena, "%s/lib64/python%s/site-packages", prefix, version));
	add_site(collector, arena_printf(arena, "%s/lib/python%s/dist-packages", prefix, version));
}

/* A virtual environment sees the system's packages only when its pyvenv.cfg says so. */
static bool is_closed(struct collector *collector, const char *prefix)
{
	const struct image_file *file = image_find(
		collector->image, arena_printf(collector->arena, "%s/pyvenv.cfg", prefix), true);
	size_t len = 0;
	const char *text = facts__text(collector, file, &len);

	return file && !(text && strstr(text, "include-system-site-packages = true"));
}

void facts__python(struct collector *collector)
{
	struct python_facts *python = &collector->facts->python;
	const struct image_file *found = on_path(collector, "python3"), *real;
	const char *prefix;

	if (!found)
		found = on_path(collector, "python");
	add_pythonpath(collector);
	if (!found)
		return;
	real = image_find(collector->image, found->path, true);
	python->path = found->path;
	prefix = folder_of(folder_of(found->path, collector->arena), collector->arena);
	python->version = version_in(real->path, collector->arena);
	if (!python->version)
		python->version = version_below(collector, prefix);
	if (!python->version)
		return;
	add_prefix(collector, prefix, python->version);
	if (is_closed(collector, prefix))
		return;
	add_prefix(collector, folder_of(folder_of(real->path, collector->arena), collector->arena),
		   python->version);
	if (strcmp(prefix, "/usr") == 0) { /* Debian's */
		add_site(collector,
			 arena_printf(collector->arena, "/usr/local/lib/python%s/dist-packages",
				      python->version));
		add_site(collector, "/usr/lib/python3/dist-packages");
	}
}
