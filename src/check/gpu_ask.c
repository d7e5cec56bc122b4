#include "check/gpu_private.h"

#include "base/units.h"
#include "model/secret.h"
#include "parse/output.h"

#include <string.h>

#define METRICS_KEPT_MAX 4096 /* of one case */

/* Exit codes of assay-gpu after which its lines are all there. */
enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_INFRA = 4, EXIT_SKIPPED = 5 };

const char check_gpu_device_help[] =
	"device by the Container Device Interface, such as \"nvidia.com/gpu=0\"; without it every "
	"GPU, by NVIDIA's runtime or else by that interface";
const char check_gpu_host_help[] = "run on this machine, not in a container of the image";

int check_gpu_place_validate(const struct gpu_place *place, struct err *err)
{
	const char *slash, *equals;

	if (!place->device)
		return 0;
	if (place->host)
		return err_set(err, ERR_USAGE,
			       "contradicts itself: \"device\" is for a container, \"host\" takes "
			       "none");
	slash = strchr(place->device, '/');
	equals = slash ? strchr(slash, '=') : NULL;
	if (!equals || slash == place->device || equals == slash + 1 || !equals[1])
		return err_set(err, ERR_USAGE, "device \"%s\": expected \"vendor.com/class=name\"",
			       place->device);
	return 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

static int judge_end(const struct trial *trial, const struct command_result *result,
		     uint64_t timeout_ns, struct err *err)
{
	const char *said = check_trial_reason(trial);
	char limit[32];

	units_duration(timeout_ns, limit, sizeof(limit));
	if (result->timed_out)
		return err_set(err, ERR_TIMEOUT, "assay-gpu still runs after %s", limit);
	if (result->not_found)
		return err_set(err, ERR_INFRA,
			       "assay-gpu cannot be started in this image: it has no glibc for it");
	if (result->out_truncated)
		return err_set(err, ERR_LIMIT, "assay-gpu printed more than %zu bytes",
			       GPU_OUTPUT_MAX);
	if (result->exit_code == EXIT_PASS || result->exit_code == EXIT_FAIL ||
	    result->exit_code == EXIT_INFRA || result->exit_code == EXIT_SKIPPED)
		return 0;
	return err_set(err, ERR_INFRA, "assay-gpu ended with exit code %d%s%s", result->exit_code,
		       said ? ": " : "", said ? said : "");
}

/* The exit code is the sum of the lines; a program that was ended halfway has another. */
static int judge_sum(const struct trial *trial, const struct gpu_lines *lines, int code,
		     struct err *err)
{
	const char *said = check_trial_reason(trial);
	bool failed = false, broken = false;

	if (!lines->count)
		return err_set(err, ERR_INFRA, "assay-gpu printed no results%s%s", said ? ": " : "",
			       said ? said : "");
	for (size_t i = 0; i < lines->count; i++) {
		failed |= lines->items[i].outcome == OUTCOME_FAIL;
		broken |= lines->items[i].outcome == OUTCOME_BROKEN;
	}
	if ((code == EXIT_FAIL && failed) || (code == EXIT_INFRA && broken) ||
	    ((code == EXIT_PASS || code == EXIT_SKIPPED) && !failed && !broken))
		return 0;
	return err_set(err, ERR_INFRA, "assay-gpu ended with exit code %d, which its lines belie",
		       code);
}

int check_gpu_ask(struct trial *trial, const struct gpu_place *place, const struct strings *args,
		  struct gpu_lines *lines, struct gpu_open *open, struct err *err)
{
	const struct check_ctx *ctx = trial->ctx;
	const struct target *target = ctx->target;
	const struct gpu_request request = {.args = *args,
					    .device = place->device,
					    .host = place->host,
					    .timeout_ns = ctx->timeout_ns,
					    .output_max = GPU_OUTPUT_MAX};
	struct command_result result;
	const char *missing = NULL;
	size_t kept;

	if (!target->ops->gpu) {
		open->reason = "nothing is run in an image that only lies there";
		return 0;
	}
	if (target->ops->gpu(target->self, &request, ctx->arena, &result, &missing, err) < 0)
		return -1;
	if (missing) {
		open->reason = missing;
		return 0;
	}
	kept = result.out_len < ctx->output_max ? result.out_len : ctx->output_max;
	trial->out->out =
		secret_redact(&trial->secrets, result.out, kept, kept < result.out_len, ctx->arena);
	trial->out->errout = secret_redact(&trial->secrets, result.errout, result.errout_len,
					   result.errout_truncated, ctx->arena);
	if (judge_end(trial, &result, request.timeout_ns, err) < 0 ||
	    check_gpu_read(result.out, result.out_len, ctx->arena, lines, err) < 0)
		return -1;
	return judge_sum(trial, lines, result.exit_code, err);
}

/* --- the card -------------------------------------------------------------------------------- */

bool check_gpu_is_health(const struct gpu_line *line)
{
	return strncmp(line->name, "health/", strlen("health/")) == 0;
}

const char *check_gpu_cell(const struct gpu_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		if (*lines->items[i].cell)
			return lines->items[i].cell;
	return "";
}

void check_gpu_health_judge(const struct gpu_lines *lines, struct arena *arena,
			    struct gpu_open *open)
{
	const struct gpu_line *sick = NULL, *unseen = NULL;
	bool known = false;

	for (size_t i = 0; i < lines->count; i++) {
		const struct gpu_line *line = &lines->items[i];

		if (!check_gpu_is_health(line))
			continue;
		known = true;
		if (line->outcome == OUTCOME_SKIP)
			unseen = unseen ? unseen : line;
		else if (line->outcome != OUTCOME_PASS)
			sick = sick ? sick : line;
	}
	if (sick)
		*open = (struct gpu_open){
			.reason = arena_printf(arena, "GPU sick or throttled: %s: %s", sick->name,
					       *sick->reason ? sick->reason : sick->actual),
			.broken = true,
			.label = sick->label ? sick->label->name : NULL};
	else if (unseen)
		open->reason = unseen->reason;
	else if (!known)
		*open = (struct gpu_open){.reason =
						  "assay-gpu did not look whether the card is well",
					  .broken = true};
}

/* --- metrics --------------------------------------------------------------------------------- */

static struct metric *find_metric(struct case_result *out, const char *name, const char *cell)
{
	for (size_t i = 0; i < out->metric_count; i++)
		if (strcmp(out->metrics[i].name, name) == 0 &&
		    strcmp(out->metrics[i].cell, cell) == 0)
			return &out->metrics[i];
	return NULL;
}

static int add_metric(const struct gpu_line *line, const struct gpu_metric *metric,
		      const char *card, struct arena *arena, struct case_result *out,
		      struct err *err)
{
	const char *name = arena_printf(arena, "%s/%s", line->name, metric->name);
	const char *cell = *line->cell ? line->cell : card;
	struct metric *kept;

	cell = arena_printf(arena, "%s%s%s", cell, *metric->shape ? ", " : "", metric->shape);
	kept = find_metric(out, name, cell);
	if (!kept && out->metric_count == METRICS_KEPT_MAX)
		return err_set(err, ERR_LIMIT, "assay-gpu measured more than %d things",
			       METRICS_KEPT_MAX);
	if (!kept) {
		kept = case_add_metric(out, arena, name, metric->unit, metric->direction);
		kept->cell = cell;
	}
	for (size_t i = 0; i < metric->sample_count; i++)
		metric_add_sample(kept, arena, metric->samples[i]);
	return 0;
}

int check_gpu_measure(const struct gpu_lines *lines, struct arena *arena, struct case_result *out,
		      struct err *err)
{
	const char *card = check_gpu_cell(lines);

	for (size_t i = 0; i < lines->count; i++)
		for (size_t m = 0; m < lines->items[i].metric_count; m++)
			if (add_metric(&lines->items[i], &lines->items[i].metrics[m], card, arena,
				       out, err) < 0)
				return -1;
	return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

int check_gpu_end(struct trial *trial, int rc, const char *where, const char *actual,
		  const struct gpu_open *open, struct err *err)
{
	struct case_result *out = trial->out;
	const char *reason;

	rc = check_trial_end(trial, rc, where, actual, err);
	if (rc < 0 || !open->reason || out->outcome != OUTCOME_PASS)
		return rc;
	reason = check_trial_show(trial, open->reason, strlen(open->reason));
	out->actual = NULL;
	if (!*where)
		out->where = NULL;
	if (open->broken)
		case_broken(out, reason);
	else
		case_skip(out, reason);
	if (open->label) {
		out->label = open->label;
		out->advice = label_find(open->label)->advice;
	}
	return 0;
}
