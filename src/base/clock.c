#include "base/clock.h"

#include "base/units.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int64_t clock_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *clock_rfc3339(int64_t ms, char *out, size_t size)
{
	time_t when = (time_t)(ms / 1000);
	struct tm tm;
	size_t used;

	gmtime_r(&when, &tm);
	used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + used, size - used, ".%03dZ", (int)(ms % 1000));
	return out;
}
