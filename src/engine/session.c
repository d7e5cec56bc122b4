/*
 * The conversation with the agent in a container: callers write requests, one reader thread takes
 * the engine's frames apart, then the agent's, and hands each result to the caller that waits for
 * its number. What comes out of the container may come from a hostile image: every length, number
 * and kind is checked, and the first nonsense ends the session.
 */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "engine/session_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE_MAX ((size_t)64 * 1024)
#define SLICE_NS (UINT64_C(100) * NS_PER_MS) /* how often a wait looks at base/cancel */
#define READY_NS (UINT64_C(60) * NS_PER_S)
#define GRACE_NS (UINT64_C(30) * NS_PER_S) /* for an answer, beyond the command's own limit */
#define TIMEOUT_DEFAULT_NS (UINT64_C(600) * NS_PER_S)
#define WORDS_MAX ((size_t)300)
#define ENGINE_HEAD 8 /* stream number, three zeros, big-endian length */

struct waiter {
	struct waiter *next;
	uint32_t id;
	bool done;
	struct buf payload;
};

/* What the reader thread knows about the bytes so far. */
struct demux {
	unsigned char head[ENGINE_HEAD];
	size_t head_len;
	size_t left;	   /* of the engine's current frame */
	struct buf frames; /* the agent's, not yet complete */
	struct buf words;
};

/* --- the reader ------------------------------------------------------------------------------ */

static void fail(struct session *session, const struct err *why)
{
	(void)pthread_mutex_lock(&session->lock);
	if (!session->dead) {
		session->dead = true;
		session->why = *why;
	}
	(void)pthread_cond_broadcast(&session->changed);
	(void)pthread_mutex_unlock(&session->lock);
}

static int nonsense(struct err *err)
{
	return err_set(err, ERR_INFRA,
		       "what came out of the container is not an answer of the "
		       "agent: did the image interfere with it?");
}

/* A number that nobody waits for belongs to a caller that gave up; one never given is nonsense. */
static int take_result(struct session *session, uint32_t id, const struct protocol_reader *rest,
		       struct err *err)
{
	struct waiter *waiter;
	bool given;

	(void)pthread_mutex_lock(&session->lock);
	given = id > 0 && id <= session->last_id;
	for (waiter = session->waiters; waiter && waiter->id != id;)
		waiter = waiter->next;
	if (waiter && !waiter->done) {
		buf_add(&waiter->payload, rest->at, rest->left);
		waiter->done = true;
		(void)pthread_cond_broadcast(&session->changed);
	}
	(void)pthread_mutex_unlock(&session->lock);
	return given ? 0 : nonsense(err);
}

static int take_frame(struct session *session, const char *data, size_t len, struct err *err)
{
	struct protocol_reader reader = {(const unsigned char *)data, len, true};
	uint32_t id = (uint32_t)protocol_get(&reader, 4);
	uint64_t type = protocol_get(&reader, 1);

	if (type == PROTOCOL_RESULT)
		return take_result(session, id, &reader, err);
	if (type != PROTOCOL_READY || protocol_get(&reader, 4) != PROTOCOL_VERSION)
		return nonsense(err);
	(void)pthread_mutex_lock(&session->lock);
	session->ready = true;
	(void)pthread_cond_broadcast(&session->changed);
	(void)pthread_mutex_unlock(&session->lock);
	return 0;
}

static int take_frames(struct session *session, struct buf *frames, struct err *err)
{
	size_t done = 0, len;

	while (frames->len - done >= 4) {
		struct protocol_reader head = {(unsigned char *)frames->data + done, 4, true};

		len = (size_t)protocol_get(&head, 4);
		if (len < PROTOCOL_HEAD - 4 || len > PROTOCOL_RESULT_MAX)
			return nonsense(err);
		if (frames->len - done - 4 < len)
			break;
		if (take_frame(session, frames->data + done + 4, len, err) < 0)
			return -1;
		done += 4 + len;
	}
	buf_consume(frames, done);
	return 0;
}

static int take_head(struct demux *demux, unsigned char byte, struct err *err)
{
	const unsigned char *head = demux->head;

	demux->head[demux->head_len++] = byte;
	if (demux->head_len < ENGINE_HEAD)
		return 0;
	if (head[0] > 2 || head[1] || head[2] || head[3])
		return err_set(err, ERR_INFRA, "the engine's attached stream is malformed");
	demux->left =
		(size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7];
	if (demux->left == 0)
		demux->head_len = 0;
	return 0;
}

static int take_bytes(struct session *session, struct demux *demux, const char *data, size_t len,
		      struct err *err)
{
	while (len) {
		size_t some = len < demux->left ? len : demux->left;

		if (some == 0) {
			if (take_head(demux, (unsigned char)*data, err) < 0)
				return -1;
			data++;
			len--;
			continue;
		}
		buf_add(demux->head[0] == 2 ? &demux->words : &demux->frames, data, some);
		demux->left -= some;
		data += some;
		len -= some;
		if (demux->left == 0)
			demux->head_len = 0;
	}
	return take_frames(session, &demux->frames, err);
}

static bool is_closing(struct session *session)
{
	bool closing;

	(void)pthread_mutex_lock(&session->lock);
	closing = session->closing;
	(void)pthread_mutex_unlock(&session->lock);
	return closing;
}

/* Until the stream ends or makes no sense; WHY is filled unless the session is being closed. */
static void read_stream(struct session *session, struct demux *demux, struct err *why)
{
	char piece[PIECE_MAX];
	ssize_t len;

	while (!is_closing(session)) {
		len = http_stream_read(session->stream, piece, sizeof(piece), SLICE_NS * 2, why);
		if (len < 0 && why->code == ERR_TIMEOUT)
			continue;
		if (len > 0 && take_bytes(session, demux, piece, (size_t)len, why) == 0)
			continue;
		if (len == 0 || (len < 0 && why->code != ERR_CANCELLED)) {
			demux->words.len = strcspn(buf_str(&demux->words), "\n");
			if (demux->words.data)
				demux->words.data[demux->words.len] = '\0';
			if (!is_closing(session))
				session__explain(session, buf_str(&demux->words), why);
		}
		return;
	}
}

static void *reader_main(void *arg)
{
	struct session *session = arg;
	struct demux demux = {.head_len = 0};
	struct err why = {.code = ERR_INFRA, .msg = "the session was closed"};

	buf_init(&demux.frames, PROTOCOL_RESULT_MAX + 4 + 2 * PIECE_MAX);
	buf_init(&demux.words, WORDS_MAX);
	read_stream(session, &demux, &why);
	fail(session, &why);
	buf_done(&demux.frames);
	buf_done(&demux.words);
	return NULL;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* One slice, with the lock held. */
static int wait_slice(struct session *session, uint64_t deadline, struct err *err)
{
	uint64_t until = clock_ns();
	struct timespec ts;

	if (cancel_check(err) < 0)
		return -1;
	if (until >= deadline)
		return err_set(err, ERR_INFRA, "the agent in the container does not answer");
	until += SLICE_NS;
	ts.tv_sec = (time_t)(until / NS_PER_S);
	ts.tv_nsec = (long)(until % NS_PER_S);
	(void)pthread_cond_timedwait(&session->changed, &session->lock, &ts);
	return 0;
}

static int wait_ready(struct session *session, struct err *err)
{
	uint64_t deadline = clock_ns() + READY_NS;
	int rc = 0;

	(void)pthread_mutex_lock(&session->lock);
	while (rc == 0 && !session->ready && !session->dead)
		rc = wait_slice(session, deadline, err);
	if (rc == 0 && !session->ready) {
		rc = -1;
		if (err)
			*err = session->why;
	}
	(void)pthread_mutex_unlock(&session->lock);
	return rc;
}

/* Queue for a place among the commands that run, so that a command's time starts with it. */
static int enlist(struct session *session, struct waiter *waiter, struct err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&session->lock);
	while (rc == 0 && !session->dead && session->running >= PROTOCOL_RUNNING_MAX)
		rc = wait_slice(session, UINT64_MAX, err);
	if (rc == 0 && session->dead) {
		rc = -1;
		if (err)
			*err = session->why;
	}
	if (rc == 0) {
		session->running++;
		waiter->id = ++session->last_id;
		waiter->next = session->waiters;
		session->waiters = waiter;
	}
	(void)pthread_mutex_unlock(&session->lock);
	return rc;
}

/* With the lock held. */
static void delist(struct session *session, struct waiter *waiter)
{
	struct waiter **at = &session->waiters;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	session->running--;
	(void)pthread_cond_broadcast(&session->changed);
}

static int wait_result(struct session *session, struct waiter *waiter, uint64_t deadline,
		       struct err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&session->lock);
	while (rc == 0 && !waiter->done && !session->dead)
		rc = wait_slice(session, deadline, err);
	if (rc == 0 && !waiter->done) {
		rc = -1;
		if (err)
			*err = session->why;
	}
	delist(session, waiter);
	(void)pthread_mutex_unlock(&session->lock);
	return rc;
}

/* --- requests and results -------------------------------------------------------------------- */

static void put(struct buf *out, uint64_t value, size_t bytes)
{
	unsigned char raw[8];

	protocol_put(raw, value, bytes);
	buf_add(out, raw, bytes);
}

static void put_string(struct buf *out, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	put(out, len, 4);
	buf_add(out, text ? text : "", len + 1);
}

static void put_pair(struct buf *out, const struct pair *pair)
{
	size_t name = strlen(pair->key), value = pair->value ? strlen(pair->value) : 0;

	put(out, name + 1 + value, 4);
	buf_add(out, pair->key, name);
	buf_add(out, "=", 1);
	buf_add(out, pair->value ? pair->value : "", value + 1);
}

static uint64_t limit_ns(const struct command *command)
{
	uint64_t max = PROTOCOL_TIMEOUT_MS_MAX * NS_PER_MS;
	uint64_t ns = command->timeout_ns ? command->timeout_ns : TIMEOUT_DEFAULT_NS;

	return ns > max ? max : ns;
}

static uint32_t kept_bytes(const struct command *command)
{
	return command->output_max > PROTOCOL_OUTPUT_MAX ? PROTOCOL_OUTPUT_MAX
							 : (uint32_t)command->output_max;
}

/* The container's user is root; the image's is applied to each command. */
static const char *user_of(const struct session *session, const struct command *command)
{
	if (command->user && *command->user)
		return command->user;
	return session->image.user && *session->image.user ? session->image.user : "0";
}

/* The frame but for its length and number. */
static void write_request(const struct session *session, const struct command *command,
			  struct buf *out)
{
	size_t input = command->input ? strlen(command->input) : 0;

	put(out, 0, 4);
	put(out, 0, 4);
	put(out, PROTOCOL_RUN, 1);
	put(out, (limit_ns(command) + NS_PER_MS - 1) / NS_PER_MS, 8);
	put(out, kept_bytes(command), 4);
	put_string(out, command->workdir);
	put_string(out, user_of(session, command));
	put(out, command->argv.count, 4);
	for (size_t i = 0; i < command->argv.count; i++)
		put_string(out, command->argv.items[i]);
	put(out, command->env.count + (session->home ? 1 : 0), 4);
	if (session->home)
		put_string(out, session->home);
	for (size_t i = 0; i < command->env.count; i++)
		put_pair(out, &command->env.items[i]);
	put(out, input, 4);
	buf_add(out, command->input ? command->input : "", input);
}

static int check_command(const struct command *command, struct err *err)
{
	if (command->argv.count == 0)
		return err_set(err, ERR_USAGE, "the command is empty");
	if (command->argv.count > PROTOCOL_STRINGS_MAX ||
	    command->env.count >= PROTOCOL_STRINGS_MAX)
		return err_set(err, ERR_LIMIT,
			       "the command has more than %d arguments or variables",
			       PROTOCOL_STRINGS_MAX);
	for (size_t i = 0; i < command->env.count; i++)
		if (!*command->env.items[i].key || strchr(command->env.items[i].key, '='))
			return err_set(err, ERR_USAGE, "\"%s\" cannot be the name of a variable",
				       command->env.items[i].key);
	return 0;
}

static int refuse(const struct command *command, const struct session *session, int kind, int error,
		  struct err *err)
{
	if (kind == PROTOCOL_NO_USER && error == ENOENT)
		return err_set(err, ERR_USAGE, "the image has no user \"%s\"",
			       user_of(session, command));
	if (kind == PROTOCOL_NO_USER)
		return err_set(err, ERR_INFRA, "cannot become user \"%s\" in the container: %s",
			       user_of(session, command), strerror(error));
	if (kind == PROTOCOL_NO_WORKDIR)
		return err_set(err, ERR_USAGE, "cannot enter folder \"%s\" in the image: %s",
			       command->workdir ? command->workdir : "", strerror(error));
	return err_set(err, ERR_INFRA, "cannot start \"%s\" in the container: %s",
		       command->argv.items[0], strerror(error));
}

static bool is_exit_sound(int kind, uint64_t value)
{
	switch (kind) {
	case PROTOCOL_EXITED:
		return value <= 255;
	case PROTOCOL_SIGNALLED:
		return value >= 1 && value <= 64;
	default:
		return kind >= PROTOCOL_TIMED_OUT && kind <= PROTOCOL_NO_START && value < 4096;
	}
}

/* As a shell would count: 128 + signal, 127 for what is not there. */
static int exit_code(int kind, int value)
{
	switch (kind) {
	case PROTOCOL_EXITED:
		return value;
	case PROTOCOL_SIGNALLED:
		return 128 + value;
	case PROTOCOL_TIMED_OUT:
		return 128 + 9;
	default:
		return 127;
	}
}

static int read_result(const struct session *session, const struct command *command,
		       const struct buf *payload, struct arena *arena, struct command_result *out,
		       struct err *err)
{
	struct protocol_reader reader = {(const unsigned char *)payload->data, payload->len, true};
	int kind = (int)protocol_get(&reader, 1);
	uint64_t value = protocol_get(&reader, 4);
	struct command_result got = {.duration_ns = protocol_get(&reader, 8)};
	uint64_t flags = protocol_get(&reader, 1);
	const char *text = protocol_blob(&reader, &got.out_len);
	const char *errtext = protocol_blob(&reader, &got.errout_len);
	uint32_t keep = kept_bytes(command);

	if (!reader.ok || reader.left || got.out_len > keep || got.errout_len > keep ||
	    !is_exit_sound(kind, value))
		return nonsense(err);
	if (kind >= PROTOCOL_NO_USER)
		return refuse(command, session, kind, (int)value, err);
	got.exit_code = exit_code(kind, (int)value);
	got.timed_out = kind == PROTOCOL_TIMED_OUT;
	got.not_found = kind == PROTOCOL_NOT_FOUND;
	got.out = arena_strndup(arena, text, got.out_len);
	got.errout = arena_strndup(arena, errtext, got.errout_len);
	got.out_truncated = flags & PROTOCOL_OUT_TRUNCATED;
	got.errout_truncated = flags & PROTOCOL_ERR_TRUNCATED;
	*out = got;
	return 0;
}

/* A request that was written in part leaves the stream useless for all. Where the container has
 * ended, the reader finds out why and wakes everybody. */
static void send_request(struct session *session, const struct buf *request)
{
	struct err why = {0};
	int rc;

	(void)pthread_mutex_lock(&session->write_lock);
	rc = http_stream_write(session->stream, request->data, request->len, &why);
	(void)pthread_mutex_unlock(&session->write_lock);
	if (rc < 0 && why.code == ERR_CANCELLED)
		fail(session, &why);
}

int session_run(struct session *session, const struct command *command, struct arena *arena,
		struct command_result *out, struct err *err)
{
	struct waiter waiter = {0};
	struct buf request;
	int rc;

	if (check_command(command, err) < 0)
		return -1;
	buf_init(&request, PROTOCOL_REQUEST_MAX);
	buf_init(&waiter.payload, PROTOCOL_RESULT_MAX);
	write_request(session, command, &request);
	rc = request.truncated ? err_set(err, ERR_LIMIT, "the command and its input are too long")
			       : enlist(session, &waiter, err);
	if (rc == 0) {
		protocol_put(request.data, request.len - 4, 4);
		protocol_put(request.data + 4, waiter.id, 4);
		send_request(session, &request);
		rc = wait_result(session, &waiter, clock_ns() + limit_ns(command) + GRACE_NS, err);
	}
	if (rc == 0)
		rc = read_result(session, command, &waiter.payload, arena, out, err);
	buf_done(&request);
	buf_done(&waiter.payload);
	return rc;
}

bool session_dead(struct session *session)
{
	bool dead;

	(void)pthread_mutex_lock(&session->lock);
	dead = session->dead;
	(void)pthread_mutex_unlock(&session->lock);
	return dead;
}

/* --- opening and closing --------------------------------------------------------------------- */

static struct session *session_new(struct engine *engine)
{
	struct session *session = xcalloc(1, sizeof(*session));
	pthread_condattr_t attr;

	session->engine = engine;
	session->arena = arena_new();
	(void)pthread_mutex_init(&session->write_lock, NULL);
	(void)pthread_mutex_init(&session->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&session->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return session;
}

static int start_reader(struct session *session, struct err *err)
{
	int rc = pthread_create(&session->reader, NULL, reader_main, session);

	if (rc != 0)
		return err_set(err, ERR_INFRA, "cannot start a thread: %s", strerror(rc));
	session->reading = true;
	return 0;
}

/* The agent sets HOME from the user; where the image sets it, the image wins. */
static void find_home(struct session *session)
{
	for (size_t i = 0; i < session->image.env.count; i++)
		if (strncmp(session->image.env.items[i], "HOME=", 5) == 0)
			session->home = session->image.env.items[i];
}

/* Docker starts a container without a word where its default network is missing; what fails for
 * that must not be laid at the image's door. */
static int check_network(struct session *session, struct err *err)
{
	const char *argv[] = {PROTOCOL_PROGRAM, PROTOCOL_ARG_NETWORK};
	const struct command command = {.argv = {argv, 2}, .user = "0", .workdir = "/"};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct command_result result;

	if (session_run(session, &command, arena, &result, err) < 0)
		return -1;
	if (result.exit_code == PROTOCOL_NETWORK_SOME)
		return 0;
	return err_set(err, ERR_INFRA,
		       "the engine at %s has no network for containers: its default network is "
		       "missing (was it started with --bridge=none?)",
		       session->engine->info.host);
}

static int open_session(struct engine *engine, const struct session_spec *spec, bool bound,
			struct session **out, struct err *err)
{
	struct session *session = session_new(engine);

	session->bound = bound;
	if (engine_image(engine, spec->image, session->arena, &session->image, err) < 0)
		goto fail;
	find_home(session);
	if (session__create(session, spec, err) < 0 || session__attach(session, err) < 0 ||
	    session__start(session, err) < 0 || start_reader(session, err) < 0 ||
	    wait_ready(session, err) < 0 || (spec->network && check_network(session, err) < 0))
		goto fail;
	*out = session;
	return 0;
fail:
	if (spec->gpu && err && err->code == ERR_INFRA && engine__blames_gpu(err))
		err->code = ERR_NOTFOUND;
	session_close(session);
	return -1;
}

/* An engine on a unix socket may still live elsewhere (a virtual machine, another root), and the
 * file may lie where nothing may be executed: then the agent is uploaded. */
int session_open(struct engine *engine, const struct session_spec *spec, struct session **out,
		 struct err *err)
{
	bool local = strncmp(engine->info.host, "unix://", 7) == 0 && !spec->program;

	if (spec->agent && local && open_session(engine, spec, true, out, err) == 0)
		return 0;
	if (spec->agent && local && err->code != ERR_INFRA)
		return -1;
	if (open_session(engine, spec, false, out, err) == 0)
		return 0;
	if (!spec->gpu || spec->device || !engine__try_cdi(engine, err))
		return -1;
	return open_session(engine, spec, false, out, err);
}

void session_close(struct session *session)
{
	if (!session)
		return;
	(void)pthread_mutex_lock(&session->lock);
	session->closing = true;
	(void)pthread_mutex_unlock(&session->lock);
	session__remove(session);
	if (session->reading)
		(void)pthread_join(session->reader, NULL);
	http_stream_close(session->stream);
	(void)pthread_cond_destroy(&session->changed);
	(void)pthread_mutex_destroy(&session->lock);
	(void)pthread_mutex_destroy(&session->write_lock);
	arena_free(session->arena);
	free(session);
}
