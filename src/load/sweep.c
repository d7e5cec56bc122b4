#include "load/sweep.h"

#include <math.h>

#define WIDTH 1.05 /* between the rate that holds and the one that does not, in the end */

static int try_rate(const struct load_options *options, const struct sweep_options *sweep,
		    double rate, struct arena *arena, struct sweep_result *out, bool *holds,
		    struct err *err)
{
	struct load_options step = *options;
	struct load_result result;
	bool client;

	step.closed = false;
	step.schedule.rate = rate;
	step.schedule.duration_ns = sweep->step_ns;
	step.schedule.requests = 0;
	if (out->count)
		step.warmup = 0;
	if (load_run(&step, arena, &result, err) < 0)
		return -1;
	client = histogram_quantile(&result.send_lag, 0.99) > sweep->lag_ns || result.unsent;
	*holds = !client && (double)result.good >= sweep->share * (double)result.requests;
	if (!*holds)
		out->client = client;
	out->steps[out->count++] = (struct sweep_step){
		.rate = rate, .goodput = load_goodput(&result), .holds = *holds};
	load_result_done(&result);
	return 0;
}

int load_sweep(const struct load_options *options, const struct sweep_options *sweep,
	       struct arena *arena, struct sweep_result *out, struct err *err)
{
	struct sweep_result found = {0};
	double low = 0, high = 0, rate = sweep->from;
	bool holds = true;

	while (high <= 0 && !found.open && found.count < SWEEP_STEPS_MAX) {
		if (try_rate(options, sweep, rate, arena, &found, &holds, err) < 0)
			return -1;
		if (!holds)
			high = rate;
		else
			low = rate;
		found.open = holds && rate >= sweep->to;
		rate = fmin(rate * 2, sweep->to);
	}
	while (low > 0 && high > low * WIDTH && found.count < SWEEP_STEPS_MAX) {
		rate = sqrt(low * high);
		if (try_rate(options, sweep, rate, arena, &found, &holds, err) < 0)
			return -1;
		if (holds)
			low = rate;
		else
			high = rate;
	}
	found.knee = low;
	*out = found;
	return 0;
}
