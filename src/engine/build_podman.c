/*
 * What podman's /build wants otherwise than Docker's, and the proof that its builds are isolated:
 * podman up to 4.3 takes networkmode=none without a word and builds on the host's network.
 */
#include "agent/protocol.h"
#include "base/units.h"
#include "engine/build_private.h"
#include "parse/tar.h"

#include <string.h>

#define PROBE_NS (UINT64_C(60) * NS_PER_S)
#define CONTEXT_MAX ((size_t)64 * 1024 * 1024)

static void add_query(struct buf *path, const char *key, const char *value)
{
	buf_printf(path, "&%s=", key);
	http_encode(value, path);
}

/* Limits in podman's form for builds, "SOFT:HARD"; it refuses Docker's objects there. */
static void add_limits(struct buf *path)
{
	struct buf text;

	buf_init(&text, ENGINE_PATH_MAX);
	buf_printf(&text, "[\"nofile=%d:%d\",\"nproc=%d:%d\"]", ENGINE_PODMAN_FILES,
		   ENGINE_PODMAN_FILES, ENGINE_PODMAN_PROCESSES, ENGINE_PODMAN_PROCESSES);
	add_query(path, "ulimits", buf_str(&text));
	buf_done(&text);
}

void build__podman_query(const char *network, struct buf *path)
{
	bool none = network && strcmp(network, "none") == 0;

	add_limits(path);
	if (none)
		add_query(path, "nsoptions", "[{\"Name\":\"network\",\"Host\":false}]");
	/* The builder's own word for it; "none" means its default. */
	if (network && *network)
		add_query(path, "networkmode", none ? "NetworkDisabled" : network);
}

/* The program alone on an empty base: nothing of the user's runs, and no image is made since the
 * only command fails either way. */
static void pack(struct buf *out)
{
	static const char dockerfile[] = "FROM scratch\nCOPY agent /agent\n"
					 "RUN [\"/agent\", \"" PROTOCOL_ARG_NETWORK "\"]\n";
	static const char zeros[TAR_BLOCK];
	const struct tar_entry entry = {.path = "Dockerfile",
					.type = TAR_FILE,
					.mode = 0644,
					.size = sizeof(dockerfile) - 1};

	tar_header(&entry, out);
	buf_addstr(out, dockerfile);
	buf_add(out, zeros, tar_padding(entry.size));
	engine__pack_agent(out);
	tar_end(out);
}

/* "… exit status 4 …", in the words of the last error. */
static int judge(struct engine *engine, const struct http_answer *answer, struct err *err)
{
	static const char words[] = "exit status ";
	const char *text = buf_str(&answer->body), *at = strstr(text, "\"error\"");
	const char *code = at ? strstr(at, words) : NULL;
	int status = code ? code[sizeof(words) - 1] - '0' : 0;

	if (status == PROTOCOL_NETWORK_NONE)
		return 0;
	if (status == PROTOCOL_NETWORK_SOME)
		return err_set(
			err, ERR_INFRA,
			"podman at %s lets builds reach the host's network although none was "
			"asked for: use a newer podman, or allow it with \"network\": "
			"\"host\" in the suite's image",
			engine->info.host);
	return err_set(err, ERR_INFRA,
		       "podman at %s does not say whether its builds are isolated: %.400s",
		       engine->info.host, at ? at : text);
}

int build__podman_isolates(struct engine *engine, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	struct http_request request = {
		.method = "POST", .headers = headers, .timeout_ns = PROBE_NS};
	struct http_answer answer = {0};
	struct buf path, context;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_init(&context, CONTEXT_MAX);
	buf_addstr(&path, "/build?rm=1&forcerm=1&nocache=1&layers=0");
	build__podman_query("none", &path);
	pack(&context);
	request.path = buf_str(&path);
	request.body = context.data;
	request.body_len = context.len;
	rc = engine__send(engine, &request, 200, 500, &answer, err);
	if (rc == 0)
		rc = judge(engine, &answer, err);
	else
		(void)err_wrap(err, "trying whether builds are isolated");
	http_answer_done(&answer);
	buf_done(&context);
	buf_done(&path);
	return rc;
}
