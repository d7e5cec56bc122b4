#include "cmd/apply.h"

#include "base/clock.h"
#include "cmd/output.h"
#include "cmd/subject.h"
#include "deploy/still.h"
#include "exec/exec.h"

#define JOBS 4

static struct run *new_run(const struct suite *suite, const struct subject *subject)
{
	struct run *run = run_new();
	char stamp[CLOCK_TEXT];

	run->started_at =
		arena_strdup(run->arena, clock_rfc3339(clock_unix_ms(), stamp, sizeof(stamp)));
	run->id = arena_printf(run->arena, "apply-%s", run->started_at);
	run->suite = arena_strdup(run->arena, suite->name);
	run->suite_file = arena_strdup(run->arena, suite->file);
	run->suite_hash = arena_strdup(run->arena, suite->hash);
	run->build.image_id = arena_strdup(run->arena, subject->facts->image_id);
	run->build.image_tag = arena_strdup(run->arena, subject->facts->image);
	run->baseline.reason = "an image by itself has no ancestors";
	return run;
}

static int judge(const struct suite *suite, const struct subject *subject, struct run *run,
		 struct err *err)
{
	const struct rule_input input = {.facts = subject->facts, .image = subject->image};
	const struct exec_options options = {.jobs = JOBS};
	struct still *still = still_new(&input, suite->service);
	uint64_t start = clock_ns();
	int rc;

	exec_plan(suite, run, "interrupted");
	rc = exec_run(suite, still_view(still), run, &options, err);
	run->duration_ns = clock_ns() - start;
	run_decide(run);
	still_free(still);
	return rc;
}

static int show(const struct apply_request *request, const struct run *run, struct err *err)
{
	const struct report_options screen = {.color = cmd_color(request->common),
					      .quiet = request->common->quiet,
					      .width = output_width(),
					      .show_output = request->verbose};

	return output_run(run, request->common->json ? &report_json : &report_text, "-", &screen,
			  err);
}

int apply_suite(const struct apply_request *request, const struct suite *suite, int *code,
		struct err *err)
{
	const struct subject_request wanted = {.word = request->word, .engine = request->engine};
	struct subject subject = {0};
	struct run *run;
	int rc;

	if (subject_open(&wanted, &subject, err) < 0)
		return -1;
	if (!subject.image) {
		subject_close(&subject);
		return err_set(err, ERR_USAGE, "%s: facts alone are no image", request->word);
	}
	run = new_run(suite, &subject);
	rc = judge(suite, &subject, run, err);
	if (rc == 0)
		rc = show(request, run, err);
	if (rc == 0)
		*code = exit_of_run(run);
	run_free(run);
	subject_close(&subject);
	return rc;
}
