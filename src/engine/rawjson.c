#include "engine/rawjson.h"

#include "base/clock.h"

#include <string.h>
#include <strings.h>

void rawjson_done(struct rawjson *raw)
{
	for (size_t i = 0; i < raw->count; i++)
		buf_done(&raw->vertices[i].tail);
	stream_json_done(&raw->stream);
}

static struct rawjson_vertex *find(struct rawjson *raw, const char *digest)
{
	for (size_t i = raw->count; i > 0; i--)
		if (strcmp(raw->vertices[i - 1].digest, digest) == 0)
			return &raw->vertices[i - 1];
	return NULL;
}

static struct rawjson_vertex *find_or_add(struct rawjson *raw, const char *digest, const char *name)
{
	struct rawjson_vertex *vertex = find(raw, digest);

	if (vertex || raw->count >= BUILD_STEPS_MAX)
		return vertex;
	vertex = arena_push(raw->log->arena, &raw->vertices, &raw->count, sizeof(*vertex));
	vertex->digest = arena_strdup(raw->log->arena, digest);
	vertex->name = arena_strdup(raw->log->arena, name);
	buf_init(&vertex->tail, RAWJSON_TAIL_MAX);
	return vertex;
}

static unsigned number_at(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned value = 0;

	for (size_t i = 0; i < len && len <= 6; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	return value;
}

/* "[stage 2/3] RUN make": false for "[internal] …", "exporting …". */
static bool read_name(struct arena *arena, const char *name, struct step *out)
{
	const char *end = strchr(name, ']');
	const char *slash, *number;

	if (*name != '[' || !end || end[1] != ' ')
		return false;
	slash = memchr(name, '/', (size_t)(end - name));
	while (slash && memchr(slash + 1, '/', (size_t)(end - slash - 1)))
		slash = memchr(slash + 1, '/', (size_t)(end - slash - 1));
	if (!slash)
		return false;
	for (number = slash; number > name + 1 && strchr("0123456789", number[-1]); number--)
		;
	out->number = number_at(number);
	out->total = number_at(slash + 1);
	if (!out->number || !out->total)
		return false;
	out->stage = NULL;
	if (number - name > 2)
		out->stage = arena_strndup(arena, name + 1, (size_t)(number - name - 1));
	if (out->stage)
		*strrchr(out->stage, ' ') = '\0';
	out->instruction = arena_strdup(arena, end + 2);
	return true;
}

static void tell(const struct build__log *log, const struct step *step)
{
	if (log->request->progress)
		log->request->progress(log->request->payload, step);
}

/* Index of the stage that BuildKit calls NAME, "stage-K" when it has none; NULL: the only one. */
static size_t stage_index(const struct dockerfile *file, const char *name)
{
	if (!name)
		return file->stage_count ? file->stage_count - 1 : 0;
	for (size_t i = 0; i < file->stage_count; i++)
		if (file->stages[i].name && strcasecmp(file->stages[i].name, name) == 0)
			return i;
	return strncmp(name, "stage-", 6) == 0 ? number_at(name + 6) : file->stage_count;
}

/* A stage that begins FROM another has no FROM step: BuildKit counts from what follows it. */
static bool begins_from_stage(const struct dockerfile *file, const char *name)
{
	size_t index = stage_index(file, name);

	for (size_t i = 0; index < file->stage_count && i < index; i++)
		if (file->stages[i].name && file->stages[index].base &&
		    strcasecmp(file->stages[i].name, file->stages[index].base) == 0)
			return true;
	return false;
}

static void announce(struct rawjson *raw, struct rawjson_vertex *vertex)
{
	struct build__log *log = raw->log;
	const struct instruction *instruction;
	struct step step = {0}, *slot;

	vertex->began_ns = clock_ns();
	if (!read_name(log->arena, vertex->name, &step))
		return;
	slot = build__log_push(log);
	if (!slot)
		return;
	instruction =
		dockerfile_vertex(&log->file, step.stage,
				  step.number + (begins_from_stage(&log->file, step.stage) ? 1 : 0),
				  step.instruction);
	step.line = instruction ? instruction->line : 0;
	*slot = step;
	vertex->step = log->count;
	build__log_out(log, vertex->name, strlen(vertex->name));
	build__log_out(log, "\n", 1);
	tell(log, slot);
}

static void finish(struct rawjson *raw, struct rawjson_vertex *vertex)
{
	struct step *step;

	vertex->done = true;
	if (!vertex->error)
		buf_done(&vertex->tail);
	if (!vertex->step)
		return;
	step = &raw->log->steps[vertex->step - 1];
	step->duration_ns = clock_ns() - vertex->began_ns + 1;
	step->failed = vertex->error != NULL;
	tell(raw->log, step);
}

static void on_vertex(struct rawjson *raw, const struct json *json)
{
	const char *digest = json_str(json, "digest", NULL);
	const char *error = json_str(json, "error", NULL);
	bool cached = json_bool(json, "cached", false);
	struct rawjson_vertex *vertex;

	if (!digest)
		return;
	vertex = find_or_add(raw, digest, json_str(json, "name", ""));
	if (!vertex)
		return;
	if (error && *error)
		vertex->error = arena_strdup(raw->log->arena, error);
	if (vertex->done && vertex->step) /* BuildKit may take up a finished step again */
		raw->log->steps[vertex->step - 1].failed = vertex->error != NULL;
	if (vertex->done)
		return;
	if (!vertex->began_ns && (json_str(json, "started", NULL) || cached))
		announce(raw, vertex);
	if (cached && vertex->step)
		raw->log->steps[vertex->step - 1].cached = true;
	if (json_str(json, "completed", NULL) && vertex->began_ns)
		finish(raw, vertex);
}

static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static void decode_base64(const char *text, struct buf *out)
{
	unsigned bits = 0, count = 0;

	for (; base64_value(*text) >= 0; text++) {
		bits = bits << 6 | (unsigned)base64_value(*text);
		count += 6;
		if (count >= 8) {
			char byte = (char)(bits >> (count - 8) & 0xff);

			buf_add(out, &byte, 1);
			count -= 8;
		}
	}
}

static void on_log(struct rawjson *raw, const struct json *json)
{
	struct rawjson_vertex *vertex = find(raw, json_str(json, "vertex", ""));
	struct buf text;

	buf_init(&text, STREAM_OBJECT_MAX);
	decode_base64(json_str(json, "data", ""), &text);
	build__log_out(raw->log, buf_str(&text), text.len);
	if (vertex && !vertex->done) {
		const char *data = buf_str(&text);
		size_t len = text.len, half = RAWJSON_TAIL_MAX / 2;

		if (len > half) {
			data += len - half;
			len = half;
		}
		if (vertex->tail.len + len > RAWJSON_TAIL_MAX)
			buf_consume(&vertex->tail, vertex->tail.len - (RAWJSON_TAIL_MAX - len));
		buf_add(&vertex->tail, data, len);
	}
	buf_done(&text);
}

/* After the JSON the client may write lines for people. */
static void on_plain(void *payload, const char *line)
{
	struct rawjson *raw = payload;

	build__log_out(raw->log, line, strlen(line));
	build__log_out(raw->log, "\n", 1);
	if (strncmp(line, "ERROR: ", 7) == 0)
		raw->plain = arena_strdup(raw->log->arena, line + 7);
}

static int on_object(void *payload, const struct json *json, struct err *err)
{
	struct rawjson *raw = payload;
	const struct json *list = json_get(json, "vertexes");

	(void)err;
	for (const struct json *c = list ? json_first(list) : NULL; c; c = json_next(c))
		on_vertex(raw, c);
	list = json_get(json, "logs");
	for (const struct json *c = list ? json_first(list) : NULL; c; c = json_next(c))
		on_log(raw, c);
	return 0;
}

void rawjson_init(struct rawjson *raw, struct build__log *log)
{
	*raw = (struct rawjson){.log = log};
	stream_json_init(&raw->stream, on_object, raw);
	raw->stream.plain = on_plain;
}

int rawjson_feed(struct rawjson *raw, const char *data, size_t len, struct err *err)
{
	return stream_json_feed(&raw->stream, data, len, err);
}

/* A step that fails cancels those beside it; they are not the cause. */
static struct rawjson_vertex *culprit(struct rawjson *raw)
{
	struct rawjson_vertex *found = NULL;

	for (size_t i = 0; i < raw->count; i++) {
		struct rawjson_vertex *vertex = &raw->vertices[i];

		if (vertex->error && (!found || strstr(found->error, "context canceled")))
			found = vertex;
	}
	return found;
}

const char *rawjson_failure(struct rawjson *raw)
{
	struct rawjson_vertex *vertex = culprit(raw);
	struct build__log *log = raw->log;

	stream_json_flush(&raw->stream);
	if (!vertex)
		return raw->plain;
	build__tail_add(&log->tail, buf_str(&vertex->tail), vertex->tail.len);
	if (vertex->step) {
		struct step failed = log->steps[vertex->step - 1];

		memmove(&log->steps[vertex->step - 1], &log->steps[vertex->step],
			(log->count - vertex->step) * sizeof(failed));
		log->steps[log->count - 1] = failed;
	}
	return vertex->error;
}
