/*
 * The container of a session: made, filled with the agent, started, removed.
 *
 * The agent runs as root with three capabilities: to become the user of a command and to end
 * commands of other users. Commands have none (agent/child.c). The program is bound from a file of
 * this host where the engine can; else it is put into an anonymous volume: archives cannot be put
 * into a read-only root, and the volume goes with the container.
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/session_private.h"
#include "engine/sweep_private.h"
#include "parse/tar.h"

#include <string.h>
#include <sys/stat.h>

#define UPLOAD_MAX ((size_t)64 * 1024 * 1024)
#define UPLOAD_NS (UINT64_C(120) * NS_PER_S)
#define END_NS (UINT64_C(5) * NS_PER_S)

static void add_list(struct json *parent, const char *key, const char *const *items)
{
	struct json *list = json_add_array(parent, key);

	for (; *items; items++)
		json_add_str(list, NULL, *items);
}

static void bind_agent(struct json *host, const char *file)
{
	struct json *mount = json_add_object(json_add_array(host, "Mounts"), NULL);

	json_add_str(mount, "Type", "bind"); /* refused, not made up, when the file is not there */
	json_add_str(mount, "Source", file);
	json_add_str(mount, "Target", PROTOCOL_PROGRAM);
	json_add_bool(mount, "ReadOnly", true);
}

static void describe_host(struct json *body, const struct session *session,
			  const struct session_spec *spec)
{
	static const char *const all[] = {"ALL", NULL};
	static const char *const kept[] = {"SETUID", "SETGID", "KILL", NULL};
	static const char *const security[] = {"no-new-privileges", NULL};
	int64_t memory = spec->memory_bytes ? spec->memory_bytes : SESSION_MEMORY_BYTES;
	struct json *host = json_add_object(body, "HostConfig");

	json_add_str(host, "NetworkMode", spec->network ? "default" : "none");
	add_list(host, "CapDrop", all);
	add_list(host, "CapAdd", kept);
	add_list(host, "SecurityOpt", security);
	json_add_int(host, "Memory", memory);
	json_add_int(host, "MemorySwap", memory);
	json_add_int(host, "PidsLimit", SESSION_PIDS);
	if (session->engine->podman)
		engine__podman_limits(host);
	json_add_bool(host, "ReadonlyRootfs", !spec->writable);
	if (!spec->writable)
		json_add_str(json_add_object(host, "Tmpfs"), "/tmp", SESSION_TMP);
	/* What commands print goes through the attached stream; the engine must not keep it too. */
	json_add_str(json_add_object(host, "LogConfig"), "Type", "none");
	json_add_bool(host, "AutoRemove", false);
	json_add_bool(host, "Init", false);
	if (spec->gpu)
		engine__add_gpus(host, session->engine, spec->device);
	if (session->bound)
		bind_agent(host, spec->agent);
}

static struct json *describe(const struct session *session, const struct session_spec *spec)
{
	static const char *const entrypoint[] = {PROTOCOL_PROGRAM, NULL};
	static const char *const nothing[] = {NULL};
	static const char *const open_root[] = {PROTOCOL_ARG_OPEN_ROOT, NULL};
	static const char *const no_test[] = {"NONE", NULL};
	struct json *body = json_new_object();

	json_add_str(body, "Image", session->image.id);
	add_list(body, "Entrypoint", entrypoint);
	/* podman makes "/" with mode 0555, and commands have no capability to overlook that. */
	add_list(body, "Cmd", session->engine->podman && spec->writable ? open_root : nothing);
	json_add_str(body, "User", "0:0");
	json_add_bool(body, "OpenStdin", true);
	json_add_bool(body, "StdinOnce", true);
	json_add_bool(body, "AttachStdin", true);
	json_add_bool(body, "AttachStdout", true);
	json_add_bool(body, "AttachStderr", true);
	json_add_bool(body, "Tty", false);
	add_list(json_add_object(body, "Healthcheck"), "Test", no_test);
	if (!session->bound)
		json_add_object(json_add_object(body, "Volumes"), PROTOCOL_FOLDER);
	engine__mark(body, spec->owner);
	describe_host(body, session, spec);
	return body;
}

static int create(struct session *session, const struct session_spec *spec, struct err *err)
{
	CLEANUP(json_freep) struct json *body = describe(session, spec);
	CLEANUP(json_freep) struct json *answer = NULL;
	const char *id;

	if (engine__call(session->engine, "POST", "/containers/create", body, 201, 0, &answer,
			 err) < 0)
		return err_wrap(err, "creating a container");
	id = answer ? json_str(answer, "Id", "") : "";
	if (!engine__is_id(id))
		return err_set(err, ERR_INFRA, "engine at %s: the new container has no id",
			       session->engine->info.host);
	session->id = arena_strdup(session->arena, id);
	return 0;
}

int session_agent_file(const char *folder, struct arena *arena, const char **path_out,
		       struct err *err)
{
	const char *path = arena_printf(arena, "%s/agent-" ASSAY_VERSION, folder);
	size_t len;
	const void *program = agent_program(&len);
	struct buf kept;
	bool same;

	buf_init(&kept, len + 1);
	same = file_read(path, &kept, err) == 0 && kept.len == len &&
	       memcmp(kept.data, program, len) == 0;
	buf_done(&kept);
	if (!same && file_write_quick(path, program, len, err) < 0)
		return -1;
	if (chmod(path, 0755) < 0)
		return err_sys(err, ERR_INFRA, "%s", path);
	*path_out = path;
	return 0;
}

static void pack(const char *name, unsigned mode, const void *data, size_t len, struct buf *out)
{
	static const char zeros[TAR_BLOCK];
	const struct tar_entry entry = {.path = name, .type = TAR_FILE, .mode = mode, .size = len};

	tar_header(&entry, out);
	buf_add(out, data, len);
	buf_add(out, zeros, tar_padding(len));
}

void engine__pack_agent(struct buf *out)
{
	size_t len;
	const void *program = agent_program(&len);

	pack("agent", 0500, program, len, out);
}

/* Commands run as any user of the image: they must be able to read the program. */
static int upload(struct session *session, const struct session_spec *spec, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct http_request request = {
		.method = "PUT", .headers = headers, .timeout_ns = UPLOAD_NS};
	struct http_answer answer;
	struct buf tar;
	int rc;

	buf_init(&tar, UPLOAD_MAX);
	engine__pack_agent(&tar);
	if (spec->program)
		pack(strrchr(SESSION_PROGRAM, '/') + 1, 0555, spec->program, spec->program_len,
		     &tar);
	tar_end(&tar);
	request.path =
		arena_printf(arena, "/containers/%s/archive?path=" PROTOCOL_FOLDER, session->id);
	request.body = tar.data;
	request.body_len = tar.len;
	rc = engine__send(session->engine, &request, 200, 0, &answer, err);
	buf_done(&tar);
	if (rc < 0)
		return err_wrap(err, "copying the agent into the container");
	http_answer_done(&answer);
	return 0;
}

static int check_arch(const struct session *session, struct err *err)
{
	const char *machine = strchr(session->engine->info.os_arch, '/');
	const char *arch = session->image.arch;

	machine = machine ? machine + 1 : agent_arch();
	if (!arch || !*arch || strcmp(arch, agent_arch()) == 0)
		return 0; /* some imported images name none */
	return err_set(err, ERR_USAGE, "the image is for %s, this machine runs %s", arch, machine);
}

int session__create(struct session *session, const struct session_spec *spec, struct err *err)
{
	if (check_arch(session, err) < 0 || create(session, spec, err) < 0)
		return -1;
	return session->bound ? 0 : upload(session, spec, err);
}

int session__attach(struct session *session, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *path = arena_printf(
		arena, "/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1", session->id);

	if (engine__upgrade(session->engine, "POST", path, &session->stream, err) < 0)
		return err_wrap(err, "attaching to the container");
	return 0;
}

int session__start(struct session *session, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *path = arena_printf(arena, "/containers/%s/start", session->id);

	if (engine__call(session->engine, "POST", path, NULL, 204, 304, NULL, err) < 0)
		return err_wrap(err, "starting the container");
	return 0;
}

/* The stream may end before the engine has written down why. */
static void await_end(struct session *session, struct arena *arena)
{
	struct http_request request = {.method = "POST", .timeout_ns = END_NS};
	struct http_answer answer;
	struct err ignored;

	request.path = arena_printf(arena, "/containers/%s/wait", session->id);
	if (engine__send(session->engine, &request, 200, 0, &answer, &ignored) == 0)
		http_answer_done(&answer);
}

void session__explain(struct session *session, const char *words, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(json_freep) struct json *answer = NULL;
	const struct json *state;
	const char *colon = *words ? ": " : "";

	await_end(session, arena);
	if (engine__call(session->engine, "GET",
			 arena_printf(arena, "/containers/%s/json", session->id), NULL, 200, 0,
			 &answer, err) < 0) {
		if (err->code == ERR_CANCELLED)
			return;
		(void)err_wrap(err, "the container is gone");
		err->code = ERR_INFRA;
		return;
	}
	state = answer ? json_get(answer, "State") : NULL;
	if (state && json_bool(state, "OOMKilled", false))
		(void)err_set(err, ERR_INFRA, "the container was killed (out of memory?)");
	else if (state && json_bool(state, "Running", false))
		(void)err_set(err, ERR_INFRA, "the engine closed the container's streams%s%s",
			      colon, words);
	else if (state && json_int(state, "ExitCode", 0) > 128)
		(void)err_set(err, ERR_INFRA, "the container was killed by signal %d%s%s",
			      (int)json_int(state, "ExitCode", 0) - 128, colon, words);
	else
		(void)err_set(err, ERR_INFRA, "the container ended by itself%s%s", colon, words);
}

void session__remove(struct session *session)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct err ignored; /* engine_sweep removes what could not be removed here */

	if (session->id)
		(void)engine__call(session->engine, "DELETE",
				   arena_printf(arena, "/containers/%s?force=1&v=1", session->id),
				   NULL, 204, 200, NULL, &ignored);
}
