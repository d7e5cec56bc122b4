#include "gpu/figure.h"

#include "gpu/timing.h"

/* Reasons that make a figure worthless; a power cap only marks it. */
#define SICK (NVML_SLOWDOWN | NVML_THERMAL_SOFT | NVML_THERMAL_HARD | NVML_POWER_BRAKE)

void figure_watch_start(struct figure_watch *watch)
{
	if (nvml_open(&watch->nvml, NULL) < 0)
		watch->nvml = NULL;
}

void figure_watch_end(struct figure_watch *watch, struct case_outcome *out)
{
	char text[128];

	if (!watch->nvml)
		return;
	nvml_read(watch->nvml, &watch->state);
	case_sample(case_metric(out, "sm-clock", "MHz", true, ""), (double)watch->state.sm_mhz);
	case_sample(case_metric(out, "throttle-reasons", "bits", false, ""),
		    (double)watch->state.throttle);
	if (watch->state.throttle > 0 && (watch->state.throttle & SICK))
		case_undecided(
			out, CASE_INFRA, "throttled while timing: %s",
			nvml_throttle_text(watch->state.throttle & SICK, text, sizeof(text)));
	nvml_close(watch->nvml);
}

void figure_report(struct case_env *env, const double *seconds, double units, double ceiling,
		   const char *ceiling_name, const char *cell)
{
	struct case_metric *time = case_metric(env->out, "time", "us", false, cell);
	struct case_metric *share = case_metric(env->out, "share-of-ceiling", "1", true, cell);
	double median = timing_median(seconds, TIMING_REPLAYS);

	for (size_t i = 0; i < TIMING_REPLAYS; i++) {
		case_sample(time, seconds[i] * 1e6);
		case_sample(share, units / seconds[i] / ceiling);
	}
	case_sample(case_metric(env->out, ceiling_name, "1/s", true, ""), ceiling);
	case_pass(env->out, "%.2f us, %.1f %% of the %s", median * 1e6,
		  100 * units / median / ceiling, ceiling_name);
}
