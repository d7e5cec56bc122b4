/*
 * Files on disk against what each distribution's RECORD says: whose they are, which of several
 * metadata folders of one name they belong to, what is missing, altered or nobody's.
 */
#include "facts/facts_private.h"

#include <stdlib.h>
#include <string.h>

#define HASHED_MAX 8 /* files read to tell two metadata folders apart */
#define HASHED_BYTES_MAX (256u * 1024)

struct record {
	struct record_line *lines;
	size_t count;
	size_t *index; /* of each line's file; FACTS_NONE: not there */
	size_t sized;  /* lines that give a size, and */
	size_t fits;   /* those whose size is the file's */
};

/* SITE/PATH without "." and ".." parts. */
static char *join(const char *site, const char *path, struct arena *arena)
{
	char *out = arena_printf(arena, "%s/%s", *path == '/' ? "" : site, path), *to = out;
	const char *at = out;

	while (*at) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len == 2 && memcmp(at, "..", 2) == 0) {
			while (to > out && *--to != '/')
				;
		} else if (len && !(len == 1 && *at == '.')) {
			*to++ = '/';
			memmove(to, at, len);
			to += len;
		}
		at += len;
	}
	*to = '\0';
	return out;
}

static void read_record(struct collector *collector, struct dist *dist, struct record *out)
{
	const char *path = arena_printf(collector->arena, "%s/RECORD", dist->path);
	const struct image_file *file = image_find(collector->image, path, true);
	size_t len = 0;
	const char *text = facts__text(collector, file, &len);
	struct err ignored;

	if (!text ||
	    dist_record_parse(text, len, collector->arena, &out->lines, &out->count, &ignored) < 0)
		return;
	dist->files.known = true;
	out->index = arena_alloc(collector->arena, (out->count + 1) * sizeof(*out->index));
	for (size_t i = 0; i < out->count; i++) {
		const char *there = join(dist->site, out->lines[i].path, collector->arena);
		const struct image_file *found = image_find(collector->image, there, false);

		out->index[i] = facts__index(collector, found);
		out->sized += out->lines[i].size != UINT64_MAX;
		out->fits += out->index[i] != FACTS_NONE && out->lines[i].size != UINT64_MAX &&
			     out->lines[i].size == found->size_bytes;
	}
}

/* --- several metadata folders of one name ---------------------------------------------------- */

static int by_line_path(const void *a, const void *b)
{
	return strcmp((*(const struct record_line *const *)a)->path,
		      (*(const struct record_line *const *)b)->path);
}

/* LINES in the order of their paths. */
static const struct record_line **sorted(const struct record *record, struct arena *arena)
{
	const struct record_line **list = arena_alloc(arena, (record->count + 1) * sizeof(*list));

	for (size_t i = 0; i < record->count; i++)
		list[i] = &record->lines[i];
	qsort(list, record->count, sizeof(*list), by_line_path);
	return list;
}

/* +1: the file is as MINE says, -1: as OTHER says, 0: neither or not to be told. HASHES counts the
 * files that were read for it. */
static int whose(struct collector *collector, const struct image_file *file,
		 const struct record_line *mine, const struct record_line *other, unsigned *hashes)
{
	struct err ignored;
	char hash[65];

	if (mine->size == UINT64_MAX || other->size == UINT64_MAX)
		return 0;
	if (mine->size != other->size)
		return (file->size_bytes == mine->size) - (file->size_bytes == other->size);
	if (!mine->sha256 || !other->sha256 || strcmp(mine->sha256, other->sha256) == 0 ||
	    file->size_bytes != mine->size || file->size_bytes > HASHED_BYTES_MAX ||
	    *hashes >= HASHED_MAX)
		return 0;
	(*hashes)++;
	if (image_hash(collector->image, file, hash, &ignored) < 0)
		return 0;
	return (strcmp(hash, mine->sha256) == 0) - (strcmp(hash, other->sha256) == 0);
}

/* Do the files belong to B rather than to A? Files that both name can only be as one of them says;
 * where none tells, the one more of whose files are there has the better claim, then the LATER. */
static bool better(struct collector *collector, const struct record *a, const struct record *b,
		   bool later)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct record_line **list = sorted(b, arena);
	unsigned hashes = 0;
	long balance = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct record_line *mine = &a->lines[i], **other;

		if (a->index[i] == FACTS_NONE)
			continue;
		other = bsearch(&mine, list, b->count, sizeof(*list), by_line_path);
		if (other)
			balance += whose(collector, &collector->files[a->index[i]], mine, *other,
					 &hashes);
	}
	if (balance)
		return balance < 0;
	if (b->fits * a->sized != a->fits * b->sized)
		return b->fits * a->sized > a->fits * b->sized;
	return later;
}

static void find_duplicates(struct collector *collector, const struct record *records)
{
	struct facts *facts = collector->facts;

	for (size_t i = 0; i < facts->dist_count; i++) {
		size_t real = i;

		if (facts->dists[i].duplicate_of != FACTS_NONE)
			continue;
		for (size_t k = i + 1; k < facts->dist_count; k++)
			if (strcmp(facts->dists[k].normalised, facts->dists[i].normalised) == 0 &&
			    strcmp(facts->dists[k].site, facts->dists[i].site) == 0 &&
			    better(collector, &records[real], &records[k],
				   facts->dists[k].origin.layer > facts->dists[real].origin.layer))
				real = k;
		for (size_t k = i; k < facts->dist_count; k++) {
			struct dist *dist = &facts->dists[k];

			if (k == real ||
			    strcmp(dist->normalised, facts->dists[real].normalised) != 0 ||
			    strcmp(dist->site, facts->dists[real].site) != 0)
				continue;
			dist->shadowed = true;
			dist->duplicate_of = real;
		}
	}
}

/* --- what each owns -------------------------------------------------------------------------- */

static void sample(struct collector *collector, struct strings *list, const char *path)
{
	if (list->count < FACTS_SAMPLE)
		facts__push(collector, list, path);
}

static bool is_byte_code(const char *path)
{
	size_t len = strlen(path);

	return strstr(path, "/__pycache__/") || strncmp(path, "__pycache__/", 12) == 0 ||
	       (len > 4 && strcmp(path + len - 4, ".pyc") == 0);
}

/* The first part of a RECORD path that is a package or module of the site; NULL: metadata, scripts,
 * data. */
static const char *top_level(const char *path, struct arena *arena)
{
	size_t len = strcspn(path, "/");
	const char *dot;

	if (*path == '.' || *path == '/' || strncmp(path, "__pycache__/", 12) == 0)
		return NULL;
	if (path[len] == '/') {
		const char *part = arena_strndup(arena, path, len);

		return strstr(part, ".dist-info") || strstr(part, ".data") ? NULL : part;
	}
	dot = strchr(path, '.');
	if (!dot || (strcmp(dot, ".py") != 0 && !strstr(dot, ".so")))
		return NULL;
	return arena_strndup(arena, path, (size_t)(dot - path));
}

static void add_package(struct collector *collector, struct dist *dist, const char *name)
{
	for (size_t i = 0; name && i < dist->packages.count; i++)
		if (strcmp(dist->packages.items[i], name) == 0)
			return;
	if (name)
		facts__push(collector, &dist->packages, name);
}

/* Debian strips libraries after the RECORD was written: what its package brought is as it should
 * be. A file that a later layer wrote over is not. */
static bool is_as_packaged(const struct collector *collector, const struct dist *dist, size_t index)
{
	const struct image_file *file = &collector->files[index];

	return collector->package_of[index] && file->layer->number == dist->origin.layer &&
	       strstr(file->path, ".so");
}

static void judge_record(struct collector *collector, size_t which, const struct record *record)
{
	struct dist *dist = &collector->facts->dists[which];
	struct dist_files *files = &dist->files;

	for (size_t i = 0; i < record->count; i++) {
		const struct record_line *line = &record->lines[i];
		const struct image_file *file;

		add_package(collector, dist, top_level(line->path, collector->arena));
		files->listed++;
		if (record->index[i] == FACTS_NONE) {
			if (!is_byte_code(line->path)) {
				files->missing++;
				sample(collector, &files->missing_paths, line->path);
			}
			continue;
		}
		file = &collector->files[record->index[i]];
		if (!dist->shadowed || collector->dist_of[record->index[i]] == FACTS_NONE)
			collector->dist_of[record->index[i]] = which;
		files->size_bytes += file->size_bytes;
		if (line->size != UINT64_MAX && line->size != file->size_bytes &&
		    file->type == FILE_REGULAR &&
		    !is_as_packaged(collector, dist, record->index[i])) {
			files->resized++;
			sample(collector, &files->resized_paths, line->path);
		}
	}
}

/* Does RECORD say of the file at PATH that it has SIZE? LIST are its lines, sorted. */
static bool says(const struct record_line **list, size_t count, const struct record_line *of,
		 uint64_t size)
{
	const struct record_line **line = bsearch(&of, list, count, sizeof(*list), by_line_path);

	return line && (*line)->size == size;
}

/* Files that two distributions of a site bring: those of DIST that are the other's now. */
static void find_overwritten(struct collector *collector, size_t which,
			     const struct record *records)
{
	struct facts *facts = collector->facts;
	struct dist *dist = &facts->dists[which];
	struct arena *arena CLEANUP(arena_freep) = NULL;

	for (size_t k = 0; k < facts->dist_count && dist->files.resized; k++) {
		const struct dist *other = &facts->dists[k];
		const struct record_line **list;

		if (k == which || other->shadowed || !records[k].count ||
		    strcmp(other->site, dist->site) != 0 ||
		    strcmp(other->normalised, dist->normalised) == 0)
			continue;
		arena_freep(&arena);
		arena = arena_new();
		list = sorted(&records[k], arena);
		for (size_t i = 0; i < records[which].count; i++) {
			const struct record_line *line = &records[which].lines[i];
			size_t index = records[which].index[i];

			if (index == FACTS_NONE || line->size == UINT64_MAX ||
			    line->size == collector->files[index].size_bytes ||
			    !says(list, records[k].count, line, collector->files[index].size_bytes))
				continue;
			dist->files.overwriter = k;
			collector->dist_of[index] = k;
			sample(collector, &dist->files.overwritten_paths, line->path);
		}
		if (dist->files.overwritten_paths.count)
			return;
	}
}

static void find_orphans(struct collector *collector, struct dist *dist)
{
	for (size_t p = 0; p < dist->packages.count; p++) {
		const char *folder = arena_printf(collector->arena, "%s/%s", dist->site,
						  dist->packages.items[p]);
		size_t count = 0;
		const struct image_file *files = image_under(collector->image, folder, &count);

		for (size_t i = 0; i < count; i++) {
			size_t index = facts__index(collector, &files[i]);

			if (files[i].type == FILE_FOLDER || is_byte_code(files[i].path) ||
			    collector->dist_of[index] != FACTS_NONE || collector->package_of[index])
				continue;
			dist->files.orphans++;
			sample(collector, &dist->files.orphan_paths, files[i].path);
			collector->dist_of[index] =
				(size_t)(dist - collector->facts->dists); /* counted once */
		}
	}
}

void facts__records(struct collector *collector)
{
	struct facts *facts = collector->facts;
	struct record *records =
		arena_alloc(collector->arena, (facts->dist_count + 1) * sizeof(*records));

	for (size_t i = 0; i < facts->dist_count; i++)
		read_record(collector, &facts->dists[i], &records[i]);
	find_duplicates(collector, records);
	for (size_t i = 0; i < facts->dist_count; i++)
		judge_record(collector, i, &records[i]);
	for (size_t i = 0; i < facts->dist_count; i++)
		if (!facts->dists[i].shadowed)
			find_overwritten(collector, i, records);
	/* Files that only a shadowed record lists were left behind by the one that is gone. */
	for (size_t i = 0; i < facts->dist_count; i++)
		for (size_t k = 0; facts->dists[i].shadowed && k < records[i].count; k++)
			if (records[i].index[k] != FACTS_NONE &&
			    collector->dist_of[records[i].index[k]] == i)
				collector->dist_of[records[i].index[k]] = FACTS_NONE;
	for (size_t i = 0; i < facts->dist_count; i++)
		if (facts->dists[i].files.known && !facts->dists[i].shadowed)
			find_orphans(collector, &facts->dists[i]);
}
