/* Is the GPU fit to be measured: clocks, temperature, memory errors, memory, an exact product. */
#include "check/gpu_private.h"

struct spec {
	struct gpu_place place;
};

static const struct field fields[] = {
	GPU_PLACE_FIELDS(offsetof(struct spec, place)),
	{.name = NULL},
};

static int validate(const void *data, struct err *err)
{
	return check_gpu_place_validate(&((const struct spec *)data)->place, err);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	static const char *words[] = {"--health", "--json"};
	const struct strings args = {words, sizeof(words) / sizeof(words[0])};
	const struct spec *spec = data;
	struct gpu_lines lines = {0};
	struct gpu_open open = {0};
	struct trial trial;
	const char *cell;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = check_gpu_ask(&trial, &spec->place, &args, &lines, &open, err);
	if (rc == 0 && !open.reason) {
		check_gpu_health_judge(&lines, ctx->arena, &open);
		rc = check_gpu_measure(&lines, ctx->arena, out, err);
	}
	cell = check_gpu_cell(&lines);
	return check_gpu_end(&trial, rc, cell, "the card is well", &open, err);
}

const struct check_ops check_gpu_health = {
	.kind = "gpu-health",
	.summary = "is the GPU well enough to be measured; never a failure of the image",
	.needs = NEED_GPU,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
