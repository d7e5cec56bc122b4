/* Looking paths up in the merged image. */
#include "image/image_private.h"
#include "parse/tar.h"

#include <string.h>

#define TEXT_MAX (4 * TAR_PATH_MAX) /* of a path while links in it are followed */

/* The first of COUNT files that does not come before PATH. */
static size_t lower_bound(const struct image_file *files, size_t count, const char *path)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index_compare(files[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct image_file *exact(const struct image *image, const char *path)
{
	size_t at = lower_bound(image->files, image->file_count, path);

	return at < image->file_count && !strcmp(image->files[at].path, path) ? &image->files[at]
									      : NULL;
}

struct image_file *image__version(const struct image *image, const char *path, unsigned number)
{
	struct image_file *found = exact(image, path);
	size_t at;

	if (found && found->layer->number <= number)
		return found;
	found = NULL;
	at = lower_bound(image->hidden, image->hidden_count, path);
	for (; at < image->hidden_count && !strcmp(image->hidden[at].path, path); at++)
		if (image->hidden[at].layer->number <= number)
			found = &image->hidden[at];
	return found;
}

const struct image_file *image_under(const struct image *image, const char *folder, size_t *count)
{
	char path[TAR_PATH_MAX + 2];
	size_t low, high, first;

	*count = 0;
	if (strlen(folder) > TAR_PATH_MAX || index_normalise(folder, path) < 0)
		return image->files;
	first = lower_bound(image->files, image->file_count, path);
	if (first < image->file_count && !strcmp(image->files[first].path, path))
		first++;
	low = first;
	high = image->file_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (index_below(image->files[mid].path, path))
			low = mid + 1;
		else
			high = mid;
	}
	*count = low - first;
	return image->files + first;
}

/* Where a look-up is: the folder reached, and what is still to be walked. */
struct walk {
	char here[TAR_PATH_MAX + 2]; /* "" at the root */
	size_t len;
	char rest[TEXT_MAX + 1];
};

static int step_into(struct walk *w, const char *part, size_t len)
{
	if (len == 1 && part[0] == '.')
		return 0;
	if (len == 2 && part[0] == '.' && part[1] == '.') {
		while (w->len && w->here[--w->len] != '/')
			;
		w->here[w->len] = '\0';
		return 0;
	}
	if (w->len + len + 1 > TAR_PATH_MAX)
		return -1;
	w->here[w->len++] = '/';
	memcpy(w->here + w->len, part, len);
	w->len += len;
	w->here[w->len] = '\0';
	return 0;
}

/* Go on where the link leads, then with REST. */
static int follow_link(struct walk *w, const char *link, const char *rest)
{
	size_t head = strlen(link), tail = strlen(rest);

	if (head + 1 + tail > TEXT_MAX)
		return -1;
	memmove(w->rest + head + 1, rest, tail + 1);
	memcpy(w->rest, link, head);
	w->rest[head] = '/';
	if (link[0] == '/')
		w->len = 0;
	else
		(void)step_into(w, "..", 2);
	w->here[w->len] = '\0';
	return 0;
}

const struct image_file *image_find(const struct image *image, const char *path, bool follow)
{
	struct walk w = {.len = 0};
	unsigned links = 0;
	const char *at = w.rest;

	if (strlen(path) > TEXT_MAX)
		return NULL;
	memcpy(w.rest, path, strlen(path) + 1);
	for (;;) {
		const struct image_file *file;
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (!len)
			return exact(image, w.len ? w.here : "/");
		if (step_into(&w, at, len) < 0)
			return NULL;
		at += len;
		file = exact(image, w.len ? w.here : "/");
		if (!file)
			return NULL;
		if (file->type != FILE_SYMLINK || (!follow && !at[strspn(at, "/")]))
			continue;
		if (++links > IMAGE_LINKS_MAX || follow_link(&w, file->link, at) < 0)
			return NULL;
		at = w.rest;
	}
}
