#include "gpu/own.h"

#include <stdio.h>

extern const unsigned char gpu_mutants_fatbin[];

static int call_gemv(struct case_env *env, const struct product *p, const struct matrix *w,
		     uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	struct device_weights weights = w->weights;
	unsigned n = w->n, k = w->k, blocksize = w->blocksize;

	return device_launch_typed(&env->gpu, stream, "nf4_gemv", p->type,
				   (struct grid){(n + 7) / 8, m, 32, 8},
				   (void *[]){&a, &weights, &out, &n, &k, &blocksize}, err);
}

struct product own_gemv(enum number type)
{
	return (struct product){.name = "nf4_gemv",
				.type = type,
				.roundings = 1,
				.forming = FORMED_ONCE,
				.ordered = true,
				.call = call_gemv};
}

int own_load_mutants(struct gpu_context *gpu, struct err *err)
{
	if (gpu->mutants)
		return 0;
	return cuda_check(gpu, gpu->driver.cuModuleLoadData(&gpu->mutants, gpu_mutants_fatbin),
			  "loading the mutants", err);
}

static int call_mutant(struct case_env *env, const struct product *p, const struct matrix *w,
		       uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	struct device_weights weights = w->weights;
	unsigned n = w->n, k = w->k, blocksize = w->blocksize;
	void *elsewhere = stream;
	char name[32];
	int bug = p->bug;

	(void)snprintf(name, sizeof(name), "mutant_gemv_%s", number_name(p->type));
	if (bug == MUTANT_wrong_stream &&
	    cuda_check(&env->gpu, env->gpu.driver.cuStreamCreate(&elsewhere, 1), "cuStreamCreate",
		       err) < 0)
		return -1;
	return device_launch(&env->gpu, env->gpu.mutants, elsewhere, name,
			     (struct grid){(n + 15) / 16 * 16, m, 128, 1},
			     (void *[]){&a, &weights, &out, &n, &k, &blocksize, &bug}, err);
}

struct product own_mutant(enum number type, int bug)
{
	/* R = 4: caught even at the loosest limit that a library's path is given. */
	return (struct product){.name = "mutant_gemv",
				.type = type,
				.roundings = 4,
				.forming = FORMED_ONCE,
				.ordered = true,
				.bug = bug,
				.call = call_mutant};
}
