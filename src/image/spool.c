#include "image/spool.h"

#include "base/file.h"
#include "image/extract.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_BYTES ((size_t)8 * 1024 * 1024)
#define MAGIC 0xBA55ED50u
#define ALIGNMENT 8		       /* of fatbins */
#define ENTRY_HEADER_MAX 4096	       /* as binary/fatbin.c has it */
#define HOLE_MIN ((uint64_t)16 * 1024) /* smaller payloads are written: some are looked into */

void spool_init(struct spool *spool, const char *folder)
{
	*spool = (struct spool){.folder = folder, .fd = -1};
	buf_init(&spool->memory, MEMORY_BYTES);
}

void spool_done(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
	buf_done(&spool->memory);
}

static int open_scratch(struct spool *spool, struct err *err)
{
	const char *env = getenv("TMPDIR"), *folder = spool->folder;
	char path[4096];

	if (spool->fd >= 0)
		return 0;
	if (!folder)
		folder = env && *env ? env : "/tmp";
	spool->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd >= 0)
		return 0;
	/* not every file system can make a file without a name */
	if ((size_t)snprintf(path, sizeof(path), "%s/assay-scratch-XXXXXX", folder) >= sizeof(path))
		return err_set(err, ERR_INFRA, "%s: path too long", folder);
	spool->fd = mkostemp(path, O_CLOEXEC);
	if (spool->fd < 0)
		return err_sys(err, ERR_INFRA, "cannot make a scratch file in %s", folder);
	(void)unlink(path);
	return 0;
}

/* --- following fatbins ------------------------------------------------------------------------ */

static uint64_t get(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

/* Bytes up to the next aligned magic, which is the start of a fatbin. */
static size_t scan(uint64_t offset, const unsigned char *data, size_t len)
{
	size_t at = (size_t)((ALIGNMENT - offset % ALIGNMENT) % ALIGNMENT);
	uint32_t word;

	for (; at + sizeof(word) <= len; at += ALIGNMENT) {
		memcpy(&word, data + at, sizeof(word));
		if (word == MAGIC)
			return at;
	}
	return len;
}

/* Collect a head of WANTED bytes; true when it is complete. */
static bool collect(struct spool *spool, const unsigned char *data, size_t len, size_t wanted,
		    size_t *used)
{
	*used = wanted - spool->head_len < len ? wanted - spool->head_len : len;
	memcpy(spool->head + spool->head_len, data, *used);
	spool->head_len += *used;
	if (spool->head_len < wanted)
		return false;
	spool->head_len = 0;
	return true;
}

static void next_entry(struct spool *spool)
{
	spool->state = spool->fatbin_left >= SPOOL_ENTRY_HEADER ? SPOOL_ENTRY : SPOOL_SCAN;
}

static void read_header(struct spool *spool)
{
	spool->fatbin_left = get(spool->head + 8, 8);
	if (get(spool->head + 6, 2) == SPOOL_FATBIN_HEADER)
		next_entry(spool);
	else
		spool->state = SPOOL_SCAN;
}

static void read_entry(struct spool *spool)
{
	uint64_t header = get(spool->head + 4, 4), payload = get(spool->head + 8, 8);

	spool->state = SPOOL_SCAN;
	if (header < SPOOL_ENTRY_HEADER || header > ENTRY_HEADER_MAX ||
	    header > spool->fatbin_left || payload > spool->fatbin_left - header)
		return;
	spool->fatbin_left -= header + payload;
	spool->header_left = header - SPOOL_ENTRY_HEADER;
	spool->payload_left = payload;
	spool->hole = payload >= HOLE_MIN;
	spool->state = SPOOL_REST;
}

static size_t pass(uint64_t *left, size_t len)
{
	size_t part = *left < len ? (size_t)*left : len;

	*left -= part;
	return part;
}

/* How many of LEN bytes belong together, and whether nobody will read them. */
static size_t follow(struct spool *spool, uint64_t offset, const unsigned char *data, size_t len,
		     bool *hole)
{
	size_t used = 0;

	*hole = false;
	switch (spool->state) {
	case SPOOL_SCAN:
		used = scan(offset, data, len);
		if (used < len)
			spool->state = SPOOL_HEADER;
		break;
	case SPOOL_HEADER:
		if (collect(spool, data, len, SPOOL_FATBIN_HEADER, &used))
			read_header(spool);
		break;
	case SPOOL_ENTRY:
		if (collect(spool, data, len, SPOOL_ENTRY_HEADER, &used))
			read_entry(spool);
		break;
	case SPOOL_REST:
		used = pass(&spool->header_left, len);
		if (!spool->header_left)
			spool->state = SPOOL_PAYLOAD;
		break;
	case SPOOL_PAYLOAD:
		*hole = spool->hole;
		used = pass(&spool->payload_left, len);
		if (!spool->payload_left)
			next_entry(spool);
		break;
	}
	return used;
}

/* --- keeping bytes ---------------------------------------------------------------------------- */

static int write_out(struct spool *spool, const void *data, size_t len, struct err *err)
{
	if (file_write_all(spool->fd, data, len) < 0)
		return err_sys(err, ERR_INFRA, "cannot write the scratch file");
	return 0;
}

static int keep(struct spool *spool, const void *data, size_t len, struct err *err)
{
	if (!spool->in_file && len <= MEMORY_BYTES - spool->memory.len) {
		buf_add(&spool->memory, data, len);
		return 0;
	}
	if (!spool->in_file &&
	    (open_scratch(spool, err) < 0 ||
	     write_out(spool, buf_str(&spool->memory), spool->memory.len, err) < 0))
		return -1;
	spool->in_file = true;
	return write_out(spool, data, len, err);
}

int spool_add(struct spool *spool, const void *data, size_t len, struct err *err)
{
	const unsigned char *from = data, *at = data, *end = at + len;

	while (at < end) {
		bool hole;
		size_t part = follow(spool, spool->len, at, (size_t)(end - at), &hole);

		spool->len += part;
		at += part;
		if (!hole || !spool->in_file)
			continue;
		if (keep(spool, from, (size_t)(at - part - from), err) < 0)
			return -1;
		if (lseek(spool->fd, (off_t)spool->len, SEEK_SET) < 0)
			return err_sys(err, ERR_INFRA, "cannot write the scratch file");
		from = at;
	}
	return from < end ? keep(spool, from, (size_t)(end - from), err) : 0;
}

void spool_reset(struct spool *spool)
{
	if (spool->in_file) {
		(void)lseek(spool->fd, 0, SEEK_SET);
		(void)!ftruncate(spool->fd, 0);
	}
	spool->in_file = false;
	spool->memory.len = 0;
	spool->len = 0;
	spool->state = SPOOL_SCAN;
	spool->head_len = 0;
}

int spool_elf(struct spool *spool, const char *path, struct buf *out, struct err *err)
{
	if (!spool->in_file) {
		extract_elf(path, buf_str(&spool->memory), spool->memory.len, out);
		return 0;
	}
	/* a hole at the end has no bytes yet */
	if (ftruncate(spool->fd, (off_t)spool->len) < 0)
		return err_sys(err, ERR_INFRA, "cannot write the scratch file");
	return extract_elf_at(path, spool->fd, 0, spool->len, out, err);
}
