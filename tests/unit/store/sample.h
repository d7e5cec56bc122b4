/* Runs to record, and a scratch folder; for the tests of this room. */
#ifndef STORE_SAMPLE_H
#define STORE_SAMPLE_H

#include "base/file.h"
#include "model/run_json.h"
#include "store/store_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A run that uses every table; ID also decides nothing else. */
static inline struct run *sample_run(const char *id, const char *started_at)
{
	struct run *run = run_new();
	struct case_result *result;
	struct metric *metric;
	struct pair *pair;
	struct step *step;

	run->id = arena_strdup(run->arena, id);
	run->started_at = arena_strdup(run->arena, started_at);
	run->suite = "incident";
	run->suite_hash = "suite-hash";
	run->commit.hash = "c0ffee";
	run->commit.subject = "use the new index";
	run->build.input_hash = "inputs";
	run->build.image_id = "sha256:1";
	pair = arena_push(run->arena, &run->build.bases.items, &run->build.bases.count,
			  sizeof(*pair));
	*pair = (struct pair){"python:3", "sha256:b"};
	pair = arena_push(run->arena, &run->environment.items, &run->environment.count,
			  sizeof(*pair));
	*pair = (struct pair){"engine", "docker"};
	step = arena_push(run->arena, &run->build.steps, &run->build.step_count, sizeof(*step));
	*step = (struct step){.number = 1, .total = 1, .instruction = "FROM python:3", .line = 1};
	case_pass(run_add_case(run, "build", "build"), "sha256:1");
	result = run_add_case(run, "torch", "version");
	case_fail(result, "version/unsatisfied", "==2.6.0", "2.7.1", "pip", "pin it");
	result->flip = FLIP_REGRESSED;
	metric = case_add_metric(result, run->arena, "latency", "ms", DIRECTION_LOWER);
	metric_add_sample(metric, run->arena, 0.1);
	metric_add_sample(metric, run->arena, 2.5);
	case_skip(run_add_case(run, "gpu", "command"), "needs a GPU");
	run->verdict = VERDICT_FAIL;
	run->reason = "torch: expected ==2.6.0, found 2.7.1";
	return run;
}

static inline char *sample_text(const struct run *run)
{
	struct json *json = run_to_json(run);
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	json_print(json, false, &text);
	json_free(json);
	return text.data;
}

static inline char *scratch_new(void)
{
	static char template[64];

	(void)snprintf(template, sizeof(template), "/tmp/assay-store-XXXXXX");
	return mkdtemp(template);
}

#endif
