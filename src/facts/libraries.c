/*
 * Every ELF file, and what the dynamic loader does about the libraries it needs (ld.so(8)): RPATH
 * of the library and of its loaders unless there is a RUNPATH, LD_LIBRARY_PATH, RUNPATH,
 * ld.so.conf, the default folders.
 */
#include "facts/facts_private.h"

#include <stdlib.h>
#include <string.h>

#define CONF_DEPTH_MAX 8
#define FOLDERS_MAX 1000

/* --- folders --------------------------------------------------------------------------------- */

static void add_folder(struct collector *collector, const char *path)
{
	struct strings *list = &collector->cached;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], path) == 0)
			return;
	if (list->count < FOLDERS_MAX)
		facts__push(collector, list, path);
}

static void read_conf(struct collector *collector, const struct image_file *file, unsigned depth);

/* The pattern is a folder and *.conf: no other form is in use. */
static void include(struct collector *collector, const char *pattern, unsigned depth)
{
	const char *slash = strrchr(pattern, '/');
	const char *folder =
		slash ? arena_strndup(collector->arena, pattern, (size_t)(slash - pattern))
		      : "/etc";
	size_t count = 0;
	const struct image_file *files = image_under(collector->image, folder, &count);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(files[i].path);

		if (len > 5 && strcmp(files[i].path + len - 5, ".conf") == 0)
			read_conf(collector, &files[i], depth + 1);
	}
}

static void read_conf(struct collector *collector, const struct image_file *file, unsigned depth)
{
	size_t len = 0;
	const char *at = facts__text(collector, file, &len);

	while (depth < CONF_DEPTH_MAX && at && *at) {
		size_t line = strcspn(at, "\n");
		char *text = arena_strndup(collector->arena, at, strcspn(at, "#\n"));
		size_t word;

		text += strspn(text, " \t");
		word = strcspn(text, " \t\r");
		if (word == 7 && memcmp(text, "include", 7) == 0) {
			text += word + strspn(text + word, " \t");
			text[strcspn(text, " \t\r")] = '\0';
			include(collector, text, depth);
		} else if (*text == '/') {
			text[word] = '\0';
			add_folder(collector, text);
		}
		at += line + (at[line] == '\n');
	}
}

static void find_folders(struct collector *collector)
{
	static const char *const always[] = {"/lib/x86_64-linux-gnu",
					     "/usr/lib/x86_64-linux-gnu",
					     "/lib/aarch64-linux-gnu",
					     "/usr/lib/aarch64-linux-gnu",
					     "/lib64",
					     "/usr/lib64",
					     "/lib",
					     "/usr/lib",
					     "/usr/local/lib"};

	read_conf(collector, image_find(collector->image, "/etc/ld.so.conf", true), 0);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add_folder(collector, always[i]);
}

/* --- one search ------------------------------------------------------------------------------ */

static const struct image_file *look(struct collector *collector, const struct library *library,
				     const char *folder, const char *soname)
{
	const struct image_file *file = image_find(
		collector->image, arena_printf(collector->arena, "%s/%s", folder, soname), true);

	return file && file->binary && strcmp(file->binary->machine, library->binary->machine) == 0
		       ? file
		       : NULL;
}

/* FOLDER with $ORIGIN at its head put in, as PATH says. */
static const char *expand(struct collector *collector, const char *folder, size_t len,
			  const char *path)
{
	static const char *const origins[] = {"$ORIGIN", "${ORIGIN}"};
	size_t here = (size_t)(strrchr(path, '/') - path);

	for (size_t i = 0; i < 2; i++) {
		size_t name = strlen(origins[i]);

		if (len >= name && memcmp(folder, origins[i], name) == 0)
			return arena_printf(collector->arena, "%.*s%.*s", (int)here, path,
					    (int)(len - name), folder + name);
	}
	return arena_strndup(collector->arena, folder, len);
}

static const struct image_file *along(struct collector *collector, const struct library *library,
				      const char *paths, const char *soname)
{
	while (paths && *paths) {
		size_t len = strcspn(paths, ":");
		const struct image_file *file =
			len ? look(collector, library, expand(collector, paths, len, library->path),
				   soname)
			    : NULL;

		if (file)
			return file;
		paths += len + (paths[len] == ':');
	}
	return NULL;
}

static const struct image_file *among(struct collector *collector, const struct library *library,
				      const struct strings *folders, const char *soname)
{
	for (size_t i = 0; i < folders->count; i++) {
		const struct image_file *file = look(collector, library, folders->items[i], soname);

		if (file)
			return file;
	}
	return NULL;
}

/* What the container runtime puts there on a machine with a GPU. */
static bool is_driver(const char *soname)
{
	static const char *const starts[] = {"libcuda.so", "libnvidia-", "libnvcuvid.so",
					     "libnvoptix.so", "libcudadebugger.so"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(soname, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static void resolve(struct collector *collector, const struct library *library, const char *soname,
		    struct resolved *out)
{
	const struct binary *binary = library->binary;
	const struct image_file *file = NULL;

	*out = (struct resolved){.soname = soname};
	if (strchr(soname, '/')) {
		file = image_find(collector->image, soname, true);
		out->how = "path";
	}
	if (!file && !binary->runpath) {
		file = along(collector, library, binary->rpath, soname);
		out->how = "rpath";
	}
	if (!file) {
		file = among(collector, library, &collector->libraries, soname);
		out->how = "ld-library-path";
	}
	if (!file) {
		file = along(collector, library, binary->runpath, soname);
		out->how = "runpath";
	}
	if (!file) {
		file = among(collector, library, &collector->cached, soname);
		out->how = "cache";
	}
	out->path = file ? file->path : NULL;
	if (!file)
		out->how = is_driver(soname) ? "driver" : NULL;
}

/* --- what needs a loader's loader ------------------------------------------------------------ */

/* The library of SONAME in the same distribution or in one it requires: its Python code loads that
 * first, and the loader then takes what is loaded already. */
struct by_soname {
	const char *soname;
	size_t library;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct by_soname *)a)->soname, ((const struct by_soname *)b)->soname);
}

static struct by_soname *index_sonames(struct collector *collector, size_t *count)
{
	struct facts *facts = collector->facts;
	struct by_soname *list =
		arena_alloc(collector->arena, (facts->library_count + 1) * sizeof(*list));

	*count = 0;
	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		if (library->dist == FACTS_NONE)
			continue;
		list[*count].soname = library->binary->soname ? library->binary->soname
							      : facts__base(library->path);
		list[(*count)++].library = i;
	}
	qsort(list, *count, sizeof(*list), by_name);
	return list;
}

static bool holds(const size_t *list, size_t count, size_t dist)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == dist)
			return true;
	return false;
}

/* NVIDIA's cuda-pathfinder loads libraries out of NVIDIA's wheels for whoever requires it. */
static bool has_pathfinder(const struct facts *facts, const size_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(facts->dists[list[i]].normalised, "cuda-pathfinder") == 0)
			return true;
	return false;
}

static bool is_preloaded(const struct facts *facts, const size_t *list, size_t count, size_t dist)
{
	return holds(list, count, dist) ||
	       (strncmp(facts->dists[dist].normalised, "nvidia-", 7) == 0 &&
		has_pathfinder(facts, list, count));
}

static void find_preloaded(struct collector *collector, struct library *library,
			   const struct by_soname *list, size_t count)
{
	size_t dists[FACTS_CLOSURE_MAX], dist_count = 0;

	for (size_t i = 0; i < library->needed_count && library->dist != FACTS_NONE; i++) {
		struct resolved *needed = &library->needed[i];
		struct by_soname key = {.soname = needed->soname};
		const struct by_soname *found, *end = list + count;

		if (needed->path || needed->how)
			continue;
		if (!dist_count)
			dist_count = facts__closure(collector, library->dist, dists);
		found = bsearch(&key, list, count, sizeof(*list), by_name);
		while (found && found > list && by_name(found - 1, &key) == 0)
			found--;
		for (; found && found < end && by_name(found, &key) == 0; found++) {
			const struct library *other = &collector->facts->libraries[found->library];

			if (!is_preloaded(collector->facts, dists, dist_count, other->dist))
				continue;
			needed->path = other->path;
			needed->how = "preloaded";
			break;
		}
	}
}

/* --- all ------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct library *)a)->path, ((const struct library *)b)->path);
}

static void list_libraries(struct collector *collector)
{
	struct facts *facts = collector->facts;

	for (size_t i = 0; i < collector->file_count; i++) {
		const struct image_file *file = &collector->files[i];
		struct library *library;

		if (!file->binary)
			continue;
		library = arena_push(collector->arena, &facts->libraries, &facts->library_count,
				     sizeof(*library));
		library->path = file->path;
		library->file = file;
		library->binary = file->binary;
		library->dist = collector->dist_of[i];
		library->package = collector->package_of[i];
		library->origin = facts__origin(facts, file);
	}
	if (facts->library_count)
		qsort(facts->libraries, facts->library_count, sizeof(*facts->libraries), by_path);
}

const struct library *facts__provider(const struct facts *facts, const struct library *library,
				      const char *soname)
{
	for (size_t i = 0; i < library->needed_count; i++)
		if (strcmp(library->needed[i].soname, soname) == 0)
			return library->needed[i].path
				       ? facts_library(facts, library->needed[i].path)
				       : NULL;
	return NULL;
}

void facts__libraries(struct collector *collector)
{
	struct facts *facts = collector->facts;
	struct by_soname *sonames;
	size_t count;

	list_libraries(collector);
	find_folders(collector);
	for (size_t i = 0; i < facts->library_count; i++) {
		struct library *library = &facts->libraries[i];

		library->needed_count = library->binary->needed.count;
		library->needed = arena_alloc(collector->arena, (library->needed_count + 1) *
									sizeof(*library->needed));
		for (size_t n = 0; n < library->needed_count; n++)
			resolve(collector, library, library->binary->needed.items[n],
				&library->needed[n]);
	}
	sonames = index_sonames(collector, &count);
	for (size_t i = 0; i < facts->library_count; i++)
		find_preloaded(collector, &facts->libraries[i], sonames, count);
}
