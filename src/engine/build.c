/*
 * The classic builder, POST /build, and what every build has in common: whose fault a failure is,
 * and whether the image that came out is the one that was named.
 */
#include "base/clock.h"
#include "base/units.h"
#include "engine/build_private.h"
#include "engine/stream_json.h"
#include "parse/output.h"

#include <string.h>

struct classic {
	const struct build_request *request;
	struct build__log log;
	struct stream_json stream;
	const char *error; /* the engine's words, NULL: none so far */
	const char *id;
	bool reader_failed;
};

static bool contains_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

bool build__is_command(const char *message)
{
	static const char *const words[] = {
		"returned a non-zero code", "did not complete successfully",
		"executor failed running", "while running runtime", NULL};

	return contains_any(message, words);
}

/* A command that cannot even start is the Dockerfile's fault; a runtime that cannot is not. */
static bool is_runtime(const char *message)
{
	static const char *const words[] = {"OCI runtime create failed", "failed to create shim",
					    "OCI runtime error", NULL};

	return contains_any(message, words) && !strstr(message, "exec: \"") &&
	       !strstr(message, "executable file");
}

bool build__is_infra(const char *message)
{
	static const char *const words[] = {
		/* the engine and its host */
		"no space left on device", "disk quota exceeded", "dockerd shutting down",
		"context canceled", "context deadline exceeded", "error creating overlay mount",
		"error setting rlimits", "too many open files", "cannot allocate memory",
		"input/output error", "transport is closing", "layer does not exist", "graphdriver",
		"Cannot connect to the Docker daemon", "error reading from server",
		"failed to solve: Unavailable", "error during connect",
		/* registries and other networks */
		"dial tcp", "i/o timeout", "TLS handshake", "no such host", "connection refused",
		"connection reset", "net/http:", "toomanyrequests", "unexpected EOF",
		"Service Unavailable", "Bad Gateway", "server misbehaving",
		"network is unreachable", "x509:", NULL};

	return contains_any(message, words) || is_runtime(message);
}

/* A refusal before the first step that is about the Dockerfile. */
static bool is_dockerfile(int status, const char *message)
{
	static const char *const words[] = {"Cannot locate specified Dockerfile",
					    "parse error",
					    "failed to reach build target",
					    "pull access denied",
					    "not found",
					    "no such image",
					    "invalid reference",
					    NULL};

	return status == 200 || status == 400 || contains_any(message, words);
}

/* "dockerfile parse error line 3: …": no step ran, so make one that points at the line. */
static void add_parse_step(struct build__log *log, const char *message)
{
	const char *at = strcasestr(message, "parse error");
	struct step *step;
	int64_t line;
	size_t len;

	at = at ? strstr(at, "line ") : NULL;
	if (!at || log->count)
		return;
	len = strspn(at + 5, "0123456789");
	if (units_parse_int(arena_strndup(log->arena, at + 5, len), 1, INT32_MAX, &line) < 0)
		return;
	step = build__log_push(log);
	step->line = (unsigned)line;
	step->instruction = "(not parsed)";
	for (size_t i = 0; i < log->file.count; i++) {
		const struct instruction *in = &log->file.instructions[i];

		if (in->line <= step->line && step->line <= in->end_line) {
			step->number = (unsigned)i + 1;
			step->instruction = in->text;
		}
	}
	step->total = (unsigned)log->file.count;
	step->failed = true;
}

/* Does the engine still answer? A build that it broke off by ending looks like a failed one. */
static bool alive(struct engine *engine, struct err *err)
{
	struct http_request ping = {.path = "/_ping", .timeout_ns = 10 * NS_PER_S};
	struct http_answer answer;

	if (http_send(engine->http, &ping, &answer, err) < 0) {
		(void)engine__reword(engine, err);
		return false;
	}
	http_answer_done(&answer);
	return true;
}

static const char *failure_reason(const struct build__log *log, const char *message)
{
	const char *reason = NULL;

	if (build__is_command(message) && log->tail.len)
		reason = output_reason(log->tail.data, log->tail.len, log->arena);
	if (reason)
		return reason;
	reason = output_oneline(message, strlen(message), BUILD_MESSAGE_MAX, log->arena);
	return reason ? reason : "the engine gave no reason";
}

/* The image of the last step that ended well; NULL when the builder keeps none. */
static const char *partial_image(struct engine *engine, const struct build__log *log)
{
	struct image_config image;
	struct err ignored;

	if (!*log->layer_id ||
	    engine_image(engine, log->layer_id, log->arena, &image, &ignored) < 0)
		return NULL;
	return image.id;
}

int build__failure(struct engine *engine, struct build__log *log, int status, const char *message,
		   struct build *out, struct err *err)
{
	bool command = build__is_command(message);
	const char *reason;

	build__log_flush(log);
	reason = failure_reason(log, message);
	if (!alive(engine, err))
		return err_wrap(err, "the build was broken off at %s", build__log_where(log));
	if (command ? strcasestr(reason, "no space left on device") != NULL
		    : build__is_infra(message) || !is_dockerfile(status, message))
		return err_set(err, ERR_INFRA, "engine at %s: the build was broken off at %s: %s",
			       engine->info.host, build__log_where(log), reason);
	build__log_end(log, true);
	add_parse_step(log, message);
	out->failed = true;
	out->message = reason;
	out->partial_image = partial_image(engine, log);
	out->steps = log->steps;
	out->step_count = log->count;
	return 0;
}

int build__verify(struct engine *engine, const struct build_request *request, const char *id,
		  struct arena *arena, struct build *out, struct err *err)
{
	struct image_config image;

	if (engine_image(engine, request->tag, arena, &image, err) < 0) {
		if (err && err->code == ERR_NOTFOUND)
			err->code = ERR_INFRA;
		return err_wrap(err, "the build ended well but its image is not there");
	}
	/* podman 4 may name only the first 12 digits. */
	if (strncmp(image.id, id, strlen(id)) != 0)
		return err_set(err, ERR_INFRA,
			       "engine at %s: the build made %s but the tag %s is %s: "
			       "another build uses the same tag",
			       engine->info.host, id, request->tag, image.id);
	out->image_id = image.id;
	out->image_tag = arena_strdup(arena, request->tag);
	return 0;
}

static void add_query(struct buf *path, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(path, "&%s=", key);
	http_encode(value, path);
}

static void add_pairs(struct buf *path, const char *key, const struct pairs *pairs)
{
	CLEANUP(json_freep) struct json *object = json_new_object();
	struct buf text;

	if (!pairs->count)
		return;
	for (size_t i = 0; i < pairs->count; i++)
		json_add_str(object, pairs->items[i].key, pairs->items[i].value);
	buf_init(&text, ENGINE_PATH_MAX);
	json_print(object, false, &text);
	add_query(path, key, buf_str(&text));
	buf_done(&text);
}

static void add_cache_from(struct buf *path, const char *image)
{
	CLEANUP(json_freep) struct json *list = json_new_array();
	struct buf text;

	if (!image)
		return;
	json_add_str(list, NULL, image);
	buf_init(&text, ENGINE_PATH_MAX);
	json_print(list, false, &text);
	add_query(path, "cachefrom", buf_str(&text));
	buf_done(&text);
}

static void build_path(const struct engine *engine, const struct build_request *request,
		       struct buf *path)
{
	buf_addstr(path, "/build?version=1&rm=1&forcerm=1");
	add_query(path, "t", request->tag);
	add_query(path, "dockerfile", request->dockerfile);
	add_query(path, "target", request->target);
	add_query(path, "nocache", request->no_cache ? "1" : NULL);
	add_query(path, "pull", request->pull ? "1" : NULL);
	add_cache_from(path, request->cache_from);
	add_pairs(path, "buildargs", &request->args);
	add_pairs(path, "labels", &request->labels);
	if (engine->podman)
		build__podman_query(request->network, path);
	else
		add_query(path, "networkmode", request->network);
}

static void on_status(struct classic *c, const struct json *object)
{
	const char *status = json_str(object, "status", NULL);
	const char *id = json_str(object, "id", NULL);
	const struct json *progress = json_get(object, "progressDetail");
	const char *line;

	/* Pulling reports every few kilobytes; the log wants the beginning and the end. */
	if (!status || (progress && json_first(progress)))
		return;
	line = id ? arena_printf(c->log.arena, "%.100s: %.400s\n", id, status)
		  : arena_printf(c->log.arena, "%.400s\n", status);
	build__log_out(&c->log, line, strlen(line));
}

static int on_object(void *payload, const struct json *object, struct err *err)
{
	struct classic *c = payload;
	const char *text = json_str(object, "stream", NULL);
	const struct json *aux = json_get(object, "aux");
	const struct json *detail = json_get(object, "errorDetail");
	const char *error = json_str(object, "error", NULL);

	(void)err;
	if (text)
		build__log_text(&c->log, text);
	if (aux && json_str(aux, "ID", NULL))
		c->id = arena_strdup(c->log.arena, json_str(aux, "ID", NULL));
	if (detail || error)
		c->error = arena_strdup(c->log.arena,
					detail ? json_str(detail, "message", error ? error : "")
					       : error);
	on_status(c, object);
	return 0;
}

static int on_answer(void *payload, const void *data, size_t len, struct err *err)
{
	struct classic *c = payload;

	return stream_json_feed(&c->stream, data, len, err);
}

static ssize_t on_context(void *payload, void *data, size_t len, struct err *err)
{
	struct classic *c = payload;
	ssize_t got;

	if (c->error)
		return 0; /* the build has failed: nobody reads the rest */
	got = c->request->read(c->request->payload, data, len, err);
	c->reader_failed = got < 0;
	return got;
}

static int send_build(struct engine *engine, struct classic *c, struct http_answer *answer,
		      struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	struct http_request request = {
		.method = "POST",
		.headers = headers,
		.read = on_context,
		.write = on_answer,
		.payload = c,
		.timeout_ns = c->request->timeout_ns,
	};
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, ENGINE_PREFIX);
	build_path(engine, c->request, &path);
	request.path = buf_str(&path);
	rc = path.truncated
		     ? err_set(err, ERR_LIMIT, "the build's arguments are longer than %zu bytes",
			       ENGINE_PATH_MAX)
		     : http_send(engine->http, &request, answer, err);
	buf_done(&path);
	return rc;
}

/* The exchange broke: say where the build was. */
static int broken_off(struct engine *engine, struct classic *c, struct err *err)
{
	char limit[32];

	if (!err || err->code == ERR_CANCELLED || c->reader_failed)
		return -1;
	if (err->code == ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "the build took longer than %s; %s was running",
			       units_duration(c->request->timeout_ns, limit, sizeof(limit)),
			       build__log_where(&c->log));
	(void)engine__reword(engine, err);
	return err_wrap(err, "the build was broken off at %s", build__log_where(&c->log));
}

/* podman's last words: 64 hex digits on a line. */
static const char *result_id(struct classic *c)
{
	if (c->id || !c->log.podman || !c->log.last_id[0])
		return c->id;
	return arena_printf(c->log.arena, "sha256:%s", c->log.last_id);
}

static int conclude(struct engine *engine, struct classic *c, const struct http_answer *answer,
		    struct build *out, struct err *err)
{
	const char *id;

	build__log_flush(&c->log);
	id = result_id(c);
	if (answer->status != 200)
		return build__failure(engine, &c->log, answer->status,
				      engine__message(&answer->body, c->log.arena), out, err);
	if (!id || stream_json_cut(&c->stream))
		return err_set(
			err, ERR_INFRA,
			"engine at %s: the build's output ended at %s with neither an image id "
			"nor an error",
			engine->info.host, build__log_where(&c->log));
	build__log_end(&c->log, false);
	if (build__verify(engine, c->request, id, c->log.arena, out, err) < 0)
		return -1;
	out->steps = c->log.steps;
	out->step_count = c->log.count;
	return 0;
}

int build__classic(struct engine *engine, const struct build_request *request, struct arena *arena,
		   struct build *out, struct err *err)
{
	struct classic c = {.request = request};
	struct http_answer answer = {0};
	int rc;

	if (engine->podman && request->network && strcmp(request->network, "none") == 0 &&
	    build__podman_isolates(engine, err) < 0)
		return -1;
	build__log_init(&c.log, request, engine->podman, arena);
	stream_json_init(&c.stream, on_object, &c);
	rc = send_build(engine, &c, &answer, err);
	/* Words about a failure count even when the connection broke after them. */
	if (c.error && !c.reader_failed && (rc == 0 || !err || err->code != ERR_CANCELLED))
		rc = build__failure(engine, &c.log, 200, c.error, out, err);
	else if (rc < 0)
		rc = broken_off(engine, &c, err);
	else
		rc = conclude(engine, &c, &answer, out, err);
	http_answer_done(&answer);
	stream_json_done(&c.stream);
	build__log_done(&c.log);
	return rc;
}

int engine_build(struct engine *engine, const struct build_request *request, struct arena *arena,
		 struct build *out, struct err *err)
{
	struct build build = *out;
	uint64_t start = clock_ns();
	int rc;

	if (request->buildkit && !engine_has_buildkit(engine))
		return err_set(err, ERR_INFRA,
			       "this build needs BuildKit, and `docker buildx` is not installed or "
			       "cannot use the engine at %s (see `assay doctor`)",
			       engine->info.host);
	if (request->cache_from && (request->buildkit || engine->podman))
		return err_set(err, ERR_USAGE,
			       "only Docker's classic builder takes the layers of an image for its "
			       "cache: leave --cache-from out");
	build.builder = request->buildkit ? "buildkit" : "classic";
	build.failed = false;
	build.image_id = build.message = build.partial_image = NULL;
	rc = request->buildkit ? build__buildkit(engine, request, arena, &build, err)
			       : build__classic(engine, request, arena, &build, err);
	if (rc < 0)
		return -1;
	build.duration_ns = clock_ns() - start;
	*out = build;
	return 0;
}
