/* Input: answers of an endpoint, one a line. A job ends, or asks for something that has a path. */
#include "fuzzer.h"

#include "prompt/runpod.h"

#include <stdlib.h>
#include <string.h>

static void judge(const struct runpod_job *job, enum runpod_step step)
{
	if ((step == RUNPOD_STATUS || step == RUNPOD_HEALTH) &&
	    (!job->path || strstr(job->path, "..") == job->path + strlen("/status/")))
		abort();
	if (step == RUNPOD_BAD && (!job->label || !job->expected || !job->actual))
		abort();
	if (step == RUNPOD_INFRA && !job->actual)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	enum runpod_step step = RUNPOD_STATUS;
	struct arena *arena = arena_new();
	struct runpod_job job;
	uint64_t now = 0;

	runpod_begin(&job, 2, now, arena);
	while (at < end && (step == RUNPOD_STATUS || step == RUNPOD_HEALTH)) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct json *document = NULL;
		struct err err;

		stop = stop ? stop : end;
		(void)json_parse(at, (size_t)(stop - at), false, &document, &err);
		step = step == RUNPOD_HEALTH ? runpod_take_health(&job, 200, document)
					     : runpod_take(&job, 200, document, now++);
		judge(&job, step);
		json_free(document);
		at = stop + (stop < end);
	}
	arena_free(arena);
	return 0;
}
