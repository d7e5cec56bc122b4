/*
 * Layers put on top of each other, by the rules of the OCI image specification.
 *
 * All indexes are sorted, so one pass over all of them side by side sees every version of a path
 * together, and a folder before what is in it. What a higher layer takes away from everything
 * below a folder (a whiteout, an opaque mark, a file in the folder's place) is a barrier, valid as
 * long as the pass is inside that folder.
 */
#include "base/mem.h"
#include "image/image_private.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct barrier {
	const char *folder;
	uint32_t layer;
};

/* One version of the path that the pass is at, from layer LAYER (from 0). */
struct version {
	uint32_t layer;
	struct entry entry;
};

struct pass {
	struct image *image;
	struct index_cursor *cursors;
	struct entry *heads; /* the next entry of each layer */
	uint32_t *heap;	     /* layers that have one, the least path (then layer) first */
	size_t heap_len;
	struct barrier *barriers;
	size_t barrier_count, barrier_cap;
	uint32_t *barrier_of;		      /* barriers of each layer */
	struct version *versions, *whiteouts; /* at this path, lowest layer first */
	uint32_t *opaque;
	size_t version_count, whiteout_count;
};

static bool before(const struct pass *p, uint32_t a, uint32_t b)
{
	int order = index_compare(p->heads[a].path, p->heads[b].path);

	return order ? order < 0 : a < b;
}

static void sift(struct pass *p, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		uint32_t swap;

		if (child >= p->heap_len)
			return;
		if (child + 1 < p->heap_len && before(p, p->heap[child + 1], p->heap[child]))
			child++;
		if (!before(p, p->heap[child], p->heap[at]))
			return;
		swap = p->heap[at];
		p->heap[at] = p->heap[child];
		p->heap[child] = swap;
		at = child;
	}
}

/* The least entry, and step on. */
static uint32_t take(struct pass *p, struct entry *out)
{
	uint32_t layer = p->heap[0];

	*out = p->heads[layer];
	if (index_next(&p->cursors[layer], &p->heads[layer]) <= 0)
		p->heap[0] = p->heap[--p->heap_len];
	sift(p, 0);
	return layer;
}

static void push_barrier(struct pass *p, const char *folder, uint32_t layer)
{
	if (p->barrier_count == p->barrier_cap) {
		p->barrier_cap = p->barrier_cap ? p->barrier_cap * 2 : 64;
		p->barriers = xrealloc(p->barriers, p->barrier_cap * sizeof(*p->barriers));
	}
	p->barriers[p->barrier_count++] = (struct barrier){folder, layer};
	p->barrier_of[layer]++;
}

static void leave_folders(struct pass *p, const char *path)
{
	while (p->barrier_count && !index_below(path, p->barriers[p->barrier_count - 1].folder))
		p->barrier_of[p->barriers[--p->barrier_count].layer]--;
}

/* The lowest layer above LAYER that takes this path away, without putting another there. */
static uint32_t remover(const struct pass *p, uint32_t layer)
{
	uint32_t found = NONE;

	for (size_t i = 0; i < p->whiteout_count && found == NONE; i++)
		if (p->whiteouts[i].layer > layer)
			found = p->whiteouts[i].layer;
	if (!p->barrier_count)
		return found;
	for (uint32_t i = layer + 1; i < p->image->layer_count && i < found; i++)
		if (p->barrier_of[i])
			return i;
	return found;
}

static enum file_type type_of(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_FILE:
	case ENTRY_HARD:
		return FILE_REGULAR;
	case ENTRY_FOLDER:
		return FILE_FOLDER;
	case ENTRY_SYMLINK:
		return FILE_SYMLINK;
	default:
		return FILE_OTHER;
	}
}

/* A hard link keeps its target in LINK until all versions are known. */
static void fill(struct pass *p, const struct version *version, struct image_file *out)
{
	const struct entry *entry = &version->entry;
	struct arena *arena = p->image->arena;

	*out = (struct image_file){.path = entry->path,
				   .type = type_of(entry->kind),
				   .mode = entry->mode,
				   .uid = entry->uid,
				   .gid = entry->gid,
				   .size_bytes = entry->size,
				   .link = entry->link,
				   .layer = &p->image->layers[version->layer],
				   .text = entry->text.data,
				   .text_len = entry->text.len};
	if (entry->binary.data) {
		struct binary *binary = arena_alloc(arena, sizeof(*binary));

		if (binary_load(entry->binary.data, entry->binary.len, arena, binary, NULL) == 0)
			out->binary = binary;
	}
	if (entry->source.data) {
		struct py_source *source = arena_alloc(arena, sizeof(*source));

		if (py_source_load(entry->source.data, entry->source.len, arena, source, NULL) == 0)
			out->source = source;
	}
}

/* A folder over a folder changes it at most. */
static void fold(struct pass *p, const struct version *version, struct image_file *file)
{
	const struct entry *entry = &version->entry;

	if (entry->implied ||
	    (file->mode == entry->mode && file->uid == entry->uid && file->gid == entry->gid))
		return;
	file->mode = entry->mode;
	file->uid = entry->uid;
	file->gid = entry->gid;
	file->layer = &p->image->layers[version->layer];
}

static struct image_file *hide(struct pass *p, const struct image_file *file, uint32_t by)
{
	struct image_file *out = &p->image->hidden[p->image->hidden_count++];

	*out = *file;
	out->hidden_by = &p->image->layers[by];
	return out;
}

/* All versions of one path are known: which one is seen, and what became of the others. */
static void settle(struct pass *p)
{
	struct image_file file = {0};
	const struct image_file *replaced = NULL;
	bool there = false;

	for (size_t i = 0; i < p->version_count; i++) {
		const struct version *version = &p->versions[i];
		bool last = i + 1 == p->version_count;
		uint32_t next = last ? NONE : version[1].layer, gone;

		if (!there)
			fill(p, version, &file);
		else
			fold(p, version, &file);
		file.replaced = there ? file.replaced : replaced;
		there = true;
		gone = remover(p, version->layer);
		if (last && gone == NONE) {
			p->image->files[p->image->file_count++] = file;
			break;
		}
		if (!last && next < gone && version->entry.kind == ENTRY_FOLDER &&
		    version[1].entry.kind == ENTRY_FOLDER)
			continue;
		replaced = hide(p, &file, gone < next ? gone : next);
		if (gone < next)
			replaced = NULL;
		there = false;
	}
}

/* What this path means for the paths below it. */
static void raise_barriers(struct pass *p)
{
	for (size_t i = 0; i < p->whiteout_count; i++)
		push_barrier(p, p->whiteouts[i].entry.path, p->whiteouts[i].layer);
	for (size_t i = 0; i < p->version_count; i++)
		if (p->versions[i].entry.kind != ENTRY_FOLDER)
			push_barrier(p, p->versions[i].entry.path, p->versions[i].layer);
}

static void one_path(struct pass *p)
{
	const char *path = p->heads[p->heap[0]].path;
	size_t opaque = 0;

	leave_folders(p, path);
	p->version_count = p->whiteout_count = 0;
	while (p->heap_len && !strcmp(p->heads[p->heap[0]].path, path)) {
		struct version version = {0};

		version.layer = take(p, &version.entry);
		if (version.entry.kind == ENTRY_WHITEOUT)
			p->whiteouts[p->whiteout_count++] = version;
		else if (version.entry.kind != ENTRY_OPAQUE)
			p->versions[p->version_count++] = version;
		else
			p->opaque[opaque++] = version.layer;
	}
	settle(p);
	raise_barriers(p);
	while (opaque)
		push_barrier(p, path, p->opaque[--opaque]);
}

static int resolve(struct image *image, struct image_file *file, struct err *err)
{
	const struct image_file *target = file;

	for (unsigned hops = 0; target && target->type == FILE_REGULAR && target->link; hops++)
		target = hops < IMAGE_LINKS_MAX
				 ? image__version(image, target->link, target->layer->number)
				 : NULL;
	if (!target || target->type != FILE_REGULAR)
		return err_set(err, ERR_USAGE,
			       "layer %u: the hard link %s leads to %s, which is no file of the "
			       "image",
			       file->layer->number, file->path, file->link);
	file->mode = target->mode;
	file->uid = target->uid;
	file->gid = target->gid;
	file->size_bytes = target->size_bytes;
	file->text = target->text;
	file->text_len = target->text_len;
	file->binary = target->binary;
	file->source = target->source;
	file->link = NULL;
	return 0;
}

static int resolve_all(struct image *image, struct image_file *files, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (files[i].type == FILE_REGULAR && files[i].link &&
		    resolve(image, &files[i], err) < 0)
			return -1;
	return 0;
}

static void start(struct pass *p, struct image *image)
{
	size_t count = image->layer_count;

	*p = (struct pass){.image = image};
	p->cursors = xcalloc(count, sizeof(*p->cursors));
	p->heads = xcalloc(count, sizeof(*p->heads));
	p->heap = xcalloc(count, sizeof(*p->heap));
	p->barrier_of = xcalloc(count, sizeof(*p->barrier_of));
	p->versions = xcalloc(count, sizeof(*p->versions));
	p->whiteouts = xcalloc(count, sizeof(*p->whiteouts));
	p->opaque = xcalloc(count, sizeof(*p->opaque));
	for (uint32_t i = 0; i < count; i++) {
		p->cursors[i].index = &image->indexes[i];
		if (index_next(&p->cursors[i], &p->heads[i]) > 0)
			p->heap[p->heap_len++] = i;
	}
	for (size_t i = p->heap_len; i-- > 0;)
		sift(p, i);
}

static void done(struct pass *p)
{
	free(p->cursors);
	free(p->heads);
	free(p->heap);
	free(p->barriers);
	free(p->barrier_of);
	free(p->versions);
	free(p->whiteouts);
	free(p->opaque);
}

int image__merge(struct image *image, struct err *err)
{
	struct pass pass;
	size_t total = 0;

	for (size_t i = 0; i < image->layer_count; i++)
		total += image->indexes[i].count;
	if (total > IMAGE_FILES_MAX)
		return err_set(err, ERR_LIMIT, "the layers have more than %d entries",
			       IMAGE_FILES_MAX);
	/* pages that stay untouched take no memory */
	image->files = xcalloc(total, sizeof(*image->files));
	image->hidden = xcalloc(total, sizeof(*image->hidden));
	start(&pass, image);
	while (pass.heap_len)
		one_path(&pass);
	done(&pass);
	return resolve_all(image, image->hidden, image->hidden_count, err) < 0 ||
			       resolve_all(image, image->files, image->file_count, err) < 0
		       ? -1
		       : 0;
}
