#include "image/unpack.h"

#include "base/mem.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#define OUT_BYTES ((size_t)256 * 1024)
#define SLACK ((uint64_t)1024 * 1024) /* a small input may be a bomb without harm */
#define ZSTD_WINDOW_LOG_MAX 27	      /* 128 MiB, what `zstd` itself accepts */

struct unpack {
	sink_fn sink;
	void *payload;
	enum packing packing;
	unsigned char head[PACKING_MAGIC];
	size_t head_len;
	bool started;
	bool between; /* at the end of a gzip member or zstd frame */
	bool over;    /* zeros behind the last member: padding */
	uint64_t packed, unpacked;
	struct inflate_state *gzip;
	ZSTD_DStream *zstd;
	unsigned char *out;
};

enum packing packing_of(const void *data, size_t len)
{
	const unsigned char *at = data;

	if (len >= 3 && at[0] == 0x1f && at[1] == 0x8b && at[2] == 8)
		return PACKING_GZIP;
	if (len >= 4 && at[0] == 0x28 && at[1] == 0xb5 && at[2] == 0x2f && at[3] == 0xfd)
		return PACKING_ZSTD;
	return PACKING_NONE;
}

struct unpack *unpack_new(sink_fn sink, void *payload)
{
	struct unpack *u = xcalloc(1, sizeof(*u));

	u->sink = sink;
	u->payload = payload;
	return u;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	free(u->gzip);
	ZSTD_freeDStream(u->zstd);
	free(u->out);
	free(u);
}

static void gzip_member(struct unpack *u)
{
	isal_inflate_init(u->gzip);
	u->gzip->crc_flag = ISAL_GZIP;
	u->between = false;
}

static void start(struct unpack *u)
{
	u->started = true;
	u->packing = packing_of(u->head, u->head_len);
	if (u->packing == PACKING_NONE)
		return;
	u->out = xcalloc(1, OUT_BYTES);
	if (u->packing == PACKING_GZIP) {
		u->gzip = xcalloc(1, sizeof(*u->gzip));
		gzip_member(u);
		return;
	}
	u->zstd = ZSTD_createDStream();
	if (!u->zstd)
		abort();
	(void)ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
}

static int give(struct unpack *u, const void *data, size_t len, struct err *err)
{
	u->unpacked += len;
	if (u->unpacked > IMAGE_LAYER_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "more than %llu bytes unpacked",
			       IMAGE_LAYER_BYTES_MAX);
	if (u->packing != PACKING_NONE && u->unpacked > SLACK + u->packed * IMAGE_RATIO_MAX)
		return err_set(err, ERR_LIMIT,
			       "unpacks to more than %d times its size: a decompression bomb",
			       IMAGE_RATIO_MAX);
	return len ? u->sink(u->payload, data, len, err) : 0;
}

/* Behind a gzip member there may be another, or zeros up to the end. */
static bool is_padding(struct unpack *u, const unsigned char *data, size_t len)
{
	u->over = u->over || (u->between && len && data[0] == 0);
	return u->over;
}

static int feed_gzip(struct unpack *u, const unsigned char *data, size_t len, struct err *err)
{
	struct inflate_state *s = u->gzip;

	s->next_in = (uint8_t *)data;
	s->avail_in = (uint32_t)len;
	for (;;) {
		int rc;

		if (u->between && (!s->avail_in || is_padding(u, s->next_in, s->avail_in)))
			return 0;
		if (u->between) {
			uint8_t *in = s->next_in;
			uint32_t left = s->avail_in;

			gzip_member(u);
			s->next_in = in;
			s->avail_in = left;
		}
		s->next_out = u->out;
		s->avail_out = (uint32_t)OUT_BYTES;
		rc = isal_inflate(s);
		if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT)
			return err_set(err, ERR_USAGE, "the gzip data are damaged");
		if (give(u, u->out, OUT_BYTES - s->avail_out, err) < 0)
			return -1;
		u->between = s->block_state == ISAL_BLOCK_FINISH;
		if (!u->between && !s->avail_in && s->avail_out)
			return 0;
	}
}

static int feed_zstd(struct unpack *u, const unsigned char *data, size_t len, struct err *err)
{
	ZSTD_inBuffer in = {data, len, 0};
	ZSTD_outBuffer out;

	do {
		size_t rc;

		out = (ZSTD_outBuffer){u->out, OUT_BYTES, 0};
		rc = ZSTD_decompressStream(u->zstd, &out, &in);
		if (ZSTD_isError(rc))
			return err_set(err, ERR_USAGE, "the zstd data are damaged: %s",
				       ZSTD_getErrorName(rc));
		u->between = rc == 0;
		if (give(u, u->out, out.pos, err) < 0)
			return -1;
	} while (in.pos < in.size || out.pos == out.size);
	return 0;
}

static int feed(struct unpack *u, const unsigned char *data, size_t len, struct err *err)
{
	u->packed += len;
	switch (u->packing) {
	case PACKING_GZIP:
		return feed_gzip(u, data, len, err);
	case PACKING_ZSTD:
		return feed_zstd(u, data, len, err);
	case PACKING_NONE:
		break;
	}
	return give(u, data, len, err);
}

/* Collect the magic, then pass on what was held back. */
static int feed_head(struct unpack *u, const unsigned char **data, size_t *len, struct err *err)
{
	while (*len && u->head_len < PACKING_MAGIC) {
		u->head[u->head_len++] = *(*data)++;
		--*len;
	}
	if (u->head_len < PACKING_MAGIC)
		return 0;
	start(u);
	return feed(u, u->head, u->head_len, err);
}

int unpack_feed(struct unpack *u, const void *data, size_t len, struct err *err)
{
	const unsigned char *at = data;

	if (!u->started && feed_head(u, &at, &len, err) < 0)
		return -1;
	while (len && u->started) {
		size_t part = len < UINT32_MAX / 2 ? len : UINT32_MAX / 2;

		if (feed(u, at, part, err) < 0)
			return -1;
		at += part;
		len -= part;
	}
	return 0;
}

int unpack_end(struct unpack *u, struct err *err)
{
	if (!u->started) {
		start(u);
		if (feed(u, u->head, u->head_len, err) < 0)
			return -1;
	}
	if (u->packing != PACKING_NONE && !u->between)
		return err_set(err, ERR_USAGE, "the %s data end too early",
			       u->packing == PACKING_GZIP ? "gzip" : "zstd");
	return 0;
}
