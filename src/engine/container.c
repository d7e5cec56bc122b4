#include "engine/container.h"

#include "base/units.h"
#include "engine/sweep_private.h"

#include <string.h>

#define LOG_LINES 200000 /* asked for: the last ones */
#define LOG_FRAME_HEAD 8 /* stream number, three zeros, big-endian length */
#define LOG_NS (UINT64_C(30) * NS_PER_S)
#define CDI_ALL "nvidia.com/gpu=all" /* the Container Device Interface's name for all */
#define NO_DRIVER "could not select device driver"

struct container {
	struct engine *engine;
	struct arena *arena;
	const char *id;
	unsigned port;
	bool host_network;
};

const char *engine_address(struct engine *engine, struct arena *arena)
{
	const char *host = engine->info.host;

	if (strncmp(host, "tcp://", 6) != 0)
		return "127.0.0.1";
	host += 6;
	if (*host == '[')
		return arena_strndup(arena, host, strcspn(host, "]") + 1);
	return arena_strndup(arena, host, strcspn(host, ":/"));
}

/* --- making ---------------------------------------------------------------------------------- */

static void add_strings(struct json *body, const char *key, const struct strings *items)
{
	struct json *list;

	if (!items->count)
		return;
	list = json_add_array(body, key);
	for (size_t i = 0; i < items->count; i++)
		json_add_str(list, NULL, items->items[i]);
}

static void add_env(struct json *body, const struct pairs *env, struct arena *arena)
{
	struct json *list = json_add_array(body, "Env");

	for (size_t i = 0; i < env->count; i++)
		json_add_str(list, NULL,
			     arena_printf(arena, "%s=%s", env->items[i].key, env->items[i].value));
}

static void add_mounts(struct json *host, const struct container_spec *spec)
{
	struct json *list = json_add_array(host, "Mounts");

	for (size_t i = 0; i < spec->mount_count; i++) {
		struct json *mount = json_add_object(list, NULL);

		json_add_str(mount, "Type", "bind");
		json_add_str(mount, "Source", spec->mounts[i].source);
		json_add_str(mount, "Target", spec->mounts[i].target);
		json_add_bool(mount, "ReadOnly", !spec->mounts[i].writable);
	}
}

/* Port 0 of the host: the engine finds a free one, so runs side by side do not meet. */
static void publish(struct json *body, struct json *host, const struct container *container)
{
	const char *key = arena_printf(container->arena, "%u/tcp", container->port);
	bool local = strncmp(container->engine->info.host, "tcp://", 6) != 0;
	struct json *binding;

	json_add_object(json_add_object(body, "ExposedPorts"), key);
	binding = json_add_object(json_add_array(json_add_object(host, "PortBindings"), key), NULL);
	json_add_str(binding, "HostIp", local ? "127.0.0.1" : "");
	json_add_str(binding, "HostPort", "");
}

void engine__add_gpus(struct json *host, const struct engine *engine, const char *device)
{
	struct json *request = json_add_object(json_add_array(host, "DeviceRequests"), NULL);

	if (device || engine->podman || atomic_load(&engine->gpus_by_cdi)) {
		json_add_str(request, "Driver", "cdi");
		json_add_str(json_add_array(request, "DeviceIDs"), NULL, device ? device : CDI_ALL);
	} else {
		json_add_str(request, "Driver", "nvidia");
		json_add_int(request, "Count", -1);
		json_add_str(json_add_array(json_add_array(request, "Capabilities"), NULL), NULL,
			     "gpu");
	}
}

/* How engines, and NVIDIA's part of them, say that they have no such device. */
bool engine__blames_gpu(const struct err *err)
{
	static const char *const words[] = {NO_DRIVER, "CDI device", "nvidia-container-cli",
					    "NVIDIA driver"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(err->msg, words[i]))
			return true;
	return false;
}

/* NVIDIA's driver first: engines list folders for specifications of CDI that may be empty. */
bool engine__try_cdi(struct engine *engine, const struct err *err)
{
	return engine->info.cdi && err && strstr(err->msg, NO_DRIVER) &&
	       !atomic_exchange(&engine->gpus_by_cdi, true);
}

static void describe_host(struct json *body, const struct container *container,
			  const struct container_spec *spec)
{
	struct json *host = json_add_object(body, "HostConfig"), *log;
	bool podman = container->engine->podman;

	json_add_str(host, "NetworkMode", spec->host_network ? "host" : "default");
	json_add_str(json_add_array(host, "SecurityOpt"), NULL, "no-new-privileges");
	if (spec->memory_bytes) {
		json_add_int(host, "Memory", (int64_t)spec->memory_bytes);
		json_add_int(host, "MemorySwap", (int64_t)spec->memory_bytes);
	}
	if (spec->shm_bytes)
		json_add_int(host, "ShmSize", (int64_t)spec->shm_bytes);
	log = json_add_object(host, "LogConfig");
	json_add_str(log, "Type", "json-file");
	if (!podman)
		json_add_str(json_add_object(log, "Config"), "max-size", "32m");
	else
		engine__podman_limits(host);
	if (spec->mount_count)
		add_mounts(host, spec);
	if (spec->gpu)
		engine__add_gpus(host, container->engine, NULL);
	if (!spec->host_network)
		publish(body, host, container);
}

static struct json *describe(const struct container *container, const struct container_spec *spec)
{
	struct json *body = json_new_object();

	json_add_str(body, "Image", spec->image);
	add_strings(body, "Entrypoint", &spec->entrypoint);
	add_strings(body, "Cmd", &spec->command);
	add_env(body, &spec->env, container->arena);
	json_add_str(body, "User", spec->user);
	json_add_str(body, "WorkingDir", spec->workdir);
	json_add_bool(body, "Tty", false);
	/* Ready is what answers, whatever the image's own check says of itself. */
	json_add_str(json_add_array(json_add_object(body, "Healthcheck"), "Test"), NULL, "NONE");
	engine__mark(body, spec->owner);
	describe_host(body, container, spec);
	return body;
}

static int create(struct container *container, const struct container_spec *spec, struct err *err)
{
	CLEANUP(json_freep) struct json *body = describe(container, spec);
	CLEANUP(json_freep) struct json *answer = NULL;
	const char *id;

	if (engine__call(container->engine, "POST", "/containers/create", body, 201, 0, &answer,
			 err) < 0)
		return err_wrap(err, "creating the service's container");
	id = answer ? json_str(answer, "Id", "") : "";
	if (!engine__is_id(id))
		return err_set(err, ERR_INFRA, "engine at %s: the new container has no id",
			       container->engine->info.host);
	container->id = arena_strdup(container->arena, id);
	return 0;
}

/* Engines refuse a program that the image does not have when the container starts. */
static bool blames_image(const char *message)
{
	return strstr(message, "executable file not found") || strstr(message, "exec:") ||
	       strstr(message, "no such file or directory: unknown") ||
	       strstr(message, "permission denied: unknown");
}

static int start(struct container *container, struct err *err)
{
	const char *path = arena_printf(container->arena, "/containers/%s/start", container->id);

	if (engine__call(container->engine, "POST", path, NULL, 204, 304, NULL, err) == 0)
		return 0;
	if (err && err->code != ERR_CANCELLED && blames_image(err->msg))
		err->code = ERR_USAGE;
	return err_wrap(err, "starting the service's container");
}

static int start_new(struct engine *engine, const struct container_spec *spec,
		     struct container **out, struct err *err)
{
	struct arena *arena = arena_new();
	struct container *container = arena_alloc(arena, sizeof(*container));

	*container = (struct container){.engine = engine,
					.arena = arena,
					.port = spec->port,
					.host_network = spec->host_network};
	if (create(container, spec, err) < 0 || start(container, err) < 0) {
		container_remove(container);
		return -1;
	}
	*out = container;
	return 0;
}

int container_start(struct engine *engine, const struct container_spec *spec,
		    struct container **out, struct err *err)
{
	if (start_new(engine, spec, out, err) == 0)
		return 0;
	return spec->gpu && engine__try_cdi(engine, err) ? start_new(engine, spec, out, err) : -1;
}

int container_stop(struct container *container, unsigned grace_s, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	if (engine__call(container->engine, "POST",
			 arena_printf(arena, "/containers/%s/stop?t=%u", container->id, grace_s),
			 NULL, 204, 304, NULL, err) < 0)
		return err_wrap(err, "stopping the service's container");
	return 0;
}

void container_remove(struct container *container)
{
	struct err ignored; /* engine_sweep removes what could not be removed here */

	if (!container)
		return;
	if (container->id)
		(void)engine__call(
			container->engine, "DELETE",
			arena_printf(container->arena, "/containers/%s?force=1&v=1", container->id),
			NULL, 204, 200, NULL, &ignored);
	arena_free(container->arena);
}

/* --- looking --------------------------------------------------------------------------------- */

static unsigned published_port(const struct container *container, const struct json *answer)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *settings = json_get(answer, "NetworkSettings");
	const struct json *ports = settings ? json_get(settings, "Ports") : NULL;
	const struct json *list =
		ports ? json_get(ports, arena_printf(arena, "%u/tcp", container->port)) : NULL;
	const struct json *binding = list ? json_first(list) : NULL;
	int64_t port = 0;

	if (binding)
		(void)units_parse_int(json_str(binding, "HostPort", ""), 1, 65535, &port);
	return (unsigned)port;
}

int container_look(struct container *container, struct container_state *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(json_freep) struct json *answer = NULL;
	const struct json *state;

	if (engine__call(container->engine, "GET",
			 arena_printf(arena, "/containers/%s/json", container->id), NULL, 200, 0,
			 &answer, err) < 0) {
		if (err && err->code == ERR_NOTFOUND)
			err->code = ERR_INFRA; /* somebody removed it */
		return err_wrap(err, "the service's container");
	}
	state = answer ? json_get(answer, "State") : NULL;
	if (!state)
		return err_set(err, ERR_INFRA, "engine at %s: a container without state",
			       container->engine->info.host);
	*out = (struct container_state){
		.running = json_bool(state, "Running", false),
		.out_of_memory = json_bool(state, "OOMKilled", false),
		.exit_code = (int)json_int(state, "ExitCode", 0),
		.port = container->host_network ? container->port
						: published_port(container, answer),
	};
	return 0;
}

struct log {
	unsigned char head[LOG_FRAME_HEAD];
	size_t head_len;
	size_t left; /* of the current frame */
	struct buf *out;
	size_t max;
};

/* What a failing service said last is what counts: the older half goes when there is no room. */
static void keep_end(struct log *log, const char *data, size_t len)
{
	struct buf *out = log->out;

	if (len > log->max / 2) {
		data += len - log->max / 2;
		len = log->max / 2;
	}
	if (out->len + len > log->max)
		buf_consume(out, out->len - log->max / 2);
	buf_add(out, data, len);
}

/* An engine puts a head before each piece of output. */
static int take_log(void *payload, const void *data, size_t len, struct err *err)
{
	struct log *log = payload;
	const char *at = data;

	(void)err;
	while (len) {
		const unsigned char *head = log->head;
		size_t some = len < log->left ? len : log->left;

		if (some) {
			keep_end(log, at, some);
			log->left -= some;
		} else {
			some = 1;
			log->head[log->head_len++] = (unsigned char)*at;
			if (log->head_len == LOG_FRAME_HEAD) {
				log->head_len = 0;
				log->left = (size_t)head[4] << 24 | (size_t)head[5] << 16 |
					    (size_t)head[6] << 8 | head[7];
			}
		}
		at += some;
		len -= some;
	}
	return 0;
}

int container_logs(struct container *container, struct buf *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct log log = {.out = out, .max = CONTAINER_LOG_BYTES_MAX};
	struct http_request request = {
		.timeout_ns = LOG_NS, .cleanup = true, .write = take_log, .payload = &log};
	struct http_answer answer;

	if (log.max > out->max)
		log.max = out->max;
	request.path = arena_printf(arena, "/containers/%s/logs?stdout=1&stderr=1&tail=%d",
				    container->id, LOG_LINES);
	if (engine__send(container->engine, &request, 200, 0, &answer, err) < 0)
		return err_wrap(err, "the service's logs");
	http_answer_done(&answer);
	return 0;
}

int container_memory(struct container *container, uint64_t *bytes_out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(json_freep) struct json *answer = NULL;
	const struct json *memory, *detail;
	int64_t usage, cache = 0;

	if (engine__call(container->engine, "GET",
			 arena_printf(arena, "/containers/%s/stats?stream=false&one-shot=true",
				      container->id),
			 NULL, 200, 0, &answer, err) < 0)
		return -1;
	memory = answer ? json_get(answer, "memory_stats") : NULL;
	usage = memory ? json_int(memory, "usage", -1) : -1;
	if (usage < 0)
		return err_set(err, ERR_NOTFOUND,
			       "the engine does not say how much memory a "
			       "container has");
	/* cgroup 2 says inactive_file, cgroup 1 total_inactive_file; podman neither. */
	detail = json_get(memory, "stats");
	if (detail)
		cache = json_int(detail, "inactive_file",
				 json_int(detail, "total_inactive_file", 0));
	*bytes_out = (uint64_t)(usage > cache ? usage - cache : usage);
	return 0;
}
