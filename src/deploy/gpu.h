/* Runs of assay-gpu for a target: in a container of its image, or on this machine. */
#ifndef DEPLOY_GPU_H
#define DEPLOY_GPU_H

#include "engine/engine.h"
#include "model/target.h"

struct gpu_runs;
/* IMAGE and LOCK (names the owner of containers, engine_sweep) are borrowed. */
struct gpu_runs *gpu_runs_new(struct engine *engine, const struct image_config *image,
			      const char *lock);
void gpu_runs_free(struct gpu_runs *runs); /* NULL is allowed */

/* Whoever asks the same again gets a new answer. */
void gpu_runs_forget(struct gpu_runs *runs);

/* As target_ops.gpu. One at a time, whoever asks; an answer is kept and given again to who asks
 * the same. */
int gpu_runs_ask(struct gpu_runs *runs, const struct gpu_request *request, struct arena *arena,
		 struct command_result *out, const char **missing, struct err *err);

/* The program with ARGS on this machine, without a shell, with the environment of this process. It
 * and what it started are killed at the request's limit and on Ctrl-C (ERR_CANCELLED). */
int gpu_host_run(const struct gpu_request *request, struct arena *arena, struct command_result *out,
		 struct err *err);

#endif
