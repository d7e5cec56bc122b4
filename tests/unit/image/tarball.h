/* Archives for the tests of this room: layers of a few words, and images of such layers. */
#ifndef TEST_IMAGE_TARBALL_H
#define TEST_IMAGE_TARBALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "image/image.h"
#include "parse/tar.h"

#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define TARBALL_MAX ((size_t)64 * 1024 * 1024)

/* "f path content", "x path content" (executable), "d path", "l path target", "h path target",
 * "o path" (a pipe). */
static inline void tarball_add(struct buf *tar, const char *line)
{
	static const char zeros[TAR_BLOCK];
	static const char kinds[] = "fxdlho";
	static const enum tar_type types[] = {TAR_FILE,	   TAR_FILE,	 TAR_FOLDER,
					      TAR_SYMLINK, TAR_HARDLINK, TAR_OTHER};
	char path[TAR_PATH_MAX + 1];
	const char *rest = strchr(line + 2, ' ');
	size_t len = rest ? (size_t)(rest - line - 2) : strlen(line + 2);
	const char *kind = strchr(kinds, line[0]);
	struct tar_entry entry = {.path = path, .mode = 0644};
	size_t at = tar->len;

	memcpy(path, line + 2, len);
	path[len] = '\0';
	rest = rest ? rest + 1 : "";
	entry.type = types[kind - kinds];
	if (line[0] == 'x' || line[0] == 'd')
		entry.mode = 0755;
	if (entry.type == TAR_FILE)
		entry.size = strlen(rest);
	else
		entry.link = rest;
	tar_header(&entry, tar);
	if (line[0] == 'o') { /* the writer knows no pipes */
		unsigned sum = 0;
		char *block = tar->data + at;

		block[156] = '6';
		memset(block + 148, ' ', 8);
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += (unsigned char)block[i];
		(void)snprintf(block + 148, 8, "%06o", sum);
	}
	if (entry.type != TAR_FILE)
		return;
	buf_add(tar, rest, entry.size);
	buf_add(tar, zeros, tar_padding(entry.size));
}

static inline void tarball_file(struct buf *tar, const char *path, const void *data, size_t len)
{
	static const char zeros[TAR_BLOCK];
	const struct tar_entry entry = {.path = path, .type = TAR_FILE, .mode = 0644, .size = len};

	tar_header(&entry, tar);
	buf_add(tar, data, len);
	buf_add(tar, zeros, tar_padding(len));
}

/* LINES, separated by ';', as a tar. OUT is set up here. */
static inline void tarball(const char *lines, struct buf *out)
{
	char *copy = strdup(lines), *save = NULL;

	buf_init(out, TARBALL_MAX);
	for (char *line = strtok_r(copy, ";", &save); line; line = strtok_r(NULL, ";", &save))
		tarball_add(out, line);
	tar_end(out);
	free(copy);
}

static inline void tarball_gzip(const struct buf *in, struct buf *out)
{
	static struct isal_zstream stream;
	size_t size = in->len + in->len / 8 + 1024;
	unsigned char *packed = malloc(size);

	isal_deflate_stateless_init(&stream);
	stream.gzip_flag = IGZIP_GZIP;
	stream.end_of_stream = 1;
	stream.flush = NO_FLUSH;
	stream.next_in = (unsigned char *)in->data;
	stream.avail_in = (uint32_t)in->len;
	stream.next_out = packed;
	stream.avail_out = (uint32_t)size;
	assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
	buf_init(out, TARBALL_MAX);
	buf_add(out, packed, stream.total_out);
	free(packed);
}

static inline void tarball_zstd(const struct buf *in, struct buf *out)
{
	size_t size = ZSTD_compressBound(in->len), len;
	char *packed = malloc(size);

	len = ZSTD_compress(packed, size, in->data, in->len, 3);
	assert_false(ZSTD_isError(len));
	buf_init(out, TARBALL_MAX);
	buf_add(out, packed, len);
	free(packed);
}

enum tarball_packing { TARBALL_PLAIN, TARBALL_GZIP, TARBALL_ZSTD };

/* PLAIN packed; PLAIN is gone afterwards. */
static inline void tarball_pack(struct buf *plain, enum tarball_packing packing, struct buf *out)
{
	if (packing == TARBALL_PLAIN) {
		*out = *plain;
		return;
	}
	(packing == TARBALL_GZIP ? tarball_gzip : tarball_zstd)(plain, out);
	buf_done(plain);
}

/* A folder of its own for each test. */
static inline void tarball_folder(char out[64])
{
	(void)snprintf(out, 64, "/tmp/assay-image-XXXXXX");
	assert_non_null(mkdtemp(out));
}

static inline void tarball_write(const char *folder, const char *name, const struct buf *data)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write_quick(path, buf_str(data), data->len, NULL), 0);
}

/* What a maker of images can vary. */
struct tarball_image {
	const char *const *layers; /* lines of each, ends with NULL */
	enum tarball_packing inner, outer;
	bool oci;	     /* a layout in the archive, not manifest.json */
	const char *history; /* JSON list, NULL: none */
	const char *diff_id; /* what the configuration says of the first layer, NULL: the truth */
	size_t cut;	     /* bytes taken off the end of the first layer as stored */
	const char *tag;     /* "x:1" */
};

static inline void tarball_blob(struct buf *tar, const struct buf *data, char digest[DIGEST_HEX])
{
	char name[128];

	digest_of(buf_str(data), data->len, digest);
	(void)snprintf(name, sizeof(name), "blobs/sha256/%s", digest);
	tarball_file(tar, name, buf_str(data), data->len);
}

/* The layers into TAR; their digests as JSON lists into DIFFS, and NAMES or DESCRIPTORS. */
static inline void tarball_layers(const struct tarball_image *image, struct buf *tar,
				  struct buf *diffs, struct buf *names)
{
	for (size_t i = 0; image->layers[i]; i++) {
		char diff[DIGEST_HEX], digest[DIGEST_HEX];
		struct buf plain, stored;

		tarball(image->layers[i], &plain);
		digest_of(plain.data, plain.len, diff);
		tarball_pack(&plain, image->inner, &stored);
		stored.len -= i ? 0 : image->cut;
		tarball_blob(tar, &stored, digest);
		buf_printf(diffs, "%s\"sha256:%s\"", i ? "," : "",
			   !i && image->diff_id ? image->diff_id : diff);
		if (image->oci)
			buf_printf(names, "%s{\"digest\":\"sha256:%s\"}", i ? "," : "", digest);
		else
			buf_printf(names, "%s\"blobs/sha256/%s\"", i ? "," : "", digest);
		buf_done(&stored);
	}
}

static inline void tarball_index(const struct tarball_image *image, struct buf *tar,
				 const char *config, const struct buf *names)
{
	const char *tag = image->tag ? image->tag : "x:1";
	char digest[DIGEST_HEX];
	struct buf text;

	buf_init(&text, TARBALL_MAX);
	if (!image->oci) {
		buf_printf(&text,
			   "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"%s\"],"
			   "\"Layers\":[%s]}]",
			   config, tag, buf_str(names));
		tarball_file(tar, "manifest.json", text.data, text.len);
		buf_done(&text);
		return;
	}
	buf_printf(&text, "{\"config\":{\"digest\":\"sha256:%s\"},\"layers\":[%s]}", config,
		   buf_str(names));
	tarball_blob(tar, &text, digest);
	text.len = 0;
	buf_printf(&text,
		   "{\"manifests\":[{\"digest\":\"sha256:%s\",\"annotations\":{"
		   "\"org.opencontainers.image.ref.name\":\"%s\"}}]}",
		   digest, tag);
	tarball_file(tar, "index.json", text.data, text.len);
	buf_done(&text);
}

/* The whole archive into OUT, which is set up here. */
static inline void tarball_make(const struct tarball_image *image, struct buf *out)
{
	struct buf tar, diffs, names, config;
	char digest[DIGEST_HEX];

	buf_init(&tar, TARBALL_MAX);
	buf_init(&diffs, TARBALL_MAX);
	buf_init(&names, TARBALL_MAX);
	buf_init(&config, TARBALL_MAX);
	tarball_layers(image, &tar, &diffs, &names);
	buf_printf(&config,
		   "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"A=b\"]},"
		   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]},\"history\":%s}",
		   buf_str(&diffs), image->history ? image->history : "[]");
	tarball_blob(&tar, &config, digest);
	tarball_index(image, &tar, digest, &names);
	tar_end(&tar);
	tarball_pack(&tar, image->outer, out);
	buf_done(&diffs);
	buf_done(&names);
	buf_done(&config);
}

#endif
