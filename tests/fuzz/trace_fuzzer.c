/* Input: a trace of requests. What is read is sorted, and a schedule replays all of it. */
#include "fuzzer.h"

#include "base/arena.h"
#include "load/schedule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schedule_options options = {.arrival = ARRIVAL_TRACE};
	struct arena *arena = arena_new();
	struct schedule schedule;
	uint64_t *times = NULL, at = 0, last = 0;
	size_t count = 0;
	struct err err;

	if (trace_read((const char *)data, size, arena, &times, &options.trace_count, &err) == 0) {
		options.trace = times;
		schedule_init(&schedule, &options);
		while (schedule_next(&schedule, &at)) {
			if (at < last || at > UINT64_C(86400) * 1000000000)
				abort();
			last = at;
			count++;
		}
		if (count != options.trace_count)
			abort();
	}
	arena_free(arena);
	return 0;
}
