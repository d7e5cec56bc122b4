/*
 * Is the card well. Whatever is wrong here is infrastructure: a sick or throttled card is never
 * reported as slow or wrong kernels.
 */
#include "gpu/cases.h"

#include "gpu/device.h"
#include "gpu/nvml.h"
#include "gpu/timing.h"

#include <stdarg.h>
#include <stdio.h>

#define TIMEOUT_S 60
#define CELSIUS_MAX 90
#define PATTERN_SHARE 4 /* of the free memory, a quarter is tested */
#define PATTERN_BYTES_MAX ((size_t)8 << 30)
#define MATMUL_SIDE 4096u
#define MATMUL_STEP 4099u /* every 4099th element is summed again */

static void add_metric(struct case_outcome *out, const char *name, const char *unit, bool higher,
		       int64_t value)
{
	if (value != NVML_UNKNOWN)
		case_sample(case_metric(out, name, unit, higher, ""), (double)value);
}

static void sick(struct case_outcome *out, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void sick(struct case_outcome *out, const char *label, const char *fmt, ...)
{
	va_list ap;

	out->verdict = CASE_INFRA;
	(void)snprintf(out->label, sizeof(out->label), "%s", label);
	va_start(ap, fmt);
	(void)vsnprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
}

static void judge_state(struct case_outcome *out, const struct nvml_state *s, uint64_t xid)
{
	char throttle[128];

	(void)nvml_throttle_text(s->throttle & ~(int64_t)NVML_POWER_CAP, throttle,
				 sizeof(throttle));
	if (xid)
		sick(out, "gpu-health/xid", "the driver reports Xid %llu", (unsigned long long)xid);
	else if (s->ecc_uncorrected > 0)
		sick(out, "gpu-health/ecc",
		     "%lld uncorrected memory errors since the driver "
		     "was loaded",
		     (long long)s->ecc_uncorrected);
	else if (throttle[0])
		sick(out, "gpu-health/throttled", "clocks are held down: %s", throttle);
	else if (s->celsius >= CELSIUS_MAX)
		sick(out, "gpu-health/hot", "%lld degrees Celsius", (long long)s->celsius);
	else if (s->pcie_width > 0 && s->pcie_width < s->pcie_width_max)
		sick(out, "gpu-health/pcie", "PCIe x%lld of x%lld", (long long)s->pcie_width,
		     (long long)s->pcie_width_max);
	else
		case_pass(out,
			  "SM %lld MHz, memory %lld MHz, %lld C, %lld W of %lld W, PCIe gen %lld "
			  "x%lld",
			  (long long)s->sm_mhz, (long long)s->memory_mhz, (long long)s->celsius,
			  (long long)s->watt, (long long)s->watt_limit, (long long)s->pcie_gen,
			  (long long)s->pcie_width);
}

static int run_nvml(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct case_outcome *out = env->out;
	struct nvml_state state;
	struct nvml *nvml;

	(void)p;
	if (nvml_open(&nvml, err) < 0)
		return -1;
	nvml_read(nvml, &state);
	add_metric(out, "sm-clock", "MHz", true, state.sm_mhz);
	add_metric(out, "memory-clock", "MHz", true, state.memory_mhz);
	add_metric(out, "temperature", "C", false, state.celsius);
	add_metric(out, "power", "W", false, state.watt);
	add_metric(out, "throttle-reasons", "bits", false, state.throttle);
	add_metric(out, "ecc-corrected", "1", false, state.ecc_corrected);
	add_metric(out, "ecc-uncorrected", "1", false, state.ecc_uncorrected);
	add_metric(out, "pcie-generation", "1", true, state.pcie_gen);
	judge_state(out, &state, nvml_xid(nvml));
	nvml_close(nvml);
	return 0;
}

static int run_bandwidth(struct case_env *env, const struct case_params *p, struct err *err)
{
	double rate;

	(void)p;
	if (timing_read_ceiling(env, &rate, err) < 0)
		return -1;
	case_sample(case_metric(env->out, "read-bandwidth", "GB/s", true, ""), rate / 1e9);
	case_pass(env->out, "reads %.0f GB/s", rate / 1e9);
	return 0;
}

static int one_pattern(struct gpu_context *gpu, uint64_t memory, size_t words, uint64_t seed,
		       uint32_t invert, uint64_t found, struct err *err)
{
	struct grid wide = {2048, 1, 256, 1};

	if (device_launch(gpu, gpu->kernels, gpu->stream, "pattern_write", wide,
			  (void *[]){&memory, &words, &seed, &invert}, err) < 0)
		return -1;
	return device_launch(gpu, gpu->kernels, gpu->stream, "pattern_check", wide,
			     (void *[]){&memory, &words, &seed, &invert, &found}, err);
}

static int run_memory(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct gpu_context *gpu = &env->gpu;
	unsigned long long counts[2] = {0, ~0ull};
	size_t free_bytes = 0, total, bytes, words;
	uint64_t memory, found;

	(void)p;
	if (cuda_check(gpu, gpu->driver.cuMemGetInfo_v2(&free_bytes, &total), "free memory", err) <
	    0)
		return -1;
	bytes = free_bytes / PATTERN_SHARE;
	bytes = bytes > PATTERN_BYTES_MAX ? PATTERN_BYTES_MAX : bytes;
	words = bytes / 4;
	if (device_alloc(gpu, bytes, &memory, err) < 0 ||
	    device_upload(gpu, counts, sizeof(counts), &found, err) < 0 ||
	    one_pattern(gpu, memory, words, cases_seed(), 0, found, err) < 0 ||
	    one_pattern(gpu, memory, words, cases_seed(), ~0u, found, err) < 0 ||
	    device_download(gpu, counts, found, sizeof(counts), err) < 0)
		return -1;
	if (counts[0])
		sick(env->out, "gpu-health/memory", "%llu words of %zu MiB read back wrong",
		     counts[0], bytes >> 20);
	else
		case_pass(env->out, "%zu MiB hold a pattern and its inverse", bytes >> 20);
	return 0;
}

/* Lattice data in -1, 0, 1: every sum is a whole number below 2^24, so tensor cores are exact. */
static int run_matmul(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct gpu_context *gpu = &env->gpu;
	unsigned side = MATMUL_SIDE, step = MATMUL_STEP;
	size_t count = (size_t)side * side;
	unsigned long long wrong = 0;
	uint64_t a, b, c, found, seed = cases_seed(), other = seed + 1;
	struct grid wide = {1024, 1, 256, 1};

	(void)p;
	if (device_alloc(gpu, count * 2, &a, err) < 0 ||
	    device_alloc(gpu, count * 2, &b, err) < 0 ||
	    device_alloc(gpu, count * 4, &c, err) < 0 ||
	    device_upload(gpu, &wrong, sizeof(wrong), &found, err) < 0 ||
	    device_launch(gpu, gpu->kernels, gpu->stream, "fill_signs_bf16", wide,
			  (void *[]){&a, &count, &seed}, err) < 0 ||
	    device_launch(gpu, gpu->kernels, gpu->stream, "fill_signs_bf16", wide,
			  (void *[]){&b, &count, &other}, err) < 0 ||
	    device_launch(gpu, gpu->kernels, gpu->stream, "matmul",
			  (struct grid){side / 16, side / 16, 32, 1}, (void *[]){&a, &b, &c, &side},
			  err) < 0 ||
	    device_launch(gpu, gpu->kernels, gpu->stream, "matmul_check",
			  (struct grid){64, 1, 64, 1}, (void *[]){&a, &b, &c, &side, &step, &found},
			  err) < 0 ||
	    device_download(gpu, &wrong, found, sizeof(wrong), err) < 0)
		return -1;
	if (wrong)
		sick(env->out, "gpu-health/matmul",
		     "%llu of %zu elements of an exact product are wrong", wrong,
		     (count + step - 1) / step);
	else
		case_pass(env->out, "an exact product of %u x %u is right", side, side);
	return 0;
}

void cases_health(struct case_list *list)
{
	case_add(list, TIMEOUT_S, run_nvml, "health/nvml")->no_gpu = true;
	case_add(list, TIMEOUT_S, run_memory, "health/memory")->alone = true;
	case_add(list, TIMEOUT_S, run_matmul, "health/matmul")->alone = true;
	case_add(list, TIMEOUT_S, run_bandwidth, "health/bandwidth")->alone = true;
}
