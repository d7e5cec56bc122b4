/* The context as a tar, pulled in pieces: one blob is open at a time, and its bytes go straight to
 * the caller. */
#include "deploy/context_private.h"
#include "parse/tar.h"

#include <string.h>

#define PENDING_MAX ((size_t)2 * 1024 * 1024)
#define LINK_MAX 4096

void context__stream_done(struct stream *stream)
{
	source_blob_close(stream->blob);
	stream->blob = NULL;
	buf_done(&stream->pending);
}

void context__begin(struct context *context, bool buildkit)
{
	context__stream_done(&context->stream);
	context->stream = (struct stream){.buildkit = buildkit};
	buf_init(&context->stream.pending, PENDING_MAX);
}

void context_rewind(struct context *context)
{
	context__begin(context, false);
}

static void pad(struct stream *stream, size_t len)
{
	static const char zeros[TAR_BLOCK];

	buf_add(&stream->pending, zeros, len);
}

static void begin_text(struct stream *stream, const struct member *member, struct tar_entry *entry)
{
	entry->size = member->text_len;
	tar_header(entry, &stream->pending);
	buf_add(&stream->pending, member->text, member->text_len);
	pad(stream, tar_padding(entry->size));
}

static int begin_blob(struct context *context, const struct member *member, struct tar_entry *entry,
		      struct err *err)
{
	struct stream *stream = &context->stream;

	if (source_blob_open(context->source, member->oid, &stream->blob, &stream->left, err) < 0)
		return err_wrap(err, "%s", member->path);
	entry->size = stream->left;
	tar_header(entry, &stream->pending);
	stream->padding = tar_padding(stream->left);
	return 0;
}

/* A link's blob is its target. */
static int begin_link(struct context *context, const struct member *member, struct tar_entry *entry,
		      struct err *err)
{
	struct source_blob *blob = NULL;
	char target[LINK_MAX + 1];
	uint64_t size;
	size_t got = 0;
	ssize_t more = 0;

	if (source_blob_open(context->source, member->oid, &blob, &size, err) < 0)
		return err_wrap(err, "%s", member->path);
	if (size > LINK_MAX) {
		source_blob_close(blob);
		return err_set(err, ERR_LIMIT, "%s: the link's target is longer than %d bytes",
			       member->path, LINK_MAX);
	}
	while (got < size && (more = source_blob_read(blob, target + got, size - got, err)) > 0)
		got += (size_t)more;
	source_blob_close(blob);
	if (more < 0)
		return err_wrap(err, "%s", member->path);
	target[got] = '\0';
	entry->type = TAR_SYMLINK;
	entry->mode = 0777;
	entry->link = target;
	tar_header(entry, &context->stream.pending);
	return 0;
}

static int begin(struct context *context, const struct member *member, struct err *err)
{
	struct tar_entry entry = {.path = member->path, .type = TAR_FILE};

	entry.mode = member->mode & 0100 ? 0755 : 0644;
	if (member->mode == MODE_FOLDER || member->mode == MODE_SUBMODULE) {
		entry.type = TAR_FOLDER;
		entry.mode = 0755;
		tar_header(&entry, &context->stream.pending);
		return 0;
	}
	if (member->text) {
		begin_text(&context->stream, member, &entry);
		return 0;
	}
	return member->mode == MODE_LINK ? begin_link(context, member, &entry, err)
					 : begin_blob(context, member, &entry, err);
}

static size_t give_pending(struct stream *stream, void *data, size_t len)
{
	size_t take = len < stream->pending.len ? len : stream->pending.len;

	if (!take)
		return 0;
	memcpy(data, stream->pending.data, take);
	buf_consume(&stream->pending, take);
	return take;
}

static ssize_t give_content(struct context *context, void *data, size_t len, struct err *err)
{
	struct stream *stream = &context->stream;
	ssize_t got = source_blob_read(stream->blob, data, len, err);

	if (got < 0)
		return err_wrap(err, "%s", context->members[stream->next - 1].path);
	stream->left -= (uint64_t)got;
	if (got == 0 || !stream->left) {
		source_blob_close(stream->blob);
		stream->blob = NULL;
		pad(stream, stream->padding);
		stream->padding = 0;
	}
	return got;
}

/* Put what comes next in place; sets STREAM->ended after the last. */
static int advance(struct context *context, struct err *err)
{
	struct stream *stream = &context->stream;

	while (stream->next < context->count) {
		const struct member *member = &context->members[stream->next++];

		if (stream->buildkit && member->builder_only &&
		    strcmp(member->path, CONTEXT_IGNORE) == 0)
			continue;
		return begin(context, member, err);
	}
	stream->ended = true;
	tar_end(&stream->pending);
	return 0;
}

ssize_t context_read(struct context *context, void *data, size_t len, struct err *err)
{
	struct stream *stream = &context->stream;
	size_t used = 0;

	while (used < len) {
		size_t gave = give_pending(stream, (char *)data + used, len - used);
		ssize_t got;

		used += gave;
		if (gave)
			continue;
		if (stream->blob) {
			got = give_content(context, (char *)data + used, len - used, err);
			if (got < 0)
				return -1;
			used += (size_t)got;
		} else if (stream->ended) {
			break;
		} else if (advance(context, err) < 0) {
			return -1;
		}
	}
	return (ssize_t)used;
}
