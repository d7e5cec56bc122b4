/*
 * The file system of an image as a stack of layers, read without running or unpacking it.
 *
 * An image comes from an engine, a `docker save` or OCI archive, an OCI layout folder, or an
 * unpacked root folder. Each layer is read once: what later rooms need of it (names, modes, small
 * texts, ELF summaries, Python imports) becomes its index, which is cached by layer digest. The
 * indexes are then merged by the rules of the OCI image specification (whiteouts, opaque folders).
 *
 * Input is hostile: paths are normalised and can not leave the root, links are followed at most
 * IMAGE_LINKS_MAX times and only inside the image, sizes and counts are bounded before anything is
 * allocated, digests are verified. Nothing is written but the cache and one scratch file without a
 * name. One thread at a time; a second one of its own hashes and looks while the first unpacks.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "binary/binary.h"
#include "engine/engine.h"
#include "model/target.h"
#include "pydist/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_LAYERS_MAX 1000
#define IMAGE_FILES_MAX 4000000			 /* entries of all layers together */
#define IMAGE_LINKS_MAX 40			 /* as Linux */
#define IMAGE_TEXT_MAX ((size_t)4 * 1024 * 1024) /* of one kept text */
#define IMAGE_LAYER_BYTES_MAX (1ULL << 42)	 /* of one layer, unpacked */
#define IMAGE_RATIO_MAX                                                                            \
	1100 /* unpacked / packed: beyond is a bomb (DEFLATE                                       \
		cannot exceed 1032, zstd of real files does                                        \
		not) */

struct image_layer {
	unsigned number;      /* from 1, lowest first */
	const char *digest;   /* "sha256:…" of the unpacked tar (diff id); NULL: a root folder */
	const char *step;     /* created_by of the configuration's history, without "/bin/sh -c" and
				 "#(nop)"; NULL: unknown */
	unsigned step_number; /* from 1, counts every history entry, empty ones too */
	uint64_t size_bytes;  /* content of its regular files */
	size_t file_count;
	bool cached; /* the index came from the cache */
};

/* One path of the merged image, or a hidden one (image_hidden). */
struct image_file {
	const char *path; /* "/usr/lib/x", normalised */
	enum file_type type;
	uint32_t mode, uid, gid;
	uint64_t size_bytes;
	const char *link; /* of a symlink; hard links are regular files of their own */
	const struct image_layer *layer;     /* that brought this version */
	const struct image_file *replaced;   /* the version it took the place of, NULL: none */
	const struct image_layer *hidden_by; /* layer that replaced or removed it, NULL: visible */
	const char *text; /* kept content, NUL-terminated; NULL: not kept (image_read gets it) */
	size_t text_len;
	const struct binary *binary;	/* of an ELF file, else NULL */
	const struct py_source *source; /* of a .py file, else NULL */
};

struct image_history {
	const char *created_by;
	bool empty_layer;
};

struct image_options {
	const char *cache;  /* folder for layer indexes, NULL: none */
	const char *config; /* file with the OCI configuration, for a root folder; NULL: none */
	bool no_storage;    /* do not read the engine's own folders */
	/* Bytes of layers read so far, of TOTAL (0: unknown); may be NULL. */
	void (*progress)(void *payload, uint64_t done_bytes, uint64_t total_bytes);
	void *payload;
};

struct image;

/* REF of ENGINE: from the storage driver's folders where they can be read, else by export.
 * ERR_NOTFOUND: no such image. */
int image_open_engine(struct engine *engine, const char *ref, const struct image_options *options,
		      struct image **out, struct err *err);
/* A `docker save` or OCI archive, uncompressed, gzip or zstd. With several images in it, REF picks
 * one by tag (or NULL: ERR_USAGE names them). */
int image_open_archive(const char *path, const char *ref, const struct image_options *options,
		       struct image **out, struct err *err);
/* An OCI layout folder. An index of several platforms: linux/amd64, else ERR_USAGE. */
int image_open_layout(const char *path, const char *ref, const struct image_options *options,
		      struct image **out, struct err *err);
/* An unpacked root file system: one layer, read where it lies, never cached. */
int image_open_root(const char *path, const struct image_options *options, struct image **out,
		    struct err *err);
void image_close(struct image *image);
void image_closep(struct image **image);

const char *image_name(const struct image *image);   /* as asked for */
const char *image_source(const struct image *image); /* "engine", "storage", "archive", "layout",
							"root" */
/* Image id (digest of the configuration), NULL for a root folder without one. */
const struct image_config *image_config(const struct image *image);
const struct image_history *image_history(const struct image *image, size_t *count);
const struct image_layer *image_layers(const struct image *image, size_t *count);

/* All visible paths, sorted bytewise by path with '/' before every other byte, so that a folder is
 * followed by everything in it. */
const struct image_file *image_files(const struct image *image, size_t *count);
/* Those below FOLDER ("/usr/lib"), at any depth: a slice of image_files. */
const struct image_file *image_under(const struct image *image, const char *folder, size_t *count);
/* Versions that a higher layer replaced or removed: still readable by whoever has the image. */
const struct image_file *image_hidden(const struct image *image, size_t *count);

/* PATH, relative ones from "/"; links inside the path and, with FOLLOW, at its end are followed
 * inside the image. NULL: not there, or too many links. */
const struct image_file *image_find(const struct image *image, const char *path, bool follow);

/* Content of a regular file, at most MAX bytes (OUT->truncated tells); OUT is set up here, the
 * caller frees it. Kept texts cost nothing, files in folders and plain tars a read of their own,
 * others a read of their layer. */
int image_read(struct image *image, const struct image_file *file, size_t max, struct buf *out,
	       struct err *err);
/* SHA-256 of the whole content. */
int image_hash(struct image *image, const struct image_file *file, char out[65], struct err *err);

/* Bytes this process read from layers (0 when all indexes were cached), for figures. */
uint64_t image_bytes_read(const struct image *image);

#endif
