/* Installed Python distributions: every metadata folder of every site. */
#include "facts/facts_private.h"

#include <stdlib.h>
#include <string.h>

#define DISTS_MAX 100000

/* Inside a package of a site there are only vendored copies, which nobody can import by name. */
static bool is_vendored(const char *path, size_t site_len)
{
	static const char *const sites[] = {"/site-packages/", "/dist-packages/"};

	for (size_t i = 0; i < 2; i++) {
		const char *at = memmem(path, site_len, sites[i], strlen(sites[i]));

		if (at)
			return true;
	}
	return false;
}

static const struct image_file *beside(struct collector *collector, const struct dist *dist,
				       const char *name)
{
	return image_find(collector->image,
			  arena_printf(collector->arena, "%s/%s", dist->path, name), true);
}

static const char *first_line(struct collector *collector, const struct image_file *file)
{
	size_t len = 0;
	const char *text = facts__text(collector, file, &len);

	return text && *text ? arena_strndup(collector->arena, text, strcspn(text, "\r\n")) : NULL;
}

static void fill_metadata(struct collector *collector, const struct image_file *file,
			  struct dist *dist)
{
	const char *name = NULL, *version = NULL;
	struct dist_metadata metadata = {0};
	size_t len = 0;
	const char *text = facts__text(collector, file, &len);
	struct err ignored;

	(void)dist_folder_name(facts__base(dist->path), collector->arena, &name, &version);
	if (text)
		(void)dist_metadata_parse(text, len, collector->arena, &metadata, &ignored);
	dist->name = metadata.name ? metadata.name : name;
	dist->version = metadata.version ? metadata.version : version;
	dist->license = metadata.license;
	dist->requires = metadata.requires;
}

static void fill_rest(struct collector *collector, struct dist *dist)
{
	const struct image_file *file;
	const char *text, *plus;
	size_t len = 0;

	dist->normalised = py_normalise(dist->name, collector->arena);
	plus = dist->version ? strchr(dist->version, '+') : NULL;
	dist->local = plus ? plus + 1 : NULL;
	dist->installer = first_line(collector, beside(collector, dist, "INSTALLER"));
	dist->requested = beside(collector, dist, "REQUESTED") != NULL;
	file = beside(collector, dist, "direct_url.json");
	text = facts__text(collector, file, &len);
	dist->direct_url = text ? dist_direct_url(text, len, collector->arena) : NULL;
	file = beside(collector, dist, "requires.txt");
	text = facts__text(collector, file, &len);
	if (text && !dist->requires.count)
		dist_requires_txt(text, len, collector->arena, &dist->requires);
}

/* PATH is a metadata file: ".../X.dist-info/METADATA", ".../X.egg-info/PKG-INFO", or a file
 * ".../X.egg-info". Length of the metadata folder's path, 0: none of them. */
static size_t metadata_folder(const struct image_file *file)
{
	static const char *const ends[] = {".dist-info/METADATA", ".egg-info/PKG-INFO",
					   ".egg-info"};
	size_t len = strlen(file->path);

	if (file->type == FILE_FOLDER)
		return 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]), name = strcspn(ends[i], "/");

		if (len > end && strcmp(file->path + len - end, ends[i]) == 0)
			return len - end + name;
	}
	return 0;
}

static void add_dist(struct collector *collector, const struct image_file *file, size_t folder)
{
	struct facts *facts = collector->facts;
	char *path = arena_strndup(collector->arena, file->path, folder);
	size_t site = folder - strlen(facts__base(path)) - 1;
	struct dist dist = {.path = path, .duplicate_of = FACTS_NONE};
	const char *name, *version;

	if (is_vendored(path, site) ||
	    !dist_folder_name(facts__base(path), collector->arena, &name, &version))
		return;
	dist.site = arena_strndup(collector->arena, path, site);
	dist.origin = facts__origin(facts, file);
	fill_metadata(collector, file, &dist);
	fill_rest(collector, &dist);
	*(struct dist *)arena_push(collector->arena, &facts->dists, &facts->dist_count,
				   sizeof(dist)) = dist;
}

static int by_name(const void *a, const void *b)
{
	const struct dist *x = a, *y = b;
	int order = strcmp(x->normalised, y->normalised);

	return order ? order : strcmp(x->path, y->path);
}

int facts__dists(struct collector *collector, struct err *err)
{
	struct facts *facts = collector->facts;

	for (size_t i = 0; i < collector->file_count; i++) {
		size_t folder = metadata_folder(&collector->files[i]);

		if (!folder)
			continue;
		if (facts->dist_count == DISTS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d Python distributions",
				       DISTS_MAX);
		add_dist(collector, &collector->files[i], folder);
	}
	if (facts->dist_count)
		qsort(facts->dists, facts->dist_count, sizeof(*facts->dists), by_name);
	return 0;
}
