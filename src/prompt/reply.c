#include "prompt/reply.h"

#include "parse/jsonpath.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX 8 /* of objects and lists searched for the text */

/* Where services put what they generated, the likeliest first. */
static const char *const text_keys[] = {"output", "text",    "generated_text", "response",
					"result", "content", "completion",     "answer",
					"token",  "delta",   "message",	       NULL};
static const char *const reasoning_keys[] = {"reasoning_content", "reasoning", NULL};

/* --- pieces of text -------------------------------------------------------------------------- */

static bool add_found(const struct json *value, unsigned depth, struct buf *out);

static bool add_first(const struct json *object, const char *const *keys, unsigned depth,
		      struct buf *out)
{
	for (; *keys; keys++) {
		const struct json *value = json_get(object, *keys);

		if (value && json_type(value) != JSON_NULL)
			return add_found(value, depth + 1, out);
	}
	return false;
}

/* Lists are joined: pieces of a stream, as RunPod aggregates them. */
static bool add_list(const struct json *list, unsigned depth, struct buf *out)
{
	bool any = json_size(list) == 0;

	for (const struct json *item = json_first(list); item; item = json_next(item))
		any |= add_found(item, depth + 1, out);
	return any;
}

static bool add_choice(const struct json *choices, unsigned depth, struct buf *out)
{
	static const char *const keys[] = {"message", "delta", "text", "tokens", NULL};
	const struct json *choice = json_first(choices);

	return choice && json_type(choice) == JSON_OBJECT && add_first(choice, keys, depth, out);
}

/* Append the text that VALUE holds; false: none is found. */
static bool add_found(const struct json *value, unsigned depth, struct buf *out)
{
	const struct json *choices;

	if (depth > DEPTH_MAX)
		return false;
	switch (json_type(value)) {
	case JSON_STRING:
		buf_addstr(out, json_text(value));
		return true;
	case JSON_ARRAY:
		return add_list(value, depth, out);
	case JSON_OBJECT:
		choices = json_get(value, "choices");
		if (choices && json_type(choices) == JSON_ARRAY)
			return add_choice(choices, depth + 1, out);
		return add_first(value, text_keys, depth, out);
	default:
		return false;
	}
}

/* The text at PATH: a string itself, anything else as JSON. */
static bool add_at(const struct json *document, const char *path, struct buf *out)
{
	const struct json *value = jsonpath_find(document, path);

	if (!value)
		return false;
	if (json_text(value))
		buf_addstr(out, json_text(value));
	else
		json_print(value, false, out);
	return true;
}

static bool is_openai(enum prompt_format format)
{
	return format == PROMPT_OPENAI_CHAT || format == PROMPT_OPENAI_COMPLETIONS;
}

static bool is_runpod(enum prompt_format format)
{
	return format == PROMPT_RUNPOD_SYNC || format == PROMPT_RUNPOD_ASYNC;
}

/* Of an OpenAI document the choices alone count: no other key of it is generated. */
static bool add_text(enum prompt_format format, const char *path, const struct json *document,
		     struct buf *out)
{
	const struct json *choices, *output;

	if (path)
		return add_at(document, path, out);
	if (is_openai(format)) {
		choices = json_get(document, "choices");
		return choices && json_type(choices) == JSON_ARRAY && add_choice(choices, 0, out);
	}
	if (is_runpod(format)) {
		output = json_get(document, "output");
		if (!output)
			return false;
		if (add_found(output, 0, out))
			return true;
		json_print(output, false, out); /* an answer without text: its JSON is the text */
		return true;
	}
	if (add_found(document, 0, out))
		return true;
	output = json_get(document, "output");
	if (output)
		json_print(output, false, out);
	return output != NULL;
}

/* --- other facts ----------------------------------------------------------------------------- */

static const struct json *first_choice(const struct json *document)
{
	const struct json *choices = json_get(document, "choices");

	return choices && json_type(choices) == JSON_ARRAY ? json_first(choices) : NULL;
}

static const char *finish_of(const struct json *document)
{
	const struct json *choice = first_choice(document);
	const char *finish = choice ? json_str(choice, "finish_reason", NULL) : NULL;

	if (!finish)
		finish = json_str(document, "finish_reason", NULL);
	return finish;
}

static int64_t count_of(const struct json *object, const char *key)
{
	int64_t count = json_int(object, key, -1);

	return count >= 0 ? count : -1;
}

static int64_t tokens_of(const struct json *document)
{
	static const char *const keys[] = {"completion_tokens", "output_tokens", "output",
					   "generated_tokens", NULL};
	const struct json *usage = json_get(document, "usage");
	int64_t count = -1;

	for (size_t i = 0; usage && count < 0 && keys[i]; i++)
		count = count_of(usage, keys[i]);
	if (count < 0)
		count = count_of(document, "tokens_generated");
	if (count < 0)
		count = count_of(document, "generated_tokens");
	return count;
}

/* The message of {"error": …}, which is a text or an object with one; false: no error. */
static bool add_error(const struct json *document, struct buf *out)
{
	const struct json *error = json_get(document, "error");
	const char *text;

	if (!error || json_type(error) == JSON_NULL ||
	    (json_type(error) == JSON_BOOL && !json_true(error)))
		return false;
	text = json_text(error);
	if (text && !*text)
		return false;
	if (!text && json_type(error) == JSON_OBJECT)
		text = json_str(error, "message", NULL);
	if (text)
		buf_addstr(out, text);
	else
		json_print(error, false, out);
	return true;
}

/* What the facts of a RunPod answer stand in: its output, or the first element of that. */
static const struct json *facts_of(enum prompt_format format, const struct json *document)
{
	const struct json *output = is_runpod(format) ? json_get(document, "output") : NULL;

	if (output && json_type(output) == JSON_ARRAY)
		output = json_first(output);
	return output && json_type(output) == JSON_OBJECT ? output : document;
}

void reply_read(enum prompt_format format, const char *text_path, const struct json *document,
		struct arena *arena, struct prompt_reply *out)
{
	const struct json *facts = facts_of(format, document);
	struct prompt_reply reply = {.tokens = -1};
	struct buf text;

	buf_init(&text, REPLY_TEXT_BYTES_MAX);
	if (add_text(format, text_path, document, &text)) {
		reply.text = arena_strndup(arena, buf_str(&text), text.len);
		reply.text_len = text.len;
	}
	buf_done(&text);
	buf_init(&text, REPLY_ERROR_BYTES_MAX);
	if (json_type(document) == JSON_OBJECT &&
	    (add_error(document, &text) || add_error(facts, &text)))
		reply.error = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	if (json_type(document) == JSON_OBJECT) {
		reply.finish = arena_strdup(arena, finish_of(facts));
		reply.tokens = tokens_of(facts);
		reply.model = arena_strdup(arena, json_str(facts, "model", NULL));
		reply.fingerprint =
			arena_strdup(arena, json_str(facts, "system_fingerprint", NULL));
	}
	reply.done = true;
	*out = reply;
}

/* --- streams --------------------------------------------------------------------------------- */

void reply_stream_init(struct reply_stream *stream, enum prompt_format format,
		       const char *text_path, bool keep)
{
	*stream = (struct reply_stream){
		.format = format, .text_path = text_path, .keep = keep, .tokens = -1};
	buf_init(&stream->text, REPLY_TEXT_BYTES_MAX);
	buf_init(&stream->finish, REPLY_WORD_BYTES_MAX);
	buf_init(&stream->error, REPLY_ERROR_BYTES_MAX);
	buf_init(&stream->model, REPLY_WORD_BYTES_MAX);
	buf_init(&stream->fingerprint, REPLY_WORD_BYTES_MAX);
}

void reply_stream_done(struct reply_stream *stream)
{
	buf_done(&stream->text);
	buf_done(&stream->finish);
	buf_done(&stream->error);
	buf_done(&stream->model);
	buf_done(&stream->fingerprint);
}

static void keep_word(struct buf *word, const char *text)
{
	if (text && !word->len)
		buf_addstr(word, text);
}

/* Reasoning and tool calls are work of the model that is no text. */
static bool has_other_token(const struct json *document)
{
	const struct json *choice = first_choice(document);
	const struct json *delta = choice ? json_get(choice, "delta") : NULL;
	const struct json *calls = delta ? json_get(delta, "tool_calls") : NULL;

	for (size_t i = 0; delta && reasoning_keys[i]; i++)
		if (*json_str(delta, reasoning_keys[i], ""))
			return true;
	return calls && json_size(calls) > 0;
}

/* Text of one event, as it stands behind what was kept before it. */
static size_t take_text(struct reply_stream *stream, const struct json *document)
{
	struct buf piece;
	size_t len;

	buf_init(&piece, REPLY_TEXT_BYTES_MAX);
	(void)add_text(stream->format, stream->text_path, document, &piece);
	len = piece.len;
	if (stream->keep)
		buf_add(&stream->text, piece.data, len);
	buf_done(&piece);
	stream->text_bytes += len;
	return len;
}

static enum reply_event take_token(struct reply_stream *stream, bool token)
{
	if (token)
		stream->pieces++;
	return token ? REPLY_TOKEN : REPLY_NOTHING;
}

static enum reply_event take_document(struct reply_stream *stream, const struct json *document)
{
	const char *finish = finish_of(document);
	bool ends = finish || json_bool(document, "done", false);
	int64_t tokens = tokens_of(document);
	enum reply_event event;

	if (add_error(document, &stream->error))
		return REPLY_ERROR;
	event = take_token(stream, take_text(stream, document) > 0 || has_other_token(document));
	keep_word(&stream->finish, finish);
	keep_word(&stream->model, json_str(document, "model", NULL));
	keep_word(&stream->fingerprint, json_str(document, "system_fingerprint", NULL));
	if (tokens >= 0)
		stream->tokens = tokens;
	if (ends)
		stream->done = true;
	return event == REPLY_NOTHING && ends ? REPLY_DONE : event;
}

/* Services of one's own often stream bare text. */
static enum reply_event take_bare(struct reply_stream *stream, const char *data, size_t len)
{
	if (is_openai(stream->format) || stream->text_path || (len && strchr("{[", data[0])))
		return REPLY_BAD;
	if (stream->keep)
		buf_add(&stream->text, data, len);
	stream->text_bytes += len;
	return take_token(stream, len > 0);
}

enum reply_event reply_stream_event(struct reply_stream *stream, const char *data, size_t len)
{
	struct json *document = NULL;
	struct err ignored;
	enum reply_event event;

	if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
		stream->done = true;
		return REPLY_DONE;
	}
	if (!len)
		return REPLY_NOTHING;
	if (json_parse(data, len, false, &document, &ignored) < 0)
		return take_bare(stream, data, len);
	if (json_type(document) == JSON_OBJECT)
		event = take_document(stream, document);
	else if (json_type(document) == JSON_STRING && !is_openai(stream->format))
		event = take_token(stream, take_text(stream, document) > 0);
	else
		event = take_bare(stream, data, len);
	json_free(document);
	return event;
}

void reply_stream_view(const struct reply_stream *stream, struct prompt_reply *out)
{
	*out = (struct prompt_reply){
		.text = buf_str(&stream->text),
		.text_len = stream->text.len,
		.finish = stream->finish.len ? stream->finish.data : NULL,
		.tokens = stream->tokens,
		.pieces = stream->pieces,
		.error = stream->error.len ? stream->error.data : NULL,
		.model = stream->model.len ? stream->model.data : NULL,
		.fingerprint = stream->fingerprint.len ? stream->fingerprint.data : NULL,
		.done = stream->done,
	};
}
