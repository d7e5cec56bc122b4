#include "engine/stream_json.h"

#include "base/arena.h"

#include <string.h>
#include <sys/types.h>

void stream_json_init(struct stream_json *stream,
		      int (*found)(void *payload, const struct json *object, struct err *err),
		      void *payload)
{
	*stream = (struct stream_json){.found = found, .payload = payload};
	buf_init(&stream->object, STREAM_OBJECT_MAX);
}

void stream_json_done(struct stream_json *stream)
{
	buf_done(&stream->object);
}

bool stream_json_cut(const struct stream_json *stream)
{
	return stream->depth > 0;
}

/* A build step may print NUL bytes; a C string cannot hold them, so show U+FFFD instead. */
static void replace_nul(char *text, size_t len)
{
	for (size_t i = 0; i + 5 < len; i++) {
		if (text[i] != '\\')
			continue;
		if (memcmp(text + i + 1, "u0000", 5) == 0)
			memcpy(text + i + 2, "fffd", 4);
		i++;
	}
}

static int emit(struct stream_json *stream, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	struct buf *object = &stream->object;

	if (object->truncated)
		return err_set(err, ERR_INFRA, "the engine sent a message larger than %zu bytes",
			       object->max);
	replace_nul(object->data, object->len);
	if (json_parse(object->data, object->len, false, &json, err) < 0) {
		if (err)
			err->code = ERR_INFRA;
		return err_wrap(err, "the engine's answer is not JSON");
	}
	buf_consume(object, object->len);
	return stream->found(stream->payload, json, err);
}

/* One byte inside an object. True when it ends the object. */
static bool step(struct stream_json *stream, char c)
{
	if (stream->escape)
		stream->escape = false;
	else if (stream->string && c == '\\')
		stream->escape = true;
	else if (c == '"')
		stream->string = !stream->string;
	else if (!stream->string && (c == '{' || c == '['))
		stream->depth++;
	else if (!stream->string && (c == '}' || c == ']'))
		return --stream->depth == 0;
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A piece of a line between objects; OBJECT holds the line meanwhile. Its length, ERR -1. */
static ssize_t take_plain(struct stream_json *stream, const char *data, size_t len, struct err *err)
{
	const char *end = memchr(data, '\n', len);

	if (!stream->plain)
		return err_set(err, ERR_INFRA, "the engine's answer is not JSON: \"%.*s\"",
			       (int)(len > 60 ? 60 : len), data);
	if (end)
		len = (size_t)(end - data);
	buf_add(&stream->object, data, len);
	if (!end)
		return (ssize_t)len;
	stream->plain(stream->payload, buf_str(&stream->object));
	buf_consume(&stream->object, stream->object.len);
	stream->object.truncated = false;
	return (ssize_t)len + 1;
}

/* The bytes of DATA that belong to the object that has begun. */
static ssize_t take_object(struct stream_json *stream, const char *data, size_t len,
			   struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		if (!step(stream, data[i]))
			continue;
		buf_add(&stream->object, data, i + 1);
		return emit(stream, err) < 0 ? -1 : (ssize_t)i + 1;
	}
	buf_add(&stream->object, data, len);
	if (stream->object.truncated && emit(stream, err) < 0)
		return -1;
	return (ssize_t)len;
}

int stream_json_feed(struct stream_json *stream, const char *data, size_t len, struct err *err)
{
	while (len) {
		bool between = stream->depth == 0 && stream->object.len == 0;
		ssize_t used;

		if (between && is_space(*data))
			used = 1;
		else if (stream->depth > 0 || (between && *data == '{'))
			used = take_object(stream, data, len, err);
		else
			used = take_plain(stream, data, len, err);
		if (used < 0)
			return -1;
		data += used;
		len -= (size_t)used;
	}
	return 0;
}

void stream_json_flush(struct stream_json *stream)
{
	if (stream->depth == 0 && stream->object.len && stream->plain) {
		stream->plain(stream->payload, buf_str(&stream->object));
		buf_consume(&stream->object, stream->object.len);
	}
}
