/*
 * BuildKit, by the docker client's buildx plugin: the protocol between client and builder is
 * gRPC with sessions, and the client is on every machine that has BuildKit.
 */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/build_private.h"
#include "engine/child.h"
#include "engine/rawjson.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARGUMENTS_MAX 1024
#define PIECE_BYTES ((size_t)64 * 1024)
#define GRACE_NS (10 * NS_PER_S)
#define METADATA_MAX ((size_t)1024 * 1024)
#define SLICE_MS 100

struct arguments {
	struct arena *arena;
	const char *items[ARGUMENTS_MAX + 1];
	size_t count;
};

struct feeding {
	const struct build_request *request;
	struct child child;
	struct rawjson raw;
	char *piece; /* of the context, PIECE_BYTES */
	size_t from, to;
	uint64_t deadline;
};

static void add(struct arguments *arguments, const char *item)
{
	if (arguments->count < ARGUMENTS_MAX)
		arguments->items[arguments->count++] = item;
}

static void add_option(struct arguments *arguments, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	add(arguments, name);
	add(arguments, value);
}

static void add_pairs(struct arguments *arguments, const char *name, const struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		add_option(arguments, name,
			   arena_printf(arguments->arena, "%s=%s", pairs->items[i].key,
					pairs->items[i].value));
}

static void fill(struct arguments *arguments, const char *docker,
		 const struct build_request *request, const char *metadata)
{
	static const char *const start[] = {
		"buildx", "build", "--builder", "default", "--progress=rawjson", "--load"};

	add(arguments, docker);
	for (size_t i = 0; i < sizeof(start) / sizeof(*start); i++)
		add(arguments, start[i]);
	add_option(arguments, "-t", request->tag);
	add_option(arguments, "-f", request->dockerfile);
	add_option(arguments, "--target", request->target);
	add_option(arguments, "--network", request->network);
	add_option(arguments, "--metadata-file", metadata);
	if (request->no_cache)
		add(arguments, "--no-cache");
	if (request->pull)
		add(arguments, "--pull");
	add_pairs(arguments, "--build-arg", &request->args);
	add_pairs(arguments, "--label", &request->labels);
	for (size_t i = 0; i < request->secrets.count; i++)
		add_option(arguments, "--secret", request->secrets.items[i]);
	add(arguments, "-");
}

static char *const *environment(const struct engine *engine, struct arena *arena)
{
	/* Attestations would give every build of the same inputs another id. */
	const char *settings[] = {arena_printf(arena, "DOCKER_HOST=%s", engine->info.host),
				  "BUILDX_NO_DEFAULT_ATTESTATIONS=1", "BUILDX_BUILDER=default",
				  NULL};

	return child__environment(settings, arena);
}

bool engine__buildx(const struct engine *engine)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *argv[] = {child__find("docker", arena), "buildx", "version", NULL};
	struct child child;

	if (!argv[0] || child__start(argv, environment(engine, arena), &child, NULL) < 0)
		return false;
	return child__end(&child, GRACE_NS) == 0;
}

/* Give the client what its input takes. */
static int feed_context(struct feeding *f, struct err *err)
{
	ssize_t len;

	if (f->from == f->to) {
		len = f->request->read(f->request->payload, f->piece, PIECE_BYTES, err);
		if (len < 0)
			return -1;
		if (len == 0) {
			child__close_in(&f->child);
			return 0;
		}
		f->from = 0;
		f->to = (size_t)len;
	}
	len = send(f->child.in, f->piece + f->from, f->to - f->from, MSG_NOSIGNAL);
	if (len > 0)
		f->from += (size_t)len;
	else if (len < 0 && errno != EAGAIN && errno != EINTR)
		child__close_in(&f->child); /* it reads no more: its last words say why */
	return 0;
}

/* 1 at the end of the client's output. */
static int take_output(struct feeding *f, struct err *err)
{
	char data[16 * 1024];
	ssize_t len = read(f->child.out, data, sizeof(data));

	if (len == 0)
		return 1;
	if (len < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : err_sys(err, ERR_INFRA, "reading the output of docker buildx");
	return rawjson_feed(&f->raw, data, (size_t)len, err);
}

static int check_time(const struct feeding *f, struct err *err)
{
	char limit[32];

	if (cancel_check(err) < 0)
		return -1;
	if (f->deadline && clock_ns() > f->deadline)
		return err_set(err, ERR_TIMEOUT, "the build took longer than %s; %s was running",
			       units_duration(f->request->timeout_ns, limit, sizeof(limit)),
			       build__log_where(f->raw.log));
	return 0;
}

static int converse(struct feeding *f, struct err *err)
{
	for (int rc = 0; rc <= 0;) {
		struct pollfd fds[] = {{.fd = f->child.out, .events = POLLIN},
				       {.fd = f->child.in, .events = POLLOUT}};

		rc = check_time(f, err);
		if (rc == 0 && poll(fds, 2, SLICE_MS) > 0) {
			if (f->child.in >= 0 && fds[1].revents)
				rc = feed_context(f, err);
			if (rc == 0 && fds[0].revents)
				rc = take_output(f, err);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* The client's account of the image; which digest is the id depends on the engine's store. */
static int verify(struct engine *engine, struct build__log *log, const char *metadata,
		  struct build *out, struct err *err)
{
	static const char *const keys[] = {"containerimage.config.digest", "containerimage.digest"};
	CLEANUP(json_freep) struct json *json = NULL;
	struct buf text;
	int rc = -1;

	buf_init(&text, METADATA_MAX);
	if (file_read(metadata, &text, err) == 0)
		rc = json_parse(buf_str(&text), text.len, false, &json, err);
	buf_done(&text);
	if (rc < 0) {
		if (err)
			err->code = ERR_INFRA;
		return err_wrap(err, "docker buildx named no image");
	}
	rc = -1;
	(void)err_set(err, ERR_INFRA, "docker buildx named no image");
	for (size_t i = 0; rc < 0 && i < 2; i++)
		if (json_str(json, keys[i], NULL))
			rc = build__verify(engine, log->request, json_str(json, keys[i], ""),
					   log->arena, out, err);
	if (rc < 0)
		return -1;
	out->steps = log->steps;
	out->step_count = log->count;
	return 0;
}

static int failed(struct engine *engine, struct feeding *f, int code, struct build *out,
		  struct err *err)
{
	const char *message = rawjson_failure(&f->raw);
	bool solved = message && (f->raw.plain != message || strstr(message, "failed to solve"));

	if (!message)
		return err_set(err, ERR_INFRA, "docker buildx ended with code %d and no reason",
			       code);
	/* Only the builder judges a Dockerfile; other words are the client's about itself. */
	return build__failure(engine, f->raw.log, solved ? 200 : 500, message, out, err);
}

static int run(struct engine *engine, struct feeding *f, const char *const *argv,
	       const char *metadata, struct build *out, struct err *err)
{
	struct build__log *log = f->raw.log;
	int rc, code;

	if (child__start(argv, environment(engine, log->arena), &f->child, err) < 0)
		return -1;
	rc = converse(f, err);
	if (rc < 0)
		(void)kill(f->child.pid, SIGTERM);
	code = child__end(&f->child, GRACE_NS);
	if (rc < 0)
		return -1;
	return code == 0 ? verify(engine, log, metadata, out, err)
			 : failed(engine, f, code, out, err);
}

int build__buildkit(struct engine *engine, const struct build_request *request, struct arena *arena,
		    struct build *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct arguments arguments = {.arena = scratch};
	struct feeding f = {.request = request, .piece = arena_alloc(scratch, PIECE_BYTES)};
	const char *docker = child__find("docker", scratch);
	const char *tmp = getenv("TMPDIR");
	char *metadata = arena_printf(scratch, "%s/assay-buildx-XXXXXX", tmp ? tmp : "/tmp");
	struct build__log log;
	int fd = docker ? mkostemp(metadata, O_CLOEXEC) : -1;
	int rc;

	if (!docker)
		return err_set(err, ERR_INFRA, "there is no docker client in PATH");
	if (fd < 0)
		return err_sys(err, ERR_INFRA, "creating %s", metadata);
	(void)close(fd);
	fill(&arguments, docker, request, metadata);
	build__log_init(&log, request, false, arena);
	rawjson_init(&f.raw, &log);
	f.deadline = request->timeout_ns ? clock_ns() + request->timeout_ns : 0;
	rc = arguments.count >= ARGUMENTS_MAX
		     ? err_set(err, ERR_LIMIT, "the build has too many arguments")
		     : run(engine, &f, arguments.items, metadata, out, err);
	(void)unlink(metadata);
	rawjson_done(&f.raw);
	build__log_done(&log);
	return rc;
}
