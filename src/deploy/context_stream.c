/* The context as a tar, pulled piece by piece: a header, its content, the next header. */
#include "deploy/context_private.h"

#include "parse/tar.h"

#include <string.h>

#define LINK_BYTES_MAX 4096

static void start_pending(struct context *context)
{
	context->pending.len = 0;
	context->given = 0;
}

static int add_link(struct context *context, const struct source_entry *entry, struct err *err)
{
	struct tar_entry header = { .path = entry->path, .type = TAR_SYMLINK, .mode = 0777 };
	struct source_blob *blob = NULL;
	char target[LINK_BYTES_MAX + 1] = "";
	uint64_t size = 0;
	ssize_t got;

	if (source_blob_open(context->source, entry->oid, &blob, &size, err) < 0)
		return -1;
	got = size <= LINK_BYTES_MAX ? source_blob_read(blob, target, LINK_BYTES_MAX, err)
				     : err_set(err, ERR_USAGE, "%s: the link's target is too long",
					       entry->path);
	source_blob_close(blob);
	if (got < 0)
		return -1;
	header.link = target;
	tar_header(&header, &context->pending);
	return 0;
}

static int add_file(struct context *context, const struct source_entry *entry, struct err *err)
{
	struct tar_entry header = { .path = entry->path, .type = TAR_FILE,
				    .mode = entry->mode & 0111 ? 0755 : 0644 };

	if (source_blob_open(context->source, entry->oid, &context->blob, &context->blob_size,
			     err) < 0)
		return -1;
	header.size = context->blob_size;
	tar_header(&header, &context->pending);
	return 0;
}

static int add_item(struct context *context, const struct source_entry *entry, struct err *err)
{
	struct tar_entry folder = { .path = entry->path, .type = TAR_FOLDER, .mode = 0755 };

	if (entry->mode == 0120000)
		return add_link(context, entry, err);
	if (entry->mode == 0160000) { /* a submodule: its folder, without content */
		tar_header(&folder, &context->pending);
		return 0;
	}
	return add_file(context, entry, err);
}

/* A Dockerfile from outside the context, under a name of ours. */
static void add_dockerfile(struct context *context)
{
	struct tar_entry header = { .path = context->dockerfile_name, .type = TAR_FILE,
				    .mode = 0644, .size = context->dockerfile_len };
	static const char zeros[TAR_BLOCK];

	tar_header(&header, &context->pending);
	buf_add(&context->pending, context->dockerfile_text, context->dockerfile_len);
	buf_add(&context->pending, zeros, tar_padding(context->dockerfile_len));
}

/* Fill pending with what comes next; the end leaves it empty. */
static int advance(struct context *context, struct err *err)
{
	start_pending(context);
	if (context->outside && !context->sent_dockerfile) {
		context->sent_dockerfile = true;
		add_dockerfile(context);
		return 0;
	}
	if (context->next < context->item_count)
		return add_item(context, &context->items[context->next++].entry, err);
	if (!context->ended)
		tar_end(&context->pending);
	context->ended = true;
	return 0;
}

/* The open blob's content; its padding becomes pending. */
static ssize_t read_blob(struct context *context, void *data, size_t len, struct err *err)
{
	static const char zeros[TAR_BLOCK];
	ssize_t got = source_blob_read(context->blob, data, len, err);

	if (got != 0)
		return got;
	source_blob_close(context->blob);
	context->blob = NULL;
	start_pending(context);
	buf_add(&context->pending, zeros, tar_padding(context->blob_size));
	return 0;
}

ssize_t context_read(struct context *context, void *data, size_t len, struct err *err)
{
	for (;;) {
		size_t left = context->pending.len - context->given;

		if (left) {
			left = left < len ? left : len;
			memcpy(data, context->pending.data + context->given, left);
			context->given += left;
			return (ssize_t)left;
		}
		if (context->blob) {
			ssize_t got = read_blob(context, data, len, err);

			if (got != 0)
				return got;
			continue;
		}
		if (context->ended)
			return 0;
		if (advance(context, err) < 0)
			return -1;
	}
}
