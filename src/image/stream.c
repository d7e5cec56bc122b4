/*
 * Archives that can only be read from the start: an engine's export, or a packed file. Which of
 * its files are layers is told at the end, so every file that is not JSON is tried as one.
 */
#include "base/mem.h"
#include "image/image_private.h"
#include "parse/tar.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX ((size_t)64 * 1024 * 1024) /* of all JSON files kept */

struct pass {
	struct image *image;
	struct bundle *bundle;
	struct tar_reader *tar;
	struct unpack *unpack;
	struct member *member; /* that is being read, or NULL */
	struct layer_reader *layer;
	struct digest *digest;
	struct buf text;
	size_t texts; /* bytes of all */
	bool begun;   /* the first byte of MEMBER was seen */
};

static void forget(struct pass *p)
{
	char hex[DIGEST_HEX];

	layer_reader_free(p->layer);
	p->layer = NULL;
	if (p->digest)
		digest_final(p->digest, hex);
	p->digest = NULL;
	p->text.len = 0;
	p->begun = false;
	p->member = NULL;
}

/* Wrong bytes matter only if they turn out to be a layer of the image. */
static int give_up(struct pass *p, struct err *err)
{
	if (err->code != ERR_USAGE && err->code != ERR_LIMIT)
		return -1;
	p->member->problem = arena_strdup(p->image->arena, err->msg);
	forget(p);
	return 0;
}

static int end_layer(struct pass *p, struct err *err)
{
	struct member *member = p->member;
	struct index index;

	if (layer_reader_end(p->layer, member->diff_id, &index, err) < 0)
		return give_up(p, err);
	member->index = arena_alloc(p->image->arena, sizeof(*member->index));
	*member->index = index;
	digest_final(p->digest, member->digest);
	p->digest = NULL;
	forget(p);
	return 0;
}

static int end_member(struct pass *p, struct err *err)
{
	if (!p->member)
		return 0;
	if (p->layer)
		return end_layer(p, err);
	p->member->text = arena_strndup(p->image->arena, buf_str(&p->text), p->text.len);
	p->member->text_len = p->text.len;
	forget(p);
	return 0;
}

/* "blobs/sha256/HEX" of a plain layer is named by the diff id: perhaps it is known. */
static bool is_cached(const struct image *image, const char *name)
{
	struct index index;

	if (!image->cache || strncmp(name, "/blobs/sha256/", 14) != 0 ||
	    index_load(image->cache, name + 14, &index, NULL) < 0)
		return false;
	index_done(&index);
	return true;
}

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct pass *p = payload;
	struct member *member;

	if (end_member(p, err) < 0)
		return -1;
	if (bundle_add(p->bundle, entry, &member, err) < 0)
		return -1;
	if (!member || entry->type != TAR_FILE || is_cached(p->image, member->name))
		return 1;
	p->member = member;
	return 0;
}

static void begin(struct pass *p, char first)
{
	p->begun = true;
	if (first == '{' || first == '[')
		return;
	p->layer = layer_reader_new(&p->image->spool, -1, 0);
	p->digest = digest_new();
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct pass *p = payload;

	if (!p->member)
		return 0;
	if (!p->begun)
		begin(p, *(const char *)data);
	if (p->layer) {
		digest_add(p->digest, data, len);
		return layer_reader_feed(p->layer, data, len, err) < 0 ? give_up(p, err) : 0;
	}
	if (len > IMAGE_JSON_MAX - p->text.len || len > TEXTS_MAX - p->texts) {
		err_set(err, ERR_LIMIT, "a JSON file of more than %zu bytes", IMAGE_JSON_MAX);
		return give_up(p, err);
	}
	p->texts += len;
	buf_add(&p->text, data, len);
	return 0;
}

static int on_unpacked(void *payload, const void *data, size_t len, struct err *err)
{
	return tar_reader_feed(((struct pass *)payload)->tar, data, len, err);
}

static int on_bytes(void *payload, const void *data, size_t len, struct err *err)
{
	return unpack_feed(((struct pass *)payload)->unpack, data, len, err);
}

int stream_open(struct image *image, struct bundle *out, struct err *err)
{
	struct pass p = {.image = image, .bundle = out};
	struct tar_visitor visitor = {on_entry, on_data, &p};
	struct err own = {0}; /* problems are looked at, so there must be one */
	int rc;

	*out = (struct bundle){.image = image, .streamed = true};
	p.tar = tar_reader_new(&visitor);
	p.unpack = unpack_new(on_unpacked, &p);
	buf_init(&p.text, IMAGE_JSON_MAX);
	rc = image->stream(image, on_bytes, &p, &own);
	if (rc == 0 && (unpack_end(p.unpack, &own) < 0 || tar_reader_end(p.tar, &own) < 0 ||
			end_member(&p, &own) < 0))
		rc = -1;
	if (rc < 0 && err)
		*err = own;
	forget(&p);
	buf_done(&p.text);
	unpack_free(p.unpack);
	tar_reader_free(p.tar);
	return rc < 0 ? err_wrap(err, "%s", image->name) : 0;
}
