/*
 * Is the harness itself to be trusted: kernels with one planted bug each must be caught, by the
 * gate that is meant to, and right kernels must never be.
 */
#include "gpu/cases.h"

#include "gpu/moe.h"
#include "gpu/own.h"

#include <stdio.h>

#define TIMEOUT_S 60
#define HANG_S 8
#define N 4100 /* no multiple of a tile */
#define K 4096
#define ROWS 3

static const struct {
	const char *name;
	const char *what;
	enum gate gate; /* first to catch it; GATE_NONE: a fault or the deadline does */
} mutants[] = {
#define MUTANT(name, number, what, gate) [number] = {#name, what, gate},
#include "gpu/mutants.def"
#undef MUTANT
};

#define MUTANT_COUNT (sizeof(mutants) / sizeof(*mutants))

static void caught(struct case_outcome *out, int bug, bool passed, const struct finding *finding)
{
	char text[CASE_TEXT_MAX / 2];

	(void)gate_text(finding, text, sizeof(text));
	if (passed)
		case_fail(out, "self-test/missed", gate_name(mutants[bug].gate),
			  "%s passed every gate: %s", mutants[bug].what, text);
	else if (finding->gate != mutants[bug].gate)
		case_fail(out, "self-test/other-gate", gate_name(mutants[bug].gate), "%s: %s",
			  mutants[bug].what, text);
	else
		case_pass(out, "%s: caught by %s", mutants[bug].what, text);
}

static int run_product(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct product product = own_mutant(p->type, p->bug);
	struct matrix w, lattice;
	struct finding finding;
	int rc;

	if (own_load_mutants(&env->gpu, err) < 0 ||
	    matrix_make(&env->gpu, N, K, CONTENT_NORMAL, p->nested, cases_seed(), &w, err) < 0 ||
	    matrix_make(&env->gpu, N, K, CONTENT_LATTICE, false, cases_seed() + 1, &lattice, err) <
		    0)
		return -1;
	rc = product_judge(env, &product, &w, &lattice, ROWS, cases_seed(), 1, &finding, err);
	if (rc > 0)
		rc = product_judge_order(env, &product, &w, cases_seed(), &finding, err);
	if (rc < 0)
		return -1;
	caught(env->out, p->bug, rc > 0, &finding);
	return 0;
}

/* Does a fault come back as one that names the kernel: the parent or case_failed judges it. */
static int run_fault(struct case_env *env, const struct case_params *p, struct err *err)
{
	if (run_product(env, p, err) == 0)
		return 0;
	if (env->out->calling[0] == '\0')
		return -1;
	case_pass(env->out, "%s: caught as a fault: %s", mutants[p->bug].what, err->msg);
	return 0;
}

static int run_moe(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct moe_layer layer;
	struct finding finding;
	int rc;

	if (own_load_mutants(&env->gpu, err) < 0 ||
	    moe_make(&env->gpu, 8, 512, 1024, p->nested, cases_seed(), &layer, err) < 0)
		return -1;
	rc = moe_judge(env,
		       &(struct moe_kernels){.module = env->gpu.mutants,
					     .up = "mutant_moe_up_bf16",
					     .down = "mutant_moe_down_bf16",
					     .row_per_block = true,
					     .bug = p->bug},
		       NUMBER_BF16, &layer, ROWS, MOE_RANDOM, cases_seed(), &finding, err);
	if (rc < 0)
		return -1;
	caught(env->out, p->bug, rc > 0, &finding);
	return 0;
}

static int run_dequantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	size_t count = (size_t)256 * K;
	struct finding finding = {.gate = GATE_NONE};
	static uint16_t got[256 * K];
	static double want[256 * K];
	struct matrix w;
	uint64_t out;
	int bug = p->bug;

	if (own_load_mutants(&env->gpu, err) < 0 ||
	    matrix_make(&env->gpu, 256, K, CONTENT_NORMAL, false, cases_seed(), &w, err) < 0 ||
	    device_alloc(&env->gpu, count * 2, &out, err) < 0 ||
	    device_launch(&env->gpu, env->gpu.mutants, env->gpu.stream, "mutant_dequantise_bf16",
			  (struct grid){256, 1, 256, 1},
			  (void *[]){&w.weights, &out, &count, &w.blocksize, &bug}, err) < 0 ||
	    device_download(&env->gpu, got, out, count * 2, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		want[i] = (double)nf4_value_at(w.host_packed, w.host_absmax, w.blocksize, i);
	caught(env->out, bug, gate_exact(GATE_CODES, NUMBER_BF16, got, want, count, &finding),
	       &finding);
	return 0;
}

/* Right kernels, fresh data each time: no gate may ever speak. */
static int run_alarms(struct case_env *env, const struct case_params *p, struct err *err)
{
	unsigned runs = 0, alarms = 0;
	char text[CASE_TEXT_MAX / 2] = "";

	if (own_load_mutants(&env->gpu, err) < 0)
		return -1;
	for (; runs < p->count && alarms == 0; runs++) {
		enum number type = (enum number)(runs % NUMBER_COUNT);
		bool nested = runs / 3 % 2;
		unsigned n = 256 + 8 * (runs % 97), k = 64 * (1 + runs % 80), m = 1 + runs % 5;
		uint64_t seed = cases_seed() + (uint64_t)runs * 1000003;
		struct product product = runs % 2 && type != NUMBER_FP32
						 ? own_mutant(type, MUTANT_none)
						 : own_gemv(type);
		struct matrix w, lattice;
		struct finding finding;
		int rc;

		if (matrix_make(&env->gpu, n, k, CONTENT_NORMAL, nested, seed, &w, err) < 0 ||
		    matrix_make(&env->gpu, n, k, CONTENT_LATTICE, false, seed + 1, &lattice, err) <
			    0)
			return -1;
		rc = product_judge(env, &product, &w, &lattice, m, seed, 1, &finding, err);
		if (rc < 0)
			return -1;
		if (rc == 0) {
			alarms++;
			(void)gate_text(&finding, text, sizeof(text));
		}
		matrix_done(&env->gpu, &w);
		matrix_done(&env->gpu, &lattice);
	}
	if (alarms)
		case_fail(env->out, "self-test/false-alarm", "no alarm", "run %u: %s", runs, text);
	else
		case_pass(env->out, "%u runs of right kernels, no alarm", runs);
	return 0;
}

static struct gpu_case *add(struct case_list *list, int bug,
			    int (*run)(struct case_env *, const struct case_params *, struct err *))
{
	struct gpu_case *item = case_add(list, TIMEOUT_S, run, "self-test/%s", mutants[bug].name);

	for (char *at = item->name; *at; at++)
		if (*at == '_')
			*at = '-';
	item->params.bug = bug;
	return item;
}

void cases_selftest(struct case_list *list, unsigned runs)
{
	struct gpu_case *item;

	for (int bug = 1; bug < (int)MUTANT_COUNT; bug++) {
		if (bug == MUTANT_hang) {
			item = add(list, bug, run_product);
			item->timeout_ns = (uint64_t)HANG_S * 1000000000u;
			item->lost_as = "kernel/timeout";
		} else if (mutants[bug].gate == GATE_NONE) {
			add(list, bug, run_fault);
		} else if (bug == MUTANT_truncates) {
			add(list, bug, run_dequantise);
		} else if (bug >= MUTANT_wrong_expert && bug <= MUTANT_same_slot) {
			add(list, bug, run_moe);
		} else {
			item = add(list, bug, run_product);
			item->params.nested = bug == MUTANT_stale_offset;
			item->params.type = bug == MUTANT_fp16_overflow ? NUMBER_FP16 : NUMBER_BF16;
		}
	}
	case_add(list, 300, run_alarms, "self-test/no-false-alarm")->params.count = runs;
}
