/*
 * What an endpoint generated: read from a whole JSON body, or piece by piece from the data of
 * server-sent events. The same rules for functional checks and for load.
 *
 * The first token is the first piece with text that is not empty: a chunk that only names a role,
 * or only a finish reason, is none. Text of reasoning and of tool calls counts as tokens, not as
 * text. An object {"error": …} is an error wherever it comes, also after status 200.
 */
#ifndef PROMPT_REPLY_H
#define PROMPT_REPLY_H

#include "base/arena.h"
#include "base/buf.h"
#include "prompt/request.h"

#define REPLY_TEXT_BYTES_MAX ((size_t)8 * 1024 * 1024) /* of the text of one reply */
#define REPLY_WORD_BYTES_MAX ((size_t)256)	       /* of a finish reason, a model's name */
#define REPLY_ERROR_BYTES_MAX ((size_t)1024)	       /* of an error's message */

struct prompt_reply {
	const char *text; /* NULL: the answer has none where the format keeps it */
	size_t text_len;
	const char *finish;	 /* finish reason, NULL: none given */
	int64_t tokens;		 /* generated, as the server counts; -1: it does not say */
	uint64_t pieces;	 /* of a stream: events with text, reasoning or a tool call */
	const char *error;	 /* message of an error object, NULL: none */
	const char *model;	 /* NULL: not said */
	const char *fingerprint; /* system_fingerprint, NULL: not said */
	bool done;		 /* of a stream: "[DONE]" or a finish reason came */
};

/* Read the whole DOCUMENT (borrowed) as an answer of FORMAT. TEXT_PATH: the template's `text`,
 * NULL: the format's own. A text that is no string is its JSON text. Strings are ARENA's. */
void reply_read(enum prompt_format format, const char *text_path, const struct json *document,
		struct arena *arena, struct prompt_reply *out);

/* A stream of one reply. No arena: thousands may be open; memory grows with the text kept. */
struct reply_stream {
	enum prompt_format format;
	const char *text_path; /* borrowed */
	bool keep;	       /* keep the text */
	bool done;
	uint64_t pieces;
	uint64_t text_bytes;
	int64_t tokens;
	struct buf text, finish, error, model, fingerprint;
};

enum reply_event {
	REPLY_NOTHING, /* role only, usage only, empty text, a comment of the server */
	REPLY_TOKEN,   /* text, reasoning or a tool call that is not empty */
	REPLY_DONE,    /* "[DONE]", or the event with the finish reason */
	REPLY_ERROR,   /* an error object */
	REPLY_BAD,     /* neither JSON nor "[DONE]" */
};

void reply_stream_init(struct reply_stream *stream, enum prompt_format format,
		       const char *text_path, bool keep);
void reply_stream_done(struct reply_stream *stream);

/* The data of one server-sent event, LEN bytes. What it brought; text and a finish reason in one
 * event are REPLY_TOKEN with stream->done set. */
enum reply_event reply_stream_event(struct reply_stream *stream, const char *data, size_t len);

/* What came so far; strings are borrowed from STREAM. */
void reply_stream_view(const struct reply_stream *stream, struct prompt_reply *out);

#endif
