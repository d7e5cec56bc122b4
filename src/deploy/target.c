/* A model target over an image: one shared session, and one of its own for isolated commands. */
#include "deploy/deploy.h"
#include "deploy/gpu.h"
#include "deploy/service.h"

#include <pthread.h>
#include <string.h>

struct deployed {
	struct arena *arena;
	struct engine *engine;
	struct image_config image;
	struct target view;
	const char *lock_path;
	struct inspection *inspection;
	struct service *service;
	struct gpu_runs *gpu_runs;
	pthread_mutex_t mutex;
	struct session *shared; /* opened when first needed */
	struct session *lost;	/* the first one, when its container died: others may still wait
				 * for its last words */
	const char *agent;	/* file to bind, NULL: none */
	pthread_t closer;
	bool closing; /* CLOSER was started */
};

/* A container that was killed is replaced once, so that one greedy command does not take every
 * later one with it; a second death is the machine's trouble and is told as such. */
static int shared_session(struct deployed *deployed, struct session **out, struct err *err)
{
	struct session_spec spec = {.image = deployed->image.id,
				    .owner = deployed->lock_path,
				    .agent = deployed->agent};
	int rc = 0;

	pthread_mutex_lock(&deployed->mutex);
	if (deployed->shared && !deployed->lost && session_dead(deployed->shared)) {
		deployed->lost = deployed->shared;
		deployed->shared = NULL;
	}
	if (!deployed->shared)
		rc = session_open(deployed->engine, &spec, &deployed->shared, err);
	*out = deployed->shared;
	pthread_mutex_unlock(&deployed->mutex);
	return rc;
}

/* COMMAND with what goes before it. The time limit is one for all. */
static int run_in_order(struct session *session, const struct command *command, struct arena *arena,
			struct command_result *out, struct err *err)
{
	struct command next = *command;

	for (size_t i = 0; i < command->before_count; i++) {
		struct command_result result = {0};

		next.argv = command->before[i];
		if (session_run(session, &next, arena, &result, err) < 0)
			return -1;
		if (result.not_found || result.timed_out) {
			result.before_failed = true;
			*out = result;
			return 0;
		}
		next.timeout_ns -= result.duration_ns < next.timeout_ns ? result.duration_ns
									: next.timeout_ns - 1;
	}
	next.argv = command->argv;
	return session_run(session, &next, arena, out, err);
}

static int run_alone(struct deployed *deployed, const struct command *command, struct arena *arena,
		     struct command_result *out, struct err *err)
{
	struct session_spec spec = {.image = deployed->image.id,
				    .writable = command->isolated,
				    .network = command->network,
				    .owner = deployed->lock_path,
				    .agent = deployed->agent};
	struct session *session = NULL;
	int rc;

	if (session_open(deployed->engine, &spec, &session, err) < 0)
		return -1;
	rc = run_in_order(session, command, arena, out, err);
	session_close(session);
	return rc;
}

static int target_run(void *self, const struct command *command, struct arena *arena,
		      struct command_result *out, struct err *err)
{
	struct deployed *deployed = self;
	struct session *session = NULL;

	if (command->isolated || command->network)
		return run_alone(deployed, command, arena, out, err);
	if (shared_session(deployed, &session, err) < 0)
		return -1;
	return session_run(session, command, arena, out, err);
}

static int target_file(void *self, const char *path, bool follow, size_t content_max,
		       struct arena *arena, struct file_info *out, struct err *err)
{
	struct deployed *deployed = self;
	struct session *session = NULL;

	if (shared_session(deployed, &session, err) < 0)
		return -1;
	return session_file(session, path, follow, content_max, arena, out, err);
}

static int target_inspect(void *self, const struct rule_input **out, struct err *err)
{
	struct deployed *deployed = self;

	if (!deployed->inspection)
		return err_set(err, ERR_BUG, "this target has no facts");
	return inspection_begin(deployed->inspection, out, err);
}

static void target_inspect_end(void *self)
{
	struct deployed *deployed = self;

	inspection_end(deployed->inspection);
}

static int target_service(void *self, const struct target_service **out, struct err *err)
{
	return service_begin(((struct deployed *)self)->service, out, err);
}

static void target_service_end(void *self)
{
	service_end(((struct deployed *)self)->service);
}

static int target_service_state(void *self, bool memory, struct arena *arena,
				struct target_service_state *out, struct err *err)
{
	return service_state(((struct deployed *)self)->service, memory, arena, out, err);
}

static void target_service_hide(void *self, const char *secret)
{
	service_hide(((struct deployed *)self)->service, secret);
}

static int target_gpu(void *self, const struct gpu_request *request, struct arena *arena,
		      struct command_result *out, const char **missing, struct err *err)
{
	return gpu_runs_ask(((struct deployed *)self)->gpu_runs, request, arena, out, missing, err);
}

static const struct target_ops ops = {.run = target_run,
				      .file = target_file,
				      .inspect = target_inspect,
				      .inspect_end = target_inspect_end,
				      .service = target_service,
				      .service_end = target_service_end,
				      .service_state = target_service_state,
				      .service_hide = target_service_hide,
				      .gpu = target_gpu};

int deploy_target(struct engine *engine, const struct deploy_spec *spec, struct deployed **out,
		  struct err *err)
{
	struct arena *arena = arena_new();
	struct deployed *deployed = arena_alloc(arena, sizeof(*deployed));
	struct service_spec service = {.engine = engine,
				       .lock = spec->lock,
				       .folder = spec->run_folder,
				       .wanted = spec->service};
	struct err ignored;

	deployed->arena = arena;
	deployed->engine = engine;
	deployed->inspection = spec->inspection;
	deployed->lock_path = arena_strdup(arena, spec->lock);
	pthread_mutex_init(&deployed->mutex, NULL);
	if (engine_image(engine, spec->image_id, arena, &deployed->image, err) < 0) {
		deploy_close(deployed);
		return -1;
	}
	service.image = &deployed->image;
	deployed->service = service_new(&service);
	deployed->gpu_runs = gpu_runs_new(engine, &deployed->image, deployed->lock_path);
	/* Without the file the agent is uploaded, so no failure is one. */
	if (spec->folder)
		(void)session_agent_file(spec->folder, arena, &deployed->agent, &ignored);
	deployed->view =
		(struct target){arena_strdup(arena, spec->name), &deployed->image, &ops, deployed};
	*out = deployed;
	return 0;
}

const struct target *deploy_view(const struct deployed *deployed)
{
	return &deployed->view;
}

void deploy_forget(struct deployed *deployed)
{
	gpu_runs_forget(deployed->gpu_runs);
}

static void *close_shared(void *payload)
{
	session_close(payload);
	return NULL;
}

bool deploy_told_secret(struct deployed *deployed)
{
	return service_told_secret(deployed->service);
}

void deploy_finish(struct deployed *deployed)
{
	if (deployed->shared &&
	    pthread_create(&deployed->closer, NULL, close_shared, deployed->shared) == 0) {
		deployed->closing = true;
		deployed->shared = NULL;
	}
}

void deploy_close(struct deployed *deployed)
{
	if (!deployed)
		return;
	if (deployed->closing)
		(void)pthread_join(deployed->closer, NULL);
	session_close(deployed->shared);
	session_close(deployed->lost);
	service_close(deployed->service);
	gpu_runs_free(deployed->gpu_runs);
	pthread_mutex_destroy(&deployed->mutex);
	arena_free(deployed->arena);
}
