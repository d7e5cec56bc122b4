/*
 * make_history DB RUNS CASES [SEED [all]]: a made-up history, the same bytes each time. It has
 * failures with a cause, flips, a broken stretch, metrics with a step, two GPUs, and hostile text.
 * With "all", every case measures something.
 */
#include "base/units.h"
#include "store/store_ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define START_S INT64_C(1790000000)
#define SAMPLES 20
#define STEP_AT 30 /* the run from which on decoding is slower */

static uint64_t state;
static bool all_measure;

/* xorshift64*, 0 <= x < 1 */
static double uniform(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (double)((state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static double normal(void)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += uniform();
	return sum - 6;
}

static const char *const subjects[] = {
	"serve: answer health checks while the model loads",
	"build: take torch from the cu128 index",
	"prompt: cut over-long inputs instead of failing",
	"docker: install requirements with constraints",
	"kernels: use the library's 4-bit path for experts",
	"ci: keep the wheel cache between builds",
	"</script><script>document.title='owned'</script>",
	"docs: name the drivers that were tried",
	"serve: \"quoted\" & <b>bold</b> 'single' `tick` \x1b[31mred\x1b[0m",
	"requirements: bump bitsandbytes \xf0\x9f\x9a\x80 \xe2\x80\xae desrever",
	"invalid utf-8: \xff\xfe\xc3(",
	"tests: cover the empty prompt",
};

static const char *const kinds[] = {"command", "arch",	   "env",  "file",
				    "package", "metadata", "text", "version"};
static const char *const names[] = {"starts",	     "torch-imports", "cuda-visible",
				    "weights-there", "no-secrets",    "locale",
				    "port-open",     "entrypoint",    "bnb-imports",
				    "user",	     "layers",	      "ca-certificates"};

static const char *stamp(struct arena *arena, int64_t time_s, bool compact)
{
	/* Civil date from days since 1970, after the usual 400-year eras. */
	int64_t days = time_s / 86400 + 719468, rest = time_s % 86400;
	int64_t era = days / 146097, doe = days % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = yoe + era * 400 + (month <= 2);

	return arena_printf(arena,
			    compact ? "%04d%02d%02dT%02d%02d%02d000Z"
				    : "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
			    (int)year, (int)month, (int)day, (int)(rest / 3600),
			    (int)(rest / 60 % 60), (int)(rest % 60));
}

static const char *hex(struct arena *arena, uint64_t number, int digits)
{
	uint64_t mixed = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
	char text[65];

	for (int i = 0; i < digits; i++) {
		text[i] = "0123456789abcdef"[(mixed >> 60) & 15];
		mixed = mixed * UINT64_C(6364136223846793005) + number + 99;
	}
	return arena_strndup(arena, text, (size_t)digits);
}

static void add_step(struct run *run, unsigned number, const char *instruction, double took_s)
{
	struct step *step =
		arena_push(run->arena, &run->build.steps, &run->build.step_count, sizeof(*step));

	*step = (struct step){.number = number,
			      .total = 6,
			      .instruction = instruction,
			      .line = number + 2,
			      .duration_ns = (uint64_t)(took_s * 1e9),
			      .cached = took_s < 0.01};
}

static void fill_build(struct run *run, size_t index, bool fails)
{
	struct build *build = &run->build;
	struct case_result *result = run_add_case(run, "build", "build");

	build->builder = "classic";
	build->dockerfile = "Dockerfile";
	build->input_hash = hex(run->arena, index / 3, 64);
	build->duration_ns = 90 * NS_PER_S;
	add_step(run, 1, "FROM debian:12-slim", 0);
	add_step(run, 2, "RUN apt-get update && apt-get install -y python3-pip",
		 index % 3 ? 0 : 14);
	add_step(run, 3, "COPY requirements.txt constraints.txt ./", 0.2);
	add_step(
		run, 4,
		"RUN pip install --ignore-installed blinker -c constraints.txt -r requirements.txt",
		52 + 6 * uniform());
	if (fails) {
		build->failed = true;
		build->steps[3].failed = true;
		build->message = "AssertionError: Wrong CUDA: 12.6";
		case_fail(result, "build/step-failed", "the Dockerfile builds", build->message,
			  "step 4, Dockerfile:6", NULL);
		return;
	}
	add_step(run, 5, "COPY serve /srv/serve", 0.4);
	add_step(run, 6, "CMD [\"python3\", \"/srv/serve/main.py\"]", 0.1);
	build->image_id = arena_printf(run->arena, "sha256:%s", hex(run->arena, index / 3, 64));
	case_pass(result, "6 steps");
}

static const char *const cells[] = {"RTX 5090, driver 570.86, mixtral-8x7b nf4, batch 1",
				    "RTX 4090, driver 560.35, mixtral-8x7b nf4, batch 1"};

static void add_metrics(struct run *run, struct case_result *result, size_t index)
{
	double level = index >= STEP_AT ? 0.94 : 1; /* a step that a report must show */

	for (size_t cell = 0; cell < 2; cell++) {
		struct metric *rate =
			case_add_metric(result, run->arena,
					cell ? "decode_tokens_per_s_4090" : "decode_tokens_per_s",
					"tokens/s", DIRECTION_HIGHER);

		rate->cell = cells[cell];
		for (int i = 0; i < SAMPLES; i++)
			metric_add_sample(rate, run->arena,
					  (cell ? 61 : 88) * level * (1 + 0.012 * normal()));
	}
	struct metric *first =
		case_add_metric(result, run->arena, "time_to_first_token_s", "s", DIRECTION_LOWER);
	first->cell = cells[0];
	for (int i = 0; i < SAMPLES; i++)
		metric_add_sample(first, run->arena, 0.21 * (1 + 0.03 * fabs(normal())));
}

static void add_time(struct run *run, struct case_result *result)
{
	struct metric *metric = case_add_metric(result, run->arena, "time", "ms", DIRECTION_LOWER);

	for (int i = 0; i < SAMPLES; i++)
		metric_add_sample(metric, run->arena, 12 * (1 + 0.02 * fabs(normal())));
}

static void fill_case(struct run *run, size_t index, size_t number, bool built)
{
	const char *base = names[number % (sizeof(names) / sizeof(*names))];
	const char *name =
		number < 12 ? base : arena_printf(run->arena, "%s-%zu", base, number / 12);
	struct case_result *result = run_add_case(run, name, kinds[number % 8]);

	result->duration_ns = (uint64_t)(1e7 * (1 + 40 * uniform()));
	if (!built) {
		result->outcome = OUTCOME_NOTRUN;
		result->reason = "the image did not build";
	} else if (number % 12 == 1 && index % 23 > 18) {
		case_fail(result, "arch/missing-sm", "code for sm_120",
			  "sm_50 sm_60 sm_70 sm_80 sm_90",
			  "/usr/lib/python3/dist-packages/torch/lib/libtorch_cuda.so, step 4",
			  NULL);
		result->out = "torch.cuda.get_arch_list()\n['sm_50', 'sm_60', 'sm_70']\n</script>"
			      "<img src=x onerror=alert(1)>\n\x1b[31mno kernel image\x1b[0m\n";
		result->errout =
			"progress 10%\rprogress 100%\r\nTraceback (most recent call last):\n"
			"RuntimeError: CUDA error: no kernel image is available \xff\xfe\n";
	} else if (number == 2) {
		case_skip(result, "needs a GPU; none was given");
		result->optional = true;
	} else if (number == 7 && index % 31 == 4) {
		case_broken(result, "the container went away: OOMKilled");
	} else if (number == 6 && index % 17 == 3) {
		result->outcome = OUTCOME_TIMEOUT;
		result->reason = "no answer within 30 s";
	} else {
		case_pass(result, "as expected");
		result->out = number % 5 == 0 ? "ok\n" : NULL;
	}
	if (number == 0 && built)
		add_metrics(run, result, index);
	else if (all_measure && built)
		add_time(run, result);
}

static struct run *make_run(size_t index, size_t cases)
{
	struct run *run = run_new();
	struct arena *arena = run->arena;
	int64_t time_s = START_S + (int64_t)index * 5400;
	bool built = index % 41 != 13;
	static const char *targets[] = {"rtx5090"};

	run->id = arena_printf(arena, "%s-%s", stamp(arena, time_s + 600, true),
			       hex(arena, index, 8));
	run->started_at = stamp(arena, time_s + 600, false);
	run->duration_ns = (100 + (uint64_t)(40 * uniform())) * NS_PER_S;
	run->suite = "inference";
	run->suite_file = "assay.jsonc";
	run->suite_hash = hex(arena, 7, 64);
	run->targets = (struct strings){targets, 1};
	run->commit = (struct commit){
		.hash = hex(arena, index + 1000, 40),
		.tree = hex(arena, index + 2000, 40),
		.asked = "HEAD",
		.subject = subjects[index % (sizeof(subjects) / sizeof(*subjects))],
		.author = index % 3 ? "Ada Example" : "Grace <grace@example>",
		.time_s = time_s,
		.repo = "/srv/inference",
	};
	fill_build(run, index, !built);
	for (size_t i = 0; i + 1 < cases; i++)
		fill_case(run, index, i, built);
	return run;
}

static int fill(struct store *store, size_t runs, size_t cases, struct err *err)
{
	struct run *baseline = NULL;

	for (size_t i = 0; i < runs; i++) {
		struct run *run = make_run(i, cases);

		if (baseline) {
			run->baseline = (struct baseline){.run_id = baseline->id,
							  .commit = baseline->commit.hash,
							  .distance = 1};
			run_compare(run, baseline);
		} else {
			run->baseline.reason = "no earlier run";
		}
		run_decide(run);
		if (store->ops->append(store, run, err) < 0) {
			run_free(run);
			run_free(baseline);
			return -1;
		}
		if (i % 41 != 13) {
			run_free(baseline);
			baseline = run;
		} else {
			run_free(run);
		}
	}
	run_free(baseline);
	return 0;
}

static int add_life(struct store *store, size_t runs, struct err *err)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *at = stamp(arena, START_S + (int64_t)runs * 5400, false);
	double before[24], after[24];
	const struct alarm_row alarm = {.suite = "inference",
					.case_name = "starts",
					.metric = "decode_tokens_per_s",
					.cell = cells[0],
					.commit = hex(arena, STEP_AT + 1000, 40),
					.state = ALARM_CONFIRMED,
					.change = -0.06,
					.low = -0.063,
					.high = -0.057,
					.at = at,
					.note = "slower since the kernels' change </script>"};
	const struct trial_row trial = {.id = hex(arena, 1, 16),
					.started_at = at,
					.suite = "inference",
					.case_name = "starts",
					.metric = "decode_tokens_per_s",
					.unit = "tokens/s",
					.direction = DIRECTION_HIGHER,
					.cell = cells[0],
					.before_commit = hex(arena, STEP_AT + 999, 40),
					.after_commit = hex(arena, STEP_AT + 1000, 40),
					.before_image = "sha256:before",
					.after_image = "sha256:after",
					.verdict = VERDICT_FAIL,
					.orders =
						"abbaabbaabbaabbaabbaabbaabbaabbaabbaabbaabbaabba",
					.before = before,
					.after = after,
					.count = 24};

	for (size_t i = 0; i < 24; i++) {
		before[i] = 88 * (1 + 0.01 * normal());
		after[i] = 82.7 * (1 + 0.01 * normal());
	}
	if (runs <= STEP_AT)
		return 0;
	if (store->ops->put_alarm(store, &alarm, err) < 0)
		return -1;
	return store->ops->put_trial(store, &trial, err);
}

int main(int argc, char **argv)
{
	struct store *store = NULL;
	struct err err = {0};
	int64_t runs = 0, cases = 0, seed = 1;

	if (argc < 4 || units_parse_int(argv[2], 0, 100000, &runs) < 0 ||
	    units_parse_int(argv[3], 1, 100000, &cases) < 0 ||
	    (argc > 4 && units_parse_int(argv[4], 1, INT32_MAX, &seed) < 0)) {
		fputs("usage: make_history DB RUNS CASES [SEED [all]]\n", stderr);
		return 2;
	}
	all_measure = argc > 5 && strcmp(argv[5], "all") == 0;
	state = UINT64_C(88172645463325252) ^ (uint64_t)seed;
	if (store_open(argv[1], &store, &err) < 0 ||
	    fill(store, (size_t)runs, (size_t)cases, &err) < 0 ||
	    add_life(store, (size_t)runs, &err) < 0) {
		fprintf(stderr, "make_history: %s\n", err.msg);
		store_close(store);
		return 4;
	}
	store_close(store);
	return 0;
}
