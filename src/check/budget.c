/* Sizes: of the image, of its packages, and how much it grew since the baseline. */
#include "check/facts.h"

#include "base/units.h"

#include <string.h>

struct spec {
	uint64_t size;
	const char *growth;
	int64_t layers;
	struct pairs packages;
};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "size",
	 .type = FIELD_SIZE,
	 .offset = AT(size),
	 .help = "largest size of the image's files together"},
	{.name = "growth",
	 .type = FIELD_STRING,
	 .offset = AT(growth),
	 .nonempty = true,
	 .help = "largest growth since the baseline's image: \"5%\" or a size"},
	{.name = "layers",
	 .type = FIELD_INT,
	 .offset = AT(layers),
	 .min = 1,
	 .max = 1000,
	 .help = "most layers"},
	{.name = "packages",
	 .type = FIELD_MAP,
	 .offset = AT(packages),
	 .help = "largest size of Python distributions by name"},
	{0},
};
#undef AT

/* Bytes that GROWTH allows on top of BEFORE; false: neither a percentage nor a size. */
static bool allowed(const char *growth, uint64_t before, uint64_t *out)
{
	size_t len = strlen(growth);
	char digits[16];
	int64_t percent;

	if (growth[len - 1] != '%')
		return units_parse_size(growth, out) == 0;
	if (len > sizeof(digits))
		return false;
	memcpy(digits, growth, len - 1);
	digits[len - 1] = '\0';
	if (units_parse_int(digits, 0, 10000, &percent) < 0)
		return false;
	*out = (uint64_t)((double)before * (double)percent / 100);
	return true;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	uint64_t bytes;

	if (!spec->size && !spec->growth && spec->layers == FIELD_ABSENT_INT &&
	    !spec->packages.count)
		return err_set(err, ERR_USAGE, "budget needs size, growth, layers or packages");
	if (spec->growth && !allowed(spec->growth, 0, &bytes))
		return err_set(err, ERR_USAGE, "growth '%s': write \"5%%\" or a size (\"200MB\")",
			       spec->growth);
	for (size_t i = 0; i < spec->packages.count; i++)
		if (units_parse_size(spec->packages.items[i].value, &bytes) < 0)
			return err_set(err, ERR_USAGE, "packages.%s: '%s' is no size (\"200MB\")",
				       spec->packages.items[i].key, spec->packages.items[i].value);
	return 0;
}

static const char *text(struct trial *trial, uint64_t bytes)
{
	char out[32];

	return arena_strdup(trial->ctx->arena, units_size(bytes, out, sizeof(out)));
}

static void judge_image(struct trial *trial, const struct spec *spec, const struct facts *facts)
{
	struct arena *arena = trial->ctx->arena;
	const struct layer_size *largest = NULL;

	for (size_t i = 0; i < facts->layer_count; i++)
		if (!largest || facts->layers[i].size_bytes > largest->size_bytes)
			largest = &facts->layers[i];
	if (spec->size && facts->size_bytes > spec->size)
		check_trial_fail(trial, "budget/image-size",
				 largest ? facts_where(&largest->origin, arena) : "",
				 arena_printf(arena, "at most %s", text(trial, spec->size)),
				 arena_printf(arena, "%s, of which %s in the largest layer",
					      text(trial, facts->size_bytes),
					      text(trial, largest ? largest->size_bytes : 0)));
	if (spec->layers != FIELD_ABSENT_INT && facts->layer_count > (size_t)spec->layers)
		check_trial_fail(trial, "budget/layers", "the image",
				 arena_printf(arena, "at most %lld layer%s",
					      (long long)spec->layers,
					      spec->layers == 1 ? "" : "s"),
				 arena_printf(arena, "%zu", facts->layer_count));
}

static void judge_growth(struct trial *trial, const struct spec *spec,
			 const struct rule_input *input)
{
	struct arena *arena = trial->ctx->arena;
	uint64_t before = input->before->size_bytes, now = input->facts->size_bytes, more = 0;

	if (!allowed(spec->growth, before, &more) || now <= before + more)
		return;
	check_trial_fail(
		trial, "budget/growth", "the image",
		arena_printf(arena, "at most %s more than %s", spec->growth, text(trial, before)),
		arena_printf(arena, "%s, %s more", text(trial, now), text(trial, now - before)));
}

static void judge_packages(struct trial *trial, const struct spec *spec, const struct facts *facts)
{
	struct arena *arena = trial->ctx->arena;

	for (size_t i = 0; i < spec->packages.count; i++) {
		const char *name = py_normalise(spec->packages.items[i].key, arena);
		const struct dist *dist = facts_dist(facts, name);
		uint64_t most = 0;

		if (!dist || units_parse_size(spec->packages.items[i].value, &most) < 0 ||
		    dist->files.size_bytes <= most)
			continue;
		check_trial_fail(trial, "budget/package-size", facts_where(&dist->origin, arena),
				 arena_printf(arena, "%s of at most %s", name, text(trial, most)),
				 text(trial, dist->files.size_bytes));
	}
}

static void judge(struct trial *trial, const struct spec *spec, const struct rule_input *input)
{
	struct metric *metric = case_add_metric(trial->out, trial->ctx->arena, "image-size",
						"bytes", DIRECTION_LOWER);

	metric_add_sample(metric, trial->ctx->arena, (double)input->facts->size_bytes);
	judge_image(trial, spec, input->facts);
	judge_packages(trial, spec, input->facts);
	if (spec->growth && input->before)
		judge_growth(trial, spec, input);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	struct rule_input input;
	const char *found = NULL;
	struct trial trial;
	bool only_growth = spec->growth && !spec->size && !spec->packages.count &&
			   spec->layers == FIELD_ABSENT_INT;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = check_facts_begin(ctx, &input, err);
	if (rc == 0) {
		judge(&trial, spec, &input);
		found = text(&trial, input.facts->size_bytes);
		check_facts_end(ctx);
		if (only_growth && !input.before) {
			(void)check_trial_end(&trial, 0, "the image", found, err);
			case_skip(out,
				  "no baseline whose image could be read: growth is not known");
			return 0;
		}
	}
	return check_trial_end(&trial, rc, "the image", found, err);
}

const struct check_ops check_budget = {
	.kind = "budget",
	.summary = "sizes: of the image, its growth, its layers, its packages",
	.needs = NEED_IMAGE | NEED_COMMIT,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
