#include "check/facts.h"

#include <string.h>

int check_facts_begin(struct check_ctx *ctx, struct rule_input *out, struct err *err)
{
	const struct target *target = ctx->target;
	const struct rule_input *shared;
	const struct gpu **gpus = arena_alloc(ctx->arena, CHECK_TARGETS_MAX * sizeof(*gpus));
	size_t count = 0;

	for (size_t i = 0; i < ctx->targets.count; i++) {
		if (count == CHECK_TARGETS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d targets", CHECK_TARGETS_MAX);
		gpus[count] = gpu_find(ctx->targets.items[i]);
		if (!gpus[count++])
			return err_set(err, ERR_USAGE,
				       "no GPU '%s' is known: see `assay help --targets`",
				       ctx->targets.items[i]);
	}
	if (!target->ops->inspect)
		return err_set(err, ERR_INFRA, "facts cannot be read from this target");
	if (target->ops->inspect(target->self, &shared, err) < 0)
		return -1;
	*out = *shared;
	out->targets = gpus;
	out->target_count = count;
	return 0;
}

void check_facts_end(struct check_ctx *ctx)
{
	ctx->target->ops->inspect_end(ctx->target->self);
}

static void fail_with(struct trial *trial, const struct finding *finding)
{
	struct arena *arena = trial->ctx->arena;
	const char *subject = finding->subject ? finding->subject : "image";
	const char *gpu = finding->target ? arena_printf(arena, " for %s", finding->target) : "";

	check_trial_fail(trial, arena_strdup(arena, finding->label),
			 arena_strdup(arena, finding->where),
			 arena_printf(arena, "%s%s: %s", subject, gpu,
				      finding->expected ? finding->expected : "otherwise"),
			 arena_strdup(arena, finding->actual ? finding->actual : "this"));
}

int check_facts_rules(struct trial *trial, const struct rule_input *input,
		      const struct rule_filter *filter, enum severity severity, size_t *count_out,
		      struct err *err)
{
	struct findings findings = {0};
	size_t count = 0;

	if (rules_run(input, filter, trial->ctx->arena, &findings, err) < 0)
		return -1;
	for (size_t i = 0; i < findings.count; i++)
		if (findings.items[i].severity >= severity && count++ < CHECK_FINDINGS_MAX)
			fail_with(trial, &findings.items[i]);
	*count_out = count;
	return 0;
}

int check_facts_file(const struct rule_input *input, const char *path, const struct repo_file **out,
		     struct err *err)
{
	for (size_t i = 0; i < input->file_count; i++)
		if (strcmp(input->files[i].path, path) == 0) {
			*out = &input->files[i];
			return 0;
		}
	return err_set(err, ERR_USAGE, "the commit has no file %s", path);
}
