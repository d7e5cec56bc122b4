/* Friends of the room only: the image and where its layers lie. */
#ifndef IMAGE_IMAGE_PRIVATE_H
#define IMAGE_IMAGE_PRIVATE_H

#include "base/digest.h"
#include "base/json.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/unpack.h"
#include "parse/tar.h"

#define IMAGE_JSON_MAX ((size_t)16 * 1024 * 1024) /* of one manifest, index or configuration */
#define IMAGE_READ_BYTES ((size_t)1024 * 1024)	  /* of one read from a file */

/* Where a layer's content can be had again. */
enum place_kind {
	PLACE_NONE,
	PLACE_FOLDER, /* PATH */
	PLACE_FILE,   /* SIZE bytes at OFFSET of FD: a tar, plain or packed */
	PLACE_MEMBER, /* member NAME of a stream that has to be read from its start */
};

struct place {
	enum place_kind kind;
	const char *path;
	int fd; /* the image's or the archive's */
	uint64_t offset, size;
	const char *member;
};

/* What the configuration says of the image. */
struct image_facts {
	struct image_config config;
	struct image_history *history;
	size_t history_count;
	struct strings diff_ids;
};

struct image;

/* An archive that cannot be searched: give all its bytes to SINK. */
typedef int (*stream_fn)(struct image *image, sink_fn sink, void *payload, struct err *err);

struct image {
	struct arena *arena;
	const char *name, *source, *cache;
	const struct image_options *options; /* while it is opened */
	bool has_config;
	struct image_facts facts;
	struct buf config_text; /* of an archive */
	struct image_layer *layers;
	struct index *indexes;
	struct place *places;
	size_t layer_count;
	struct image_file *files, *hidden;
	size_t file_count, hidden_count;
	int *fds; /* closed with the image */
	size_t fd_count;
	struct spool spool;
	uint64_t bytes_read, bytes_total;
	/* where a stream comes from */
	stream_fn stream;
	struct engine *engine;
	const char *ref; /* that the engine exports */
};

struct image *image__new(const char *name, const char *source, const struct image_options *options);
/* Room for COUNT layers, named by the configuration. ERR_LIMIT. */
int image__layers(struct image *image, size_t count, struct err *err);
/* Steps, merged files; IMAGE is complete then. */
int image__finish(struct image *image, struct err *err);
/* Add to what was read, and tell. */
void image__progress(struct image *image, uint64_t bytes);
/* FD is closed with the image. */
int image__own(struct image *image, int fd);

/* The index of layer AT from the cache. False: not there. */
bool image__cached(struct image *image, size_t at, bool offsets);
/* Keep INDEX for layer AT, and in the cache. Its diff id is verified: ERR_USAGE. */
int image__keep(struct image *image, size_t at, const char diff_id[DIGEST_HEX], struct index *index,
		struct err *err);
/* Read layer AT from its place, a file or folder. PACKED is the digest its bytes must have
 * ("sha256:…"), or NULL. */
int image__read_layer(struct image *image, size_t at, const char *packed, struct err *err);

/* Give the SIZE bytes at OFFSET of FD to SINK in large pieces. */
int image__read_file(struct image *image, int fd, uint64_t offset, uint64_t size, sink_fn sink,
		     void *payload, struct err *err);

/* merge.c */
int image__merge(struct image *image, struct err *err);
/* The version of PATH that layer NUMBER or the highest below it brought, NULL: none. */
struct image_file *image__version(const struct image *image, const char *path, unsigned number);

/* layout.c: pure. JSON is borrowed, strings are copied to ARENA. Malformed is ERR_USAGE. */
int layout_config(const char *text, size_t len, struct arena *arena, struct image_facts *out,
		  struct err *err);
struct layout_image {
	const char *config;    /* a member's name, or a digest */
	struct strings layers; /* the same */
	struct strings tags;
};
/* Docker's manifest.json: every image. */
int layout_docker(const char *text, size_t len, struct arena *arena, struct layout_image **out,
		  size_t *count, struct err *err);
/* A descriptor of an OCI index. */
struct layout_descriptor {
	const char *digest, *media_type, *os, *arch;
	const char *name; /* "docker.io/library/x:1", NULL: unknown */
	const char *tag;  /* "1", or whatever the layout's maker called it */
	bool index;	  /* another index */
};
int layout_index(const char *text, size_t len, struct arena *arena, struct layout_descriptor **out,
		 size_t *count, struct err *err);
/* An OCI manifest; 1 when it is an index. */
int layout_manifest(const char *text, size_t len, struct arena *arena, struct layout_image *out,
		    struct err *err);

/* A file of an archive or layout. Which of the three it has depends on where it came from. */
struct member {
	const char *name; /* as index_normalise makes it */
	const char *link; /* a symlink in the archive: another member's name */
	bool stored;	  /* it lies in a file: SIZE bytes at OFFSET of FD */
	int fd;
	uint64_t offset, size;
	const char *text; /* a small file of a stream, TEXT_LEN bytes */
	size_t text_len;
	struct index *index; /* a layer of a stream, with its digests, or why it is none */
	char diff_id[DIGEST_HEX], digest[DIGEST_HEX];
	const char *problem;
};

/* The files of an archive or layout by name. */
struct bundle {
	struct image *image;
	struct member *members; /* of an archive */
	size_t count;
	const char *folder; /* of a layout: members are opened when they are asked for */
	bool streamed;
};

/* Note an entry of an archive; OUT is NULL for what is neither file nor link. It may move with the
 * next. */
int bundle_add(struct bundle *bundle, const struct tar_entry *entry, struct member **out,
	       struct err *err);
/* Find the image REF (NULL: the only one) in BUNDLE and read it. */
int bundle_open(struct bundle *bundle, const char *ref, struct err *err);
void bundle_done(struct bundle *bundle);

/* Read a whole stream: layers are indexed as they pass by, small files kept. */
int stream_open(struct image *image, struct bundle *out, struct err *err);

#endif
