#include "deploy/gpu.h"

#include "gpu/program.h"

#include <pthread.h>
#include <string.h>

/* Of the container: a CUDA context for each of four cases side by side, and their references. */
#define MEMORY_BYTES (INT64_C(16) * 1024 * 1024 * 1024)

struct answer {
	struct gpu_request request;
	struct command_result result;
	const char *missing;
};

struct gpu_runs {
	struct arena *arena;
	struct engine *engine;
	const struct image_config *image;
	const char *lock;
	pthread_mutex_t mutex; /* what is timed is alone on the card */
	struct answer *answers;
	size_t answer_count;
};

struct gpu_runs *gpu_runs_new(struct engine *engine, const struct image_config *image,
			      const char *lock)
{
	struct arena *arena = arena_new();
	struct gpu_runs *runs = arena_alloc(arena, sizeof(*runs));

	*runs = (struct gpu_runs){.arena = arena, .engine = engine, .image = image, .lock = lock};
	pthread_mutex_init(&runs->mutex, NULL);
	return runs;
}

void gpu_runs_free(struct gpu_runs *runs)
{
	if (!runs)
		return;
	pthread_mutex_destroy(&runs->mutex);
	arena_free(runs->arena);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct gpu_request *a, const struct gpu_request *b)
{
	if (a->host != b->host || !same_text(a->device, b->device) ||
	    a->args.count != b->args.count)
		return false;
	for (size_t i = 0; i < a->args.count; i++)
		if (strcmp(a->args.items[i], b->args.items[i]) != 0)
			return false;
	return true;
}

static void copy_result(struct command_result *out, const struct command_result *source,
			struct arena *arena)
{
	*out = *source;
	out->out = arena_strndup(arena, source->out, source->out_len);
	out->errout = arena_strndup(arena, source->errout, source->errout_len);
}

static struct strings with_program(const struct strings *args, struct arena *arena)
{
	const char **items = arena_alloc(arena, (args->count + 1) * sizeof(*items));

	items[0] = SESSION_PROGRAM;
	for (size_t i = 0; i < args->count; i++)
		items[i + 1] = args->items[i];
	return (struct strings){items, args->count + 1};
}

/* What the engine said, without where it was asked. */
static const char *refusal(const char *message)
{
	const char *status = strstr(message, ": status ");
	const char *said = status ? strstr(status + 2, ": ") : NULL;

	return said ? said + 2 : message;
}

static int run_in_image(struct gpu_runs *runs, const struct gpu_request *request,
			struct arena *arena, struct command_result *out, const char **missing,
			struct err *err)
{
	const struct command command = {.argv = with_program(&request->args, arena),
					.workdir = "/",
					.timeout_ns = request->timeout_ns,
					.output_max = request->output_max};
	struct session_spec spec = {.image = runs->image->id,
				    .owner = runs->lock,
				    .memory_bytes = MEMORY_BYTES,
				    .gpu = true,
				    .device = request->device};
	struct session *session = NULL;
	int rc;

	spec.program = gpu_program(&spec.program_len);
	if (session_open(runs->engine, &spec, &session, err) < 0) {
		if (err->code != ERR_NOTFOUND)
			return -1;
		*missing = arena_printf(arena, "this engine offers no such GPU: %s",
					refusal(err->msg));
		return 0;
	}
	rc = session_run(session, &command, arena, out, err);
	session_close(session);
	return rc;
}

static void keep(struct gpu_runs *runs, const struct gpu_request *request,
		 const struct command_result *result, const char *missing)
{
	struct arena *arena = runs->arena;
	struct answer *answer =
		arena_push(arena, &runs->answers, &runs->answer_count, sizeof(*answer));
	struct strings *args = &answer->request.args;

	answer->request = *request;
	answer->request.device = arena_strdup(arena, request->device);
	*args = (struct strings){0};
	for (size_t i = 0; i < request->args.count; i++) {
		const char **slot = arena_push(arena, &args->items, &args->count, sizeof(*slot));

		*slot = arena_strdup(arena, request->args.items[i]);
	}
	answer->missing = arena_strdup(arena, missing);
	if (!missing)
		copy_result(&answer->result, result, arena);
}

static const struct answer *find(const struct gpu_runs *runs, const struct gpu_request *request)
{
	for (size_t i = 0; i < runs->answer_count; i++)
		if (is_same(&runs->answers[i].request, request))
			return &runs->answers[i];
	return NULL;
}

void gpu_runs_forget(struct gpu_runs *runs)
{
	pthread_mutex_lock(&runs->mutex);
	runs->answer_count = 0;
	pthread_mutex_unlock(&runs->mutex);
}

int gpu_runs_ask(struct gpu_runs *runs, const struct gpu_request *request, struct arena *arena,
		 struct command_result *out, const char **missing, struct err *err)
{
	const struct answer *known;
	const char *why = NULL;
	int rc = 0;

	pthread_mutex_lock(&runs->mutex);
	known = find(runs, request);
	if (known) {
		why = arena_strdup(arena, known->missing);
		if (!why)
			copy_result(out, &known->result, arena);
	} else {
		rc = request->host ? gpu_host_run(request, arena, out, err)
				   : run_in_image(runs, request, arena, out, &why, err);
		if (rc == 0)
			keep(runs, request, out, why);
	}
	pthread_mutex_unlock(&runs->mutex);
	if (rc == 0)
		*missing = why;
	return rc;
}
