#include "load/schedule.h"

#include "base/random.h"
#include "base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 64

void schedule_init(struct schedule *schedule, const struct schedule_options *options)
{
	*schedule = (struct schedule){.options = *options, .state = options->seed};
}

/* The time by which MADE requests are due when the rate goes from A to B in T seconds: the root of
 * A t + (B - A) t^2 / 2T = MADE, in the form that keeps its digits when A is near B. */
static double ramp_time(const struct schedule_options *options, double made)
{
	double seconds = (double)options->duration_ns / NS_PER_S;
	double a = options->rate, slope = (options->rate_end - a) / seconds;
	double under = a * a + 2 * slope * made;

	return under < 0 ? INFINITY : made == 0 ? 0 : 2 * made / (a + sqrt(under));
}

bool schedule_next(struct schedule *schedule, uint64_t *out)
{
	const struct schedule_options *options = &schedule->options;
	uint64_t made = schedule->made;
	double at;

	if (made >= SCHEDULE_REQUESTS_MAX || (options->requests && made >= options->requests))
		return false;
	switch (options->arrival) {
	case ARRIVAL_TRACE:
		if (made >= options->trace_count)
			return false;
		*out = options->trace[made];
		schedule->made++;
		return true;
	case ARRIVAL_POISSON:
		at = schedule->at_s -= log(random_unit(&schedule->state)) / options->rate;
		break;
	case ARRIVAL_RAMP:
		at = ramp_time(options, (double)made);
		break;
	case ARRIVAL_CONSTANT:
	default:
		at = (double)made / options->rate;
		break;
	}
	if (!(at * NS_PER_S < (double)options->duration_ns))
		return false;
	*out = (uint64_t)(at * NS_PER_S);
	schedule->made++;
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int read_line(const char *line, size_t len, size_t number, uint64_t *out, struct err *err)
{
	char text[NUMBER_BYTES_MAX], *rest = text;
	double seconds = -1;

	if (len < sizeof(text)) {
		memcpy(text, line, len);
		text[len] = '\0';
		seconds = strtod(text, &rest);
	}
	if (rest == text || *rest || !(seconds >= 0) || seconds > 86400)
		return err_set(err, ERR_USAGE,
			       "line %zu of the trace is no number of seconds from 0 to 86400",
			       number);
	*out = (uint64_t)(seconds * NS_PER_S);
	return 0;
}

int trace_read(const char *text, size_t len, struct arena *arena, uint64_t **out, size_t *count,
	       struct err *err)
{
	const char *end = text + len;
	uint64_t *times = NULL, *time;
	size_t made = 0, number = 0;

	if (len > TRACE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the trace is larger than 64 MiB");
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((stop ? stop : end) - text);
		uint64_t at = 0;

		number++;
		while (size && strchr(" \t\r", text[size - 1]))
			size--;
		if (size && *text != '#') {
			if (read_line(text, size, number, &at, err) < 0)
				return -1;
			time = arena_push(arena, &times, &made, sizeof(*times));
			*time = at;
		}
		text = stop ? stop + 1 : end;
	}
	if (!made)
		return err_set(err, ERR_USAGE, "the trace holds no request");
	qsort(times, made, sizeof(*times), compare);
	*out = times;
	*count = made;
	return 0;
}
