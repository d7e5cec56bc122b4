/* Writing tar headers: ustar, with PAX records for what does not fit. */
#include "parse/tar.h"

#include "parse/tar_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t tar_padding(uint64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static bool fits_name(const char *text, size_t extra)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return strlen(text) + extra <= sizeof(((struct tar_block *)0)->name);
}

static void octal(char *field, size_t size, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%0*" PRIo64, (int)size - 1, value);

	if (len == (int)size - 1)
		memcpy(field, digits, size);
}

/* Too large for an octal field of DIGITS? */
static bool too_large(uint64_t value, unsigned digits)
{
	return value >> (3 * digits) != 0;
}

/* "LEN KEY=VALUE\n" where LEN counts itself. */
static void record(struct buf *out, const char *key, const char *value, const char *suffix)
{
	size_t body = strlen(key) + strlen(value) + strlen(suffix) + 3, len = body + 1;
	char number[24];

	for (;;) {
		size_t total = body + (size_t)snprintf(number, sizeof(number), "%zu", len);

		if (total == len)
			break;
		len = total;
	}
	buf_printf(out, "%s %s=%s%s\n", number, key, value, suffix);
}

static void record_number(struct buf *out, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	record(out, key, text, "");
}

static void copy_name(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
}

static void write_block(struct buf *out, struct tar_block *block)
{
	unsigned sum = 0;
	const unsigned char *bytes = (const unsigned char *)block;

	memcpy(block->magic, "ustar", 6);
	memcpy(block->version, "00", 2);
	memset(block->checksum, ' ', sizeof(block->checksum));
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += bytes[i];
	octal(block->checksum, 7, sum);
	buf_add(out, block, TAR_BLOCK);
}

static void pad(struct buf *out, uint64_t size)
{
	static const char zeros[TAR_BLOCK];

	buf_add(out, zeros, tar_padding(size));
}

static void write_pax(struct buf *out, const struct buf *records)
{
	struct tar_block block = {.type = 'x'};

	copy_name(block.name, sizeof(block.name), "PaxHeaders/entry");
	octal(block.mode, sizeof(block.mode), 0644);
	octal(block.uid, sizeof(block.uid), 0);
	octal(block.gid, sizeof(block.gid), 0);
	octal(block.size, sizeof(block.size), records->len);
	octal(block.mtime, sizeof(block.mtime), 0);
	write_block(out, &block);
	buf_add(out, buf_str(records), records->len);
	pad(out, records->len);
}

static void collect(const struct tar_entry *entry, const char *slash, struct buf *records)
{
	char text[24];

	if (!fits_name(entry->path, strlen(slash)))
		record(records, "path", entry->path, slash);
	if (entry->link && !fits_name(entry->link, 0))
		record(records, "linkpath", entry->link, "");
	if (too_large(entry->size, 11))
		record_number(records, "size", entry->size);
	if (too_large(entry->uid, 7))
		record_number(records, "uid", entry->uid);
	if (too_large(entry->gid, 7))
		record_number(records, "gid", entry->gid);
	if (entry->mtime_s < 0 || too_large((uint64_t)entry->mtime_s, 11)) {
		(void)snprintf(text, sizeof(text), "%" PRId64, entry->mtime_s);
		record(records, "mtime", text, "");
	}
}

static uint64_t or_zero(uint64_t value, unsigned digits)
{
	return too_large(value, digits) ? 0 : value;
}

void tar_header(const struct tar_entry *entry, struct buf *out)
{
	static const char types[] = {[TAR_FILE] = '0',
				     [TAR_FOLDER] = '5',
				     [TAR_SYMLINK] = '2',
				     [TAR_HARDLINK] = '1',
				     [TAR_OTHER] = '0'};
	size_t len = strlen(entry->path);
	bool add = entry->type == TAR_FOLDER && (!len || entry->path[len - 1] != '/');
	const char *slash = add ? "/" : "";
	struct tar_block block = {.type = types[entry->type]};
	uint64_t mtime = entry->mtime_s < 0 ? 0 : (uint64_t)entry->mtime_s;
	struct buf records;

	buf_init(&records, TAR_META_MAX);
	collect(entry, slash, &records);
	if (records.len)
		write_pax(out, &records);
	buf_done(&records);
	copy_name(block.name, sizeof(block.name), entry->path);
	if (add && len < sizeof(block.name))
		block.name[len] = '/';
	if (entry->link)
		copy_name(block.link, sizeof(block.link), entry->link);
	octal(block.mode, sizeof(block.mode), entry->mode & 07777);
	octal(block.uid, sizeof(block.uid), or_zero(entry->uid, 7));
	octal(block.gid, sizeof(block.gid), or_zero(entry->gid, 7));
	octal(block.size, sizeof(block.size), or_zero(entry->size, 11));
	octal(block.mtime, sizeof(block.mtime), or_zero(mtime, 11));
	write_block(out, &block);
}

void tar_end(struct buf *out)
{
	static const char zeros[2 * TAR_BLOCK];

	buf_add(out, zeros, sizeof(zeros));
}
