/*
 * Does the library run here at all, natively, and how long does its first call take. Each question
 * has a process of its own, since the answer may be exit(1), and a first call happens once.
 */
#include "gpu/cases.h"

#include "base/clock.h"
#include "binary/binary.h"
#include "gpu/mapping.h"
#include "gpu/paths.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 90
#define FIRST_CALL_BUDGET_MS 1000.0 /* native 7-12 ms, compiling PTX 6-10 s (H100) */
#define SMALL_N 1024
#define SMALL_K 4096

static int run_symbols(struct case_env *env, const struct case_params *p, struct err *err)
{
	(void)p;
	(void)err;
	if (env->library.missing[0])
		case_fail(env->out, "kernel/symbols-missing",
			  "every function that the release's Python calls",
			  "bitsandbytes 0.%u without %s", env->library.release,
			  env->library.missing);
	else
		case_pass(env->out, "every function of bitsandbytes 0.%u", env->library.release);
	return 0;
}

static int run_runtime(struct case_env *env, const struct case_params *p, struct err *err)
{
	int version = 0;

	(void)p;
	(void)err;
	if (env->library.static_runtime) {
		case_fail(env->out, "kernel/static-runtime",
			  "one CUDA runtime, shared with the process",
			  "the library carries a runtime of its own: errors of its launches are "
			  "seen by nobody");
		return 0;
	}
	(void)env->gpu.runtime.cudaRuntimeGetVersion(&version);
	case_pass(env->out, "CUDA runtime %d.%d, driver %d.%d", version / 1000, version % 1000 / 10,
		  env->gpu.info.driver_cuda / 1000, env->gpu.info.driver_cuda % 1000 / 10);
	return 0;
}

/* Read, not run: what the file holds for this card. */
static int run_archs(struct case_env *env, const struct case_params *p, struct err *err)
{
	const unsigned cc = env->gpu.info.card.major * 10 + env->gpu.info.card.minor;
	struct arena *arena = arena_new();
	const char *path = env->library.path, *text;
	struct binary binary;
	const void *data;
	size_t len;

	(void)p;
	if (mapping_open(path, &data, &len, err) < 0 ||
	    binary_read(path, data, len, arena, &binary, err) < 0)
		return -1;
	text = fatbin_text(&binary.device, arena);
	switch (fatbin_best(&binary.device, cc)) {
	case FATBIN_NATIVE:
		case_pass(env->out, "sm_%u among %s", cc, text);
		break;
	case FATBIN_JIT:
		case_fail(env->out, "kernel/jit-only", "code for this card in the library",
			  "for sm_%u only PTX: %s", cc, text);
		break;
	default:
		case_fail(env->out, "kernel/no-image", "code for this card in the library",
			  "nothing for sm_%u: %s", cc, text);
		break;
	}
	arena_free(arena);
	return 0;
}

/* One small product by the path that the release takes for M rows; the kernel's own time apart. */
static int small_product(struct case_env *env, unsigned m, struct finding *finding, struct err *err)
{
	enum path path = dispatch_path(env->library.release, &env->gpu.info.card, NUMBER_BF16, m,
				       SMALL_N, SMALL_K, NF4_BLOCK);
	struct product product = path_product(path, NUMBER_BF16, false);
	const char *missing = path_missing(&env->library, path, NUMBER_BF16);
	struct matrix w;

	if (missing)
		return err_set(err, ERR_NOTFOUND, "the library has no %s", missing);
	if (matrix_make(&env->gpu, SMALL_N, SMALL_K, CONTENT_NORMAL, false, cases_seed(), &w, err) <
	    0)
		return -1;
	return product_judge(env, &product, &w, NULL, m, cases_seed(), 1, finding, err);
}

static int run_small(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct finding finding;
	char text[CASE_TEXT_MAX / 2];
	int rc = small_product(env, 1, &finding, err);

	(void)p;
	if (rc < 0)
		return -1;
	(void)gate_text(&finding, text, sizeof(text));
	if (rc > 0)
		case_pass(env->out, "one row: %s", text);
	else if (finding.gate == GATE_UNTOUCHED && env->library.static_runtime)
		case_fail(env->out, "kernel/static-runtime", "the output is written",
			  "the call returned, no error was seen and nothing was written: the "
			  "library's own runtime keeps the error");
	else
		case_fail(env->out, gate_label(finding.gate), gate_name(finding.gate),
			  "one row: %s", text);
	return 0;
}

/* With compiling forbidden, what still runs is code for this very card. */
static int run_native(struct case_env *env, const struct case_params *p, struct err *err)
{
	if (run_small(env, p, err) < 0) {
		if (strcmp(case_error_label(err->sys), "kernel/jit-disabled") != 0 ||
		    env->out->calling[0] == '\0')
			return -1;
		case_fail(env->out, "kernel/jit-only", "code for this card in the library",
			  "%s: only PTX, compiled at the first call", env->out->calling);
		return 0;
	}
	return 0;
}

/* A call that wrote nothing took no time worth telling. */
static bool written(struct case_env *env, const struct output *output, struct err *err)
{
	static uint8_t read[SMALL_N * 2 + 2 * GATE_GUARD_BYTES];
	struct finding finding = {.gate = GATE_NONE};

	if (output_read(&env->gpu, output, read, err) < 0)
		return false;
	if (gate_written(NUMBER_BF16, read + GATE_GUARD_BYTES, SMALL_N, NULL, NULL, &finding))
		return true;
	case_fail(env->out,
		  env->library.static_runtime ? "kernel/static-runtime" : gate_label(finding.gate),
		  gate_name(finding.gate), "the call returned and %zu outputs are not written",
		  finding.bad);
	return false;
}

static int run_first_call(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct product product;
	enum path path = dispatch_path(env->library.release, &env->gpu.info.card, NUMBER_BF16, 1,
				       SMALL_N, SMALL_K, NF4_BLOCK);
	const char *missing = path_missing(&env->library, path, NUMBER_BF16);
	struct matrix w;
	struct output output;
	uint64_t a, start;
	double ms = 0;

	(void)p;
	if (missing)
		return err_set(err, ERR_NOTFOUND, "the library has no %s", missing);
	product = path_product(path, NUMBER_BF16, false);
	if (matrix_make(&env->gpu, SMALL_N, SMALL_K, CONTENT_NORMAL, false, cases_seed(), &w, err) <
		    0 ||
	    output_make(&env->gpu, SMALL_N * 2, &output, err) < 0 ||
	    device_alloc(&env->gpu, SMALL_K * 2, &a, err) < 0 ||
	    device_fill_normal(&env->gpu, a, NUMBER_BF16, SMALL_K, cases_seed(), 1, err) < 0 ||
	    output_reset(&env->gpu, &output, err) < 0 || device_sync(&env->gpu, err) < 0)
		return -1;
	case_stage(env->out, "first call");
	start = clock_ns();
	product_calling(env, product.name);
	if (product.call(env, &product, &w, a, output.address, 1, env->gpu.stream, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	if (!written(env, &output, err))
		return env->out->verdict == CASE_FAIL ? 0 : -1;
	ms = (double)(clock_ns() - start) / 1e6;
	case_sample(case_metric(env->out, "first-call", "ms", false, product.name), ms);
	if (ms > FIRST_CALL_BUDGET_MS)
		case_fail(env->out, "kernel/slow-first-call", "at most 1000 ms",
			  "%s: %.0f ms, as when PTX is compiled", product.name, ms);
	else
		case_pass(env->out, "%s: %.1f ms", product.name, ms);
	return 0;
}

void cases_load(struct case_list *list)
{
	struct gpu_case *item;

	case_add(list, TIMEOUT_S, run_symbols, "load/symbols")->needs_library = true;
	case_add(list, TIMEOUT_S, run_archs, "load/archs")->needs_library = true;
	case_add(list, TIMEOUT_S, run_runtime, "load/runtime")->needs_library = true;
	case_add(list, TIMEOUT_S, run_small, "load/runs")->needs_library = true;
	item = case_add(list, TIMEOUT_S, run_native, "load/native");
	item->needs_library = item->jit_off = item->cache_off = true;
	item = case_add(list, TIMEOUT_S, run_first_call, "load/first-call");
	item->needs_library = item->cache_off = item->alone = true;
}
