#include "deploy/service_private.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hold.h"
#include "base/units.h"
#include "model/secret.h"
#include "parse/output.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_EVERY_NS                                                                             \
	(UINT64_C(500) * NS_PER_MS) /* how often a starting container is looked at                 \
				     */
#define PORT_NS (2 * NS_PER_S)	    /* a running container has its published port at once */
#define STOP_GRACE_S 2		    /* an image whose program ignores the signal costs this */
#define LAST_WORDS_BYTES 400
#define PATH_BYTES_MAX 4096

struct service {
	struct service_spec spec;
	struct arena *arena;
	pthread_mutex_t held; /* by the case that has the service */
	bool tried;
	bool asked;  /* the engine was asked for a container: what it refuses is the image's */
	bool failed; /* with WHY: could not even be tried */
	struct err why;
	struct container *container;
	size_t log_told; /* bytes of its log that cases before this one were told */
	size_t log_seen;
	struct target_service view;
	pthread_mutex_t lock; /* of SECRETS */
	struct strings secrets;
};

struct service *service_new(const struct service_spec *spec)
{
	struct arena *arena = arena_new();
	struct service *service = arena_alloc(arena, sizeof(*service));

	service->spec = *spec;
	service->arena = arena;
	pthread_mutex_init(&service->held, NULL);
	pthread_mutex_init(&service->lock, NULL);
	return service;
}

/* --- the container --------------------------------------------------------------------------- */

/* A free port of the loopback. Somebody may take it before the service does: then that does not
 * start, and says why. */
static int free_port(unsigned *out, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = -1;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		rc = 0;
	if (rc < 0)
		(void)err_sys(err, ERR_INFRA, "looking for a free port");
	if (fd >= 0)
		(void)close(fd);
	*out = ntohs(address.sin_port);
	return rc;
}

/* What listens there already would answer in the image's place. */
static int check_free(unsigned port, struct err *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool taken = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		(void)close(fd);
	if (!taken)
		return 0;
	return err_set(err, ERR_INFRA,
		       "port %u of this host is taken by something else: it would answer in the "
		       "image's place (\"port\": 0 takes a free one)",
		       port);
}

static int choose_port(const struct service *service, unsigned *out, struct err *err)
{
	const struct suite_service *wanted = service->spec.wanted;

	*out = (unsigned)wanted->port;
	if (wanted->network != SUITE_NETWORK_HOST)
		return 0;
	return wanted->port ? check_free(*out, err) : free_port(out, err);
}

/* TEXT with the port for "{{port}}". */
static const char *with_port(struct service *service, const char *text, unsigned port)
{
	struct buf out;
	const char *kept, *at;

	buf_init(&out, SUITE_BYTES_MAX);
	while ((at = strstr(text, "{{port}}")) != NULL) {
		buf_add(&out, text, (size_t)(at - text));
		buf_printf(&out, "%u", port);
		text = at + strlen("{{port}}");
	}
	buf_addstr(&out, text);
	kept = arena_strdup(service->arena, buf_str(&out));
	buf_done(&out);
	return kept;
}

static struct strings words_with_port(struct service *service, const struct strings *words,
				      unsigned port)
{
	struct strings out = {0};

	for (size_t i = 0; i < words->count; i++) {
		const char **slot =
			arena_push(service->arena, &out.items, &out.count, sizeof(*slot));

		*slot = with_port(service, words->items[i], port);
	}
	return out;
}

static void add_pair(struct service *service, struct pairs *env, const char *key, const char *value)
{
	struct pair *pair = arena_push(service->arena, &env->items, &env->count, sizeof(*pair));

	*pair = (struct pair){key, value};
}

static int make_env(struct service *service, unsigned port, struct pairs *out, struct err *err)
{
	const struct suite_service *wanted = service->spec.wanted;

	if (!wanted->port)
		add_pair(service, out, "PORT", arena_printf(service->arena, "%u", port));
	for (size_t i = 0; i < wanted->env.count; i++)
		add_pair(service, out, wanted->env.items[i].key,
			 with_port(service, wanted->env.items[i].value, port));
	secret_collect(service->spec.image, out, service->arena, &service->secrets);
	if (service->secrets.count)
		hold_begin();
	for (size_t i = 0; i < wanted->secrets.count; i++) {
		const char *value = hold_env(wanted->secrets.items[i]);

		if (!value || !*value)
			return err_set(err, ERR_USAGE,
				       "service: the environment variable %s is not set",
				       wanted->secrets.items[i]);
		add_pair(service, out, wanted->secrets.items[i], value);
		secret_add(&service->secrets, value, service->arena);
	}
	service->view.secrets = service->secrets;
	return 0;
}

static int add_mounts(struct service *service, struct container_spec *spec, struct err *err)
{
	const struct suite_mount *mounts = service->spec.wanted->mounts.items;
	size_t count = service->spec.wanted->mounts.count;
	struct container_mount *out = arena_alloc(service->arena, count * sizeof(*out) + 1);

	for (size_t i = 0; i < count; i++) {
		char *source = realpath(mounts[i].source, NULL);

		if (!source)
			return err_sys(err, ERR_USAGE, "service: mounts: %s", mounts[i].source);
		out[i] = (struct container_mount){arena_strdup(service->arena, source),
						  mounts[i].target, mounts[i].writable};
		free(source);
	}
	spec->mounts = out;
	spec->mount_count = count;
	return 0;
}

static int start(struct service *service, struct err *err)
{
	const struct suite_service *wanted = service->spec.wanted;
	struct container_spec spec = {.image = service->spec.image->id,
				      .user = wanted->user,
				      .workdir = wanted->workdir,
				      .host_network = wanted->network == SUITE_NETWORK_HOST,
				      .gpu = wanted->gpu,
				      .memory_bytes = wanted->memory_bytes,
				      .shm_bytes = wanted->shm_bytes,
				      .owner = service->spec.lock};

	if (choose_port(service, &spec.port, err) < 0 ||
	    make_env(service, spec.port, &spec.env, err) < 0 || add_mounts(service, &spec, err) < 0)
		return -1;
	spec.entrypoint = words_with_port(service, &wanted->entrypoint, spec.port);
	spec.command = words_with_port(service, &wanted->command, spec.port);
	service->asked = true;
	return container_start(service->spec.engine, &spec, &service->container, err);
}

/* --- ready ----------------------------------------------------------------------------------- */

static void fail(struct service *service, const char *label, const char *expected,
		 const char *actual)
{
	service->view.label = label;
	service->view.expected = expected;
	service->view.actual = actual;
}

/* The last line that it printed that says something, redacted. */
static const char *last_words(struct service *service)
{
	struct arena *arena = service->arena;
	const char *clean, *said = NULL;
	struct err ignored;
	struct buf log;

	buf_init(&log, CONTAINER_LOG_BYTES_MAX);
	if (container_logs(service->container, &log, &ignored) == 0) {
		clean = secret_redact(&service->secrets, buf_str(&log), log.len, false, arena);
		said = output_reason(clean, strlen(clean), arena);
		if (said)
			said = output_oneline(said, strlen(said), LAST_WORDS_BYTES, arena);
	}
	buf_done(&log);
	return said;
}

static void fail_exited(struct service *service, const struct container_state *state,
			uint64_t since)
{
	const char *said = last_words(service);
	char took[32];

	units_duration(clock_ns() - since, took, sizeof(took));
	fail(service, state->out_of_memory ? "service/out-of-memory" : "service/exited",
	     "a service that answers",
	     arena_printf(service->arena, "it ended with exit code %d after %s%s%s",
			  state->exit_code, took, said ? ": " : " without a word",
			  said ? said : ""));
}

static void fail_not_ready(struct service *service, const char *reason)
{
	const struct suite_ready *ready = service->spec.wanted->ready;
	const char *said = service->container ? last_words(service) : NULL;
	char limit[32];

	units_duration(ready->timeout_ns, limit, sizeof(limit));
	fail(service, "service/not-ready",
	     arena_printf(service->arena, "a good answer to a prompt within %s", limit),
	     arena_printf(service->arena, "%s%s%s", reason ? reason : "no answer",
			  said ? "; it said last: " : "", said ? said : ""));
}

/* 1: goes on; 0: it has ended, and that is the finding; -1. */
static int look(struct service *service, uint64_t since, struct err *err)
{
	struct container_state state;

	if (!service->container)
		return 1;
	if (container_look(service->container, &state, err) < 0)
		return -1;
	if (!state.running) {
		fail_exited(service, &state, since);
		return 0;
	}
	if (!service->view.url && state.port)
		service->view.url = arena_printf(
			service->arena, "http://%s:%u",
			engine_address(service->spec.engine, service->arena), state.port);
	if (!service->view.url && clock_ns() - since > PORT_NS)
		return err_set(err, ERR_INFRA,
			       "the engine published no port: it has no default network (network "
			       "\"host\" needs none)");
	return 1;
}

/* 0 also when it does not become ready: that is then the finding. */
static int await_ready(struct service *service, uint64_t since, struct err *err)
{
	const struct suite_ready *ready = service->spec.wanted->ready;
	char reason[SERVICE_REASON_BYTES] = "";
	uint64_t looked = 0;
	bool lost = false;
	int rc;

	for (;;) {
		if (!looked || clock_ns() - looked >= STATE_EVERY_NS) {
			rc = look(service, since, err);
			if (rc != 1)
				return rc;
			looked = clock_ns();
		}
		rc = 0;
		if (service->view.url)
			rc = service__ask(service->view.url, service->view.started, ready, reason,
					  &lost, err);
		if (rc == 1 && service->container)
			service->view.cold_start_ns = clock_ns() - since;
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (clock_ns() - since >= ready->timeout_ns) {
			/* What was not started here and cannot be reached says nothing. */
			if (lost && !service->view.started)
				return err_set(err, ERR_INFRA, "the service: %s", reason);
			fail_not_ready(service, reason);
			return 0;
		}
		(void)poll(NULL, 0, (int)(ready->interval_ns / NS_PER_MS));
		if (cancel_check(err) < 0)
			return -1;
	}
}

/* A program that the image does not have is the image's fault, not the engine's. */
static int start_container(struct service *service, struct err *err)
{
	uint64_t since = clock_ns();
	struct err why = {0};

	service->view.started = true;
	if (start(service, &why) == 0)
		return await_ready(service, since, err);
	if (why.code != ERR_USAGE || !service->asked) {
		*err = why;
		return -1;
	}
	fail(service, "service/cannot-start", "a program that can be started",
	     arena_strdup(service->arena, why.msg));
	return 0;
}

static int try_once(struct service *service, struct err *err)
{
	const struct suite_service *wanted = service->spec.wanted;

	service->tried = true;
	if (!wanted->url)
		return start_container(service, err);
	service->view.url = wanted->url;
	return wanted->ready ? await_ready(service, clock_ns(), err) : 0;
}

int service_begin(struct service *service, const struct target_service **out, struct err *err)
{
	if (!service->spec.wanted)
		return err_set(err, ERR_USAGE,
			       "the suite has no service: give it one, or request.url");
	if (!service->spec.wanted->url && !service->spec.engine)
		return err_set(err, ERR_USAGE, "an image that only lies there runs no service");
	(void)pthread_mutex_lock(&service->held);
	if (!service->tried && try_once(service, &service->why) < 0)
		service->failed = true;
	if (service->failed) {
		*err = service->why;
		(void)pthread_mutex_unlock(&service->held);
		return -1;
	}
	*out = &service->view;
	return 0;
}

void service_end(struct service *service)
{
	service->log_told = service->log_seen;
	(void)pthread_mutex_unlock(&service->held);
}

/* --- state, log and end ---------------------------------------------------------------------- */

int service_state(struct service *service, bool memory, struct arena *arena,
		  struct target_service_state *out, struct err *err)
{
	struct target_service_state state = {0};
	struct container_state now;
	struct err ignored;
	struct buf log;
	int rc;

	if (!service->container)
		return err_set(err, ERR_BUG, "no service was started");
	if (container_look(service->container, &now, err) < 0)
		return -1;
	state.running = now.running;
	state.out_of_memory = now.out_of_memory;
	state.exit_code = now.exit_code;
	if (now.running && memory)
		(void)container_memory(service->container, &state.memory_bytes, &ignored);
	buf_init(&log, CONTAINER_LOG_BYTES_MAX);
	rc = container_logs(service->container, &log, err);
	if (rc == 0) {
		/* A log at its maximum begins anywhere: then all of it is told again. */
		size_t told = log.len < CONTAINER_LOG_BYTES_MAX / 2 ? service->log_told : 0;

		told = told < log.len ? told : log.len;
		state.log = arena_strndup(arena, buf_str(&log) + told, log.len - told);
		state.log_len = log.len - told;
		service->log_seen = log.len;
		*out = state;
	}
	buf_done(&log);
	return rc;
}

bool service_told_secret(struct service *service)
{
	struct target_service_state state;
	bool told = false;
	struct err ignored;

	if (!service->container || !service->secrets.count)
		return false;
	(void)pthread_mutex_lock(&service->held);
	(void)container_stop(service->container, STOP_GRACE_S, &ignored);
	if (service_state(service, false, service->arena, &state, &ignored) == 0)
		told = secret_told(&service->secrets, state.log, state.log_len);
	(void)pthread_mutex_unlock(&service->held);
	return told;
}

void service_hide(struct service *service, const char *secret)
{
	(void)pthread_mutex_lock(&service->lock);
	secret_add(&service->secrets, secret, service->arena);
	(void)pthread_mutex_unlock(&service->lock);
}

/* The log is evidence: that it cannot be kept must not undo what was measured. */
static void keep_log(struct service *service)
{
	char path[PATH_BYTES_MAX];
	struct err ignored;
	const char *clean;
	struct buf log;

	buf_init(&log, CONTAINER_LOG_BYTES_MAX);
	(void)snprintf(path, sizeof(path), "%s/" SERVICE_LOG_FILE, service->spec.folder);
	if (container_logs(service->container, &log, &ignored) == 0) {
		clean = secret_redact(&service->secrets, buf_str(&log), log.len, false,
				      service->arena);
		(void)file_write_quick(path, clean, strlen(clean), &ignored);
	}
	buf_done(&log);
}

void service_close(struct service *service)
{
	if (!service)
		return;
	if (service->container && service->spec.folder)
		keep_log(service);
	container_remove(service->container);
	pthread_mutex_destroy(&service->held);
	pthread_mutex_destroy(&service->lock);
	arena_free(service->arena);
}
