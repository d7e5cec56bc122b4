/* Which of an archive's files are the image that was asked for. */
#include "base/file.h"
#include "image/image_private.h"
#include "parse/tar.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NESTED_MAX 4 /* indexes inside each other */
#define NAMES_SHOWN 10
#define MEMBERS_MAX 65536 /* of an archive */

static struct member *open_member(struct bundle *bundle, const char *name)
{
	struct member *member;
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", bundle->folder, name) >= sizeof(path))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	image__own(bundle->image, fd);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	member = arena_alloc(bundle->image->arena, sizeof(*member));
	*member = (struct member){.name = arena_strdup(bundle->image->arena, name),
				  .stored = true,
				  .fd = fd,
				  .size = (uint64_t)st.st_size};
	return member;
}

static struct member *in_archive(struct bundle *bundle, const char *name)
{
	for (unsigned hops = 0; name && hops < IMAGE_LINKS_MAX; hops++) {
		struct member *found = NULL;

		/* the last one counts, as for tar */
		for (size_t i = 0; i < bundle->count; i++)
			if (!strcmp(bundle->members[i].name, name))
				found = &bundle->members[i];
		if (!found || !found->link)
			return found;
		name = found->link;
	}
	return NULL;
}

/* NAME as written in a manifest, which may be hostile. */
static struct member *find(struct bundle *bundle, const char *name)
{
	char path[TAR_PATH_MAX + 2];

	if (strlen(name) > TAR_PATH_MAX || index_normalise(name, path) < 0)
		return NULL;
	return bundle->folder ? open_member(bundle, path) : in_archive(bundle, path);
}

/* "sha256:HEX" lies at "blobs/sha256/HEX". */
static struct member *find_blob(struct bundle *bundle, const char *digest)
{
	char path[DIGEST_HEX + 32];

	if (strncmp(digest, "sha256:", 7) != 0 ||
	    strspn(digest + 7, "0123456789abcdef") != DIGEST_HEX - 1 || digest[DIGEST_HEX + 6])
		return NULL;
	(void)snprintf(path, sizeof(path), "/blobs/sha256/%s", digest + 7);
	return find(bundle, path);
}

static int append(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	buf_add(payload, data, len);
	return 0;
}

static int missing(const struct bundle *bundle, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: %.200s is missing", bundle->image->name, what);
}

static int read_text(struct bundle *bundle, const struct member *member, struct buf *out,
		     struct err *err)
{
	buf_init(out, IMAGE_JSON_MAX);
	if (!member->stored && !member->text)
		return missing(bundle, member->name, err);
	if (!member->stored) {
		buf_add(out, member->text, member->text_len);
		return 0;
	}
	if (member->size > IMAGE_JSON_MAX)
		return err_set(err, ERR_LIMIT, "%s: %s has more than %zu bytes",
			       bundle->image->name, member->name, IMAGE_JSON_MAX);
	return image__read_file(bundle->image, member->fd, member->offset, member->size, append,
				out, err);
}

/* The text of the blob, whose digest is verified. */
static int read_blob(struct bundle *bundle, const char *digest, struct buf *out, struct err *err)
{
	const struct member *member = find_blob(bundle, digest);
	char hex[DIGEST_HEX];

	buf_init(out, 0);
	if (!member)
		return missing(bundle, digest, err);
	if (read_text(bundle, member, out, err) < 0)
		return -1;
	digest_of(buf_str(out), out->len, hex);
	if (strcmp(hex, digest + 7) != 0)
		return err_set(err, ERR_USAGE, "%s: %s is damaged: its digest is sha256:%s",
			       bundle->image->name, digest, hex);
	return 0;
}

static int use_config(struct bundle *bundle, const struct buf *text, struct err *err)
{
	struct image *image = bundle->image;

	if (layout_config(buf_str(text), text->len, image->arena, &image->facts, err) < 0)
		return err_wrap(err, "%s", image->name);
	image->has_config = true;
	buf_add(&image->config_text, buf_str(text), text->len);
	return 0;
}

/* A layer that has passed by in the stream. */
static int use_streamed(struct bundle *bundle, size_t at, struct member *member, const char *digest,
			struct err *err)
{
	struct image *image = bundle->image;
	struct index index;

	image->places[at] = (struct place){.kind = PLACE_MEMBER, .fd = -1, .member = member->name};
	if (!member->index && image__cached(image, at, false))
		return 0;
	if (!member->index)
		return err_set(err, ERR_USAGE, "%s: layer %zu: %s", image->name, at + 1,
			       member->problem ? member->problem : "no tar archive");
	if (digest && strcmp(digest + 7, member->digest) != 0)
		return err_set(err, ERR_USAGE, "%s: layer %zu: its digest is sha256:%s, not %s",
			       image->name, at + 1, member->digest, digest);
	index_copy(member->index, &index);
	if (image__keep(image, at, member->diff_id, &index, err) < 0)
		return err_wrap(err, "%s", image->name);
	return 0;
}

static int read_layer(struct bundle *bundle, size_t at, const char *name, bool digests,
		      struct err *err)
{
	struct image *image = bundle->image;
	struct member *member = digests ? find_blob(bundle, name) : find(bundle, name);

	if (!member)
		return missing(bundle, name, err);
	if (!member->stored)
		return use_streamed(bundle, at, member, digests ? name : NULL, err);
	image->places[at] = (struct place){.kind = PLACE_FILE,
					   .fd = member->fd,
					   .offset = member->offset,
					   .size = member->size};
	if (image__cached(image, at, true))
		return 0;
	return image__read_layer(image, at, digests ? name : NULL, err);
}

static int read_layers(struct bundle *bundle, const struct layout_image *layout, bool digests,
		       struct err *err)
{
	struct image *image = bundle->image;
	size_t count = layout->layers.count;

	if (count != image->facts.diff_ids.count)
		return err_set(err, ERR_USAGE, "%s: %zu layers, but the configuration lists %zu",
			       image->name, count, image->facts.diff_ids.count);
	if (image__layers(image, count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *name = layout->layers.items[i];
		const struct member *member =
			digests ? find_blob(bundle, name) : find(bundle, name);

		image->bytes_total += member ? member->size : 0;
	}
	for (size_t i = 0; i < count; i++)
		if (read_layer(bundle, i, layout->layers.items[i], digests, err) < 0)
			return -1;
	return 0;
}

/* "name:tag" also when the image is called "docker.io/library/name:tag", or by its id. */
static bool is_called(const char *name, const char *ref)
{
	size_t len, tail;

	if (!name || !ref)
		return false;
	len = strlen(name);
	tail = strlen(ref);
	return !strcmp(name, ref) ||
	       (len > tail && name[len - tail - 1] == '/' && !strcmp(name + len - tail, ref));
}

static bool has_tag(const struct layout_image *image, const char *ref)
{
	char latest[512];

	if (!ref)
		return false;
	(void)snprintf(latest, sizeof(latest), "%s:latest", ref);
	for (size_t i = 0; i < image->tags.count; i++)
		if (is_called(image->tags.items[i], ref) || is_called(image->tags.items[i], latest))
			return true;
	return strlen(ref) >= 12 && strstr(image->config, ref) != NULL;
}

/* One of COUNT images has to be chosen, or there is none such. */
static int ask(const struct bundle *bundle, const char *ref, const struct strings *names,
	       struct err *err)
{
	struct buf list;

	buf_init(&list, 512);
	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names->items[i]);
	if (ref)
		err_set(err, ERR_USAGE, "%s holds no image %s, but %s", bundle->image->name, ref,
			list.len ? buf_str(&list) : "none with a name");
	else
		err_set(err, ERR_USAGE, "%s holds several images: choose one of %s",
			bundle->image->name, list.len ? buf_str(&list) : "them by id");
	buf_done(&list);
	return -1;
}

static void push(struct arena *arena, struct strings *out, const char *text)
{
	const char **item;

	if (!text)
		return;
	item = arena_push(arena, &out->items, &out->count, sizeof(*out->items));
	*item = text;
}

static int open_docker(struct bundle *bundle, const struct member *manifest, const char *ref,
		       struct err *err)
{
	struct image *image = bundle->image;
	struct layout_image *list = NULL, *chosen = NULL;
	struct strings names = {0};
	const struct member *config;
	size_t count = 0;
	struct buf text;
	int rc;

	rc = read_text(bundle, manifest, &text, err);
	if (rc == 0)
		rc = layout_docker(buf_str(&text), text.len, image->arena, &list, &count, err);
	buf_done(&text);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		push(image->arena, &names,
		     list[i].tags.count ? list[i].tags.items[0] : list[i].config);
		if (!chosen && (ref ? has_tag(&list[i], ref) : count == 1))
			chosen = &list[i];
	}
	if (!chosen)
		return ask(bundle, ref, &names, err);
	config = find(bundle, chosen->config);
	if (!config)
		return missing(bundle, chosen->config, err);
	rc = read_text(bundle, config, &text, err);
	if (rc == 0)
		rc = use_config(bundle, &text, err);
	buf_done(&text);
	return rc < 0 ? -1 : read_layers(bundle, chosen, false, err);
}

static int open_manifest(struct bundle *bundle, const char *digest, const char *ref, unsigned depth,
			 struct err *err);

static bool is_wanted(const struct layout_descriptor *d, const char *ref)
{
	char latest[512];

	if (!ref)
		return true;
	(void)snprintf(latest, sizeof(latest), "%s:latest", ref);
	return is_called(d->name, ref) || is_called(d->name, latest) || is_called(d->tag, ref) ||
	       strstr(d->digest, ref) != NULL;
}

/* Attestations are listed as images for the platform "unknown". */
static bool is_platform(const struct layout_descriptor *d)
{
	return !d->os || !d->arch || (!strcmp(d->os, "linux") && !strcmp(d->arch, "amd64"));
}

/* REF picks in the outermost index, the platform in those below. */
static int open_index(struct bundle *bundle, const struct buf *text, const char *ref,
		      unsigned depth, struct err *err)
{
	struct image *image = bundle->image;
	struct layout_descriptor *list = NULL, *chosen = NULL;
	struct strings names = {0};
	size_t count = 0, fit = 0;

	if (depth > NESTED_MAX)
		return err_set(err, ERR_USAGE, "%s: more than %d indexes inside each other",
			       image->name, NESTED_MAX);
	if (layout_index(buf_str(text), text->len, image->arena, &list, &count, err) < 0)
		return err_wrap(err, "%s", image->name);
	for (size_t i = 0; i < count; i++) {
		const struct layout_descriptor *d = &list[i];

		if (d->name || d->tag)
			push(image->arena, &names, d->name ? d->name : d->tag);
		else if (d->os && d->arch)
			push(image->arena, &names,
			     arena_printf(image->arena, "%s/%s", d->os, d->arch));
		if (!is_platform(d) || (!depth && !is_wanted(d, ref)))
			continue;
		chosen = &list[i];
		fit++;
	}
	if (fit > 1 && (depth || ref))
		fit = 1;
	if (fit != 1 && depth)
		return err_set(err, ERR_USAGE, "%s holds no image for linux/amd64", image->name);
	return fit == 1 ? open_manifest(bundle, chosen->digest, ref, depth + 1, err)
			: ask(bundle, fit ? NULL : (ref ? ref : "for linux/amd64"), &names, err);
}

static int open_manifest(struct bundle *bundle, const char *digest, const char *ref, unsigned depth,
			 struct err *err)
{
	struct image *image = bundle->image;
	struct layout_image layout = {0};
	struct buf text;
	int rc;

	rc = read_blob(bundle, digest, &text, err);
	if (rc == 0)
		rc = layout_manifest(buf_str(&text), text.len, image->arena, &layout, err);
	if (rc > 0)
		rc = open_index(bundle, &text, ref, depth, err) < 0 ? -1 : 1;
	buf_done(&text);
	if (rc)
		return rc < 0 ? -1 : 0;
	rc = read_blob(bundle, layout.config, &text, err);
	if (rc == 0)
		rc = use_config(bundle, &text, err);
	buf_done(&text);
	return rc < 0 ? -1 : read_layers(bundle, &layout, true, err);
}

int bundle_open(struct bundle *bundle, const char *ref, struct err *err)
{
	const struct member *manifest = bundle->folder ? NULL : find(bundle, "manifest.json"),
			    *index;
	struct buf text;
	int rc;

	if (manifest)
		return open_docker(bundle, manifest, ref, err);
	index = find(bundle, "index.json");
	if (!index)
		return err_set(err, ERR_USAGE,
			       "%s is no image: it has neither manifest.json nor index.json",
			       bundle->image->name);
	rc = read_text(bundle, index, &text, err);
	if (rc == 0)
		rc = open_index(bundle, &text, ref, 0, err);
	buf_done(&text);
	return rc;
}

int bundle_add(struct bundle *bundle, const struct tar_entry *entry, struct member **out,
	       struct err *err)
{
	struct arena *arena = bundle->image->arena;
	char name[TAR_PATH_MAX + 2], link[2 * TAR_PATH_MAX + 8], path[TAR_PATH_MAX + 2];
	struct member member = {.fd = -1, .size = entry->size};

	*out = NULL;
	if (entry->type == TAR_FOLDER || entry->type == TAR_OTHER ||
	    index_normalise(entry->path, name) < 0)
		return 0;
	if (bundle->count >= MEMBERS_MAX)
		return err_set(err, ERR_LIMIT, "an archive of more than %d files", MEMBERS_MAX);
	if (entry->type != TAR_FILE) {
		bool relative = entry->type == TAR_SYMLINK && entry->link[0] != '/';

		/* a symlink starts where it lies */
		(void)snprintf(link, sizeof(link), "%s/../%s", relative ? name : "/x", entry->link);
		if (index_normalise(link, path) < 0)
			return 0;
		member.link = arena_strdup(arena, path);
	}
	member.name = arena_strdup(arena, name);
	*out = arena_push(arena, &bundle->members, &bundle->count, sizeof(**out));
	**out = member;
	return 0;
}

void bundle_done(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->count; i++)
		if (bundle->members[i].index)
			index_done(bundle->members[i].index);
}

int image_open_layout(const char *path, const char *ref, const struct image_options *options,
		      struct image **out, struct err *err)
{
	struct image *image = image__new(path, "layout", options);
	struct bundle bundle = {.image = image, .folder = path};

	if (bundle_open(&bundle, ref, err) < 0 || image__finish(image, err) < 0) {
		image_close(image);
		return -1;
	}
	*out = image;
	return 0;
}
