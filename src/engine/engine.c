#include "engine/engine.h"

#include "base/mem.h"
#include "base/units.h"
#include "engine/engine_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOSTS_MAX 4
#define HOST_MAX 512
#define PROBE_NS (UINT64_C(10) * NS_PER_S)

static void answer_donep(struct http_answer *answer)
{
	http_answer_done(answer);
}

int engine__reword(struct engine *engine, struct err *err)
{
	struct err inner;

	if (!err || err->code == ERR_CANCELLED)
		return -1;
	if (err->code != ERR_INFRA || !err->sys)
		return err_wrap(err, "engine at %s", engine->info.host);
	inner = *err;
	(void)err_set(err, ERR_INFRA,
		      "cannot reach the engine at %s: %s (is it running? see `assay doctor`)",
		      engine->info.host, inner.msg);
	err->sys = inner.sys;
	return -1;
}

const char *engine__message(const struct buf *body, struct arena *arena)
{
	CLEANUP(json_freep) struct json *json = NULL;
	const char *text = NULL;
	size_t len = body->len;

	if (body->len && json_parse(body->data, body->len, false, &json, NULL) == 0) {
		text = json_str(json, "message", NULL);
		text = text ? text : json_str(json, "cause", NULL);
	}
	if (text)
		return arena_strdup(arena, text);
	while (len && (body->data[len - 1] == '\n' || body->data[len - 1] == '\r'))
		len--;
	return len ? arena_strndup(arena, body->data, len > 400 ? 400 : len) : "no message";
}

int engine__refused(struct engine *engine, const char *what, const struct http_answer *answer,
		    struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	return err_set(err, answer->status == 404 ? ERR_NOTFOUND : ERR_INFRA,
		       "engine at %s: %s: status %d: %s", engine->info.host, what, answer->status,
		       engine__message(&answer->body, arena));
}

int engine__send(struct engine *engine, const struct http_request *request, int expect_a,
		 int expect_b, struct http_answer *out, struct err *err)
{
	struct http_request copy = *request;
	struct http_answer answer;
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, ENGINE_PREFIX);
	buf_addstr(&path, request->path);
	copy.path = buf_str(&path);
	rc = path.truncated ? err_set(err, ERR_LIMIT, "the request to the engine is too long")
			    : http_send(engine->http, &copy, &answer, err);
	if (rc < 0 && !path.truncated)
		(void)engine__reword(engine, err);
	buf_done(&path);
	if (rc < 0)
		return -1;
	if (answer.status != expect_a && (!expect_b || answer.status != expect_b)) {
		rc = engine__refused(engine, request->path, &answer, err);
		http_answer_done(&answer);
		return rc;
	}
	*out = answer;
	return 0;
}

int engine__call(struct engine *engine, const char *method, const char *path,
		 const struct json *body, int expect_a, int expect_b, struct json **answer,
		 struct err *err)
{
	struct http_request request = {
		.method = method, .path = path, .timeout_ns = ENGINE_CALL_NS};
	CLEANUP(answer_donep) struct http_answer got = {0};
	struct json *json = NULL;
	struct buf text;
	int rc;

	request.cleanup = strcmp(method, "DELETE") == 0 || strstr(path, "/kill") != NULL;
	buf_init(&text, JSON_BYTES_MAX);
	if (body) {
		json_print(body, false, &text);
		request.body = text.data;
		request.body_len = text.len;
	}
	rc = engine__send(engine, &request, expect_a, expect_b, &got, err);
	buf_done(&text);
	if (rc < 0)
		return -1;
	if (!answer)
		return 0;
	if (got.body.len && json_parse(got.body.data, got.body.len, false, &json, err) < 0) {
		if (err)
			err->code = ERR_INFRA;
		return err_wrap(err, "engine at %s: %s: the answer is not JSON", engine->info.host,
				path);
	}
	*answer = json;
	return 0;
}

int engine__upgrade(struct engine *engine, const char *method, const char *path,
		    struct http_stream **out, struct err *err)
{
	struct buf full;
	int rc;

	buf_init(&full, ENGINE_PATH_MAX);
	buf_addstr(&full, ENGINE_PREFIX);
	buf_addstr(&full, path);
	rc = http_upgrade(engine->http, method, buf_str(&full), out, err);
	buf_done(&full);
	return rc < 0 ? engine__reword(engine, err) : 0;
}

void engine__encode_path(const char *text, struct buf *out)
{
	char one[2] = {0};

	for (; *text; text++) {
		one[0] = *text;
		if (strchr("/:@", *text))
			buf_add(out, text, 1);
		else
			http_encode(one, out);
	}
}

/* tcp:// with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH set, as the docker client does it. */
static int open_tcp(const char *address, struct http_client **out, struct err *err)
{
	const char *certs = getenv("DOCKER_CERT_PATH");
	const char *verify = getenv("DOCKER_TLS_VERIFY");
	bool tls = verify && *verify;
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	if (tls && (!certs || !*certs))
		return err_set(err, ERR_USAGE,
			       "DOCKER_TLS_VERIFY is set but DOCKER_CERT_PATH is not");
	if (http_client_open(arena_printf(arena, "%s://%s", tls ? "https" : "http", address), NULL,
			     out, err) < 0)
		return -1;
	if (tls)
		http_client_tls(*out, arena_printf(arena, "%s/ca.pem", certs),
				arena_printf(arena, "%s/cert.pem", certs),
				arena_printf(arena, "%s/key.pem", certs));
	return 0;
}

static int open_client(const char *host, struct http_client **out, struct err *err)
{
	if (strncmp(host, "unix://", 7) == 0 && host[7])
		return http_client_open("http://localhost", host + 7, out, err);
	if (strncmp(host, "tcp://", 6) == 0 && host[6])
		return open_tcp(host + 6, out, err);
	return err_set(err, ERR_USAGE,
		       "engine host \"%s\": only unix:///path and tcp://host:port are supported",
		       host);
}

static int get_json(struct engine *engine, const char *path, struct json **out, struct err *err)
{
	struct http_request request = {.path = path, .timeout_ns = PROBE_NS};
	CLEANUP(answer_donep) struct http_answer answer = {0};

	if (http_send(engine->http, &request, &answer, err) < 0)
		return engine__reword(engine, err);
	if (answer.status != 200) {
		(void)engine__refused(engine, path, &answer, err);
		if (err)
			err->code = ERR_INFRA; /* an engine without this path is no engine */
		return -1;
	}
	if (json_parse(buf_str(&answer.body), answer.body.len, false, out, err) == 0)
		return 0;
	if (err)
		err->code = ERR_INFRA;
	return err_wrap(err, "engine at %s: %s: the answer is not JSON", engine->info.host, path);
}

/* "1.41" as 1041; -1 for anything else. */
static int api_number(const char *text)
{
	const char *dot = text ? strchr(text, '.') : NULL;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	int64_t major, minor;

	if (!dot ||
	    units_parse_int(arena_strndup(arena, text, (size_t)(dot - text)), 0, 99, &major) < 0 ||
	    units_parse_int(dot + 1, 0, 999, &minor) < 0)
		return -1;
	return (int)(major * 1000 + minor);
}

static int check_api(const struct engine *engine, struct err *err)
{
	int number = api_number(engine->info.api);

	if (number < 0)
		return err_set(err, ERR_INFRA,
			       "engine at %s: it names no API version: is this a "
			       "container engine?",
			       engine->info.host);
	if (number < api_number(ENGINE_API_MIN))
		return err_set(err, ERR_INFRA,
			       "engine at %s speaks API %s, Assay needs %s or newer: "
			       "Docker 20.10+ or podman 3+",
			       engine->info.host, engine->info.api, ENGINE_API_MIN);
	return 0;
}

static bool names_podman(const struct json *version)
{
	const struct json *c = json_get(version, "Components");

	for (c = c ? json_first(c) : NULL; c; c = json_next(c))
		if (strstr(json_str(c, "Name", ""), "Podman"))
			return true;
	return false;
}

static int identify(struct engine *engine, struct err *err)
{
	CLEANUP(json_freep) struct json *version = NULL;
	CLEANUP(json_freep) struct json *info = NULL;
	struct engine_info *out = &engine->info;
	struct arena *arena = engine->arena;

	if (get_json(engine, "/version", &version, err) < 0)
		return -1;
	out->api = arena_strdup(arena, json_str(version, "ApiVersion", NULL));
	if (check_api(engine, err) < 0)
		return -1;
	/* Without a version: 1.41 is not told of devices. */
	if (get_json(engine, "/info", &info, err) < 0)
		return -1;
	engine->podman = names_podman(version);
	out->name = engine->podman ? "podman" : "docker";
	out->version = arena_strdup(arena, json_str(version, "Version", NULL));
	out->driver = arena_strdup(arena, json_str(info, "Driver", NULL));
	out->nvidia = json_get(json_get(info, "Runtimes"), "nvidia") != NULL;
	out->cdi = json_first(json_get(info, "CDISpecDirs")) != NULL;
	out->kernel = arena_strdup(
		arena, json_str(info, "KernelVersion", json_str(version, "KernelVersion", NULL)));
	out->os_arch = arena_printf(arena, "%s/%s", json_str(version, "Os", "unknown"),
				    json_str(version, "Arch", "unknown"));
	return 0;
}

static int open_host(const char *host, struct engine **out, struct err *err)
{
	CLEANUP(engine_closep) struct engine *engine = xcalloc(1, sizeof(*engine));
	struct http_request ping = {.path = "/_ping", .timeout_ns = PROBE_NS};
	CLEANUP(answer_donep) struct http_answer answer = {0};

	engine->arena = arena_new();
	engine->info.host = arena_strdup(engine->arena, host);
	if (open_client(host, &engine->http, err) < 0)
		return -1;
	if (http_send(engine->http, &ping, &answer, err) < 0)
		return engine__reword(engine, err);
	if (answer.status != 200) {
		(void)engine__refused(engine, "/_ping", &answer, err);
		if (err)
			err->code = ERR_INFRA;
		return -1;
	}
	if (identify(engine, err) < 0)
		return -1;
	*out = engine;
	engine = NULL;
	return 0;
}

/* The sockets that exist, Docker's first. */
static size_t usual_hosts(struct arena *arena, const char *hosts[HOSTS_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *paths[HOSTS_MAX] = {"/var/run/docker.sock", NULL, "/run/podman/podman.sock"};
	size_t count = 0;

	if (runtime && *runtime)
		paths[1] = arena_printf(arena, "%s/podman/podman.sock", runtime);
	for (size_t i = 0; i < HOSTS_MAX; i++)
		if (paths[i] && access(paths[i], F_OK) == 0)
			hosts[count++] = arena_printf(arena, "unix://%s", paths[i]);
	return count;
}

int engine_open(const char *host, struct engine **out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *hosts[HOSTS_MAX];
	struct err first = {0};
	size_t count;

	if (!host || !*host)
		host = getenv("DOCKER_HOST");
	if (host && *host)
		return open_host(host, out, err);
	count = usual_hosts(arena, hosts);
	for (size_t i = 0; i < count; i++) {
		if (open_host(hosts[i], out, err) == 0)
			return 0;
		if (err && i == 0)
			first = *err;
	}
	if (count == 0)
		return err_set(
			err, ERR_INFRA,
			"no container engine: DOCKER_HOST is not set and neither "
			"/var/run/docker.sock nor podman's socket exists (see `assay doctor`)");
	if (err)
		*err = first;
	return -1;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	http_client_close(engine->http);
	arena_free(engine->arena);
	free(engine);
}

void engine_closep(struct engine **engine)
{
	engine_close(*engine);
}

const struct engine_info *engine_info(struct engine *engine)
{
	return &engine->info;
}

bool engine_has_buildkit(struct engine *engine)
{
	if (!engine->asked_buildx)
		engine->buildx = !engine->podman && engine__buildx(engine);
	engine->asked_buildx = true;
	return engine->buildx;
}

/* --- containers of all kinds ----------------------------------------------------------------- */

bool engine__is_id(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= ENGINE_ID_MAX && strspn(id, "0123456789abcdef") == len;
}

static void add_limit(struct json *limits, const char *name, int64_t most)
{
	struct json *limit = json_add_object(limits, NULL);

	json_add_str(limit, "Name", name);
	json_add_int(limit, "Soft", most);
	json_add_int(limit, "Hard", most);
}

void engine__podman_limits(struct json *host)
{
	struct json *limits = json_add_array(host, "Ulimits");

	add_limit(limits, "nofile", ENGINE_PODMAN_FILES);
	add_limit(limits, "nproc", ENGINE_PODMAN_PROCESSES);
}
