/* GPU code in the image for a target: what the wheels hold, not what they are called. */
#include "check/facts.h"

#include <fnmatch.h>
#include <string.h>

struct spec {
	struct strings dists;
	struct strings paths;
	int jit;
};

enum { JIT_DENY, JIT_ALLOW };
static const char *const jits[] = {"deny", "allow", NULL};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "dists",
	 .type = FIELD_STRINGS,
	 .offset = AT(dists),
	 .help = "Python distributions that must bring code for the target; when neither this nor "
		 "paths is given, whatever the deployment loads is judged"},
	{.name = "paths",
	 .type = FIELD_STRINGS,
	 .offset = AT(paths),
	 .help = "libraries that must hold code for the target, as patterns with * and ?"},
	{.name = "jit",
	 .type = FIELD_ENUM,
	 .offset = AT(jit),
	 .def = "deny",
	 .choices = jits,
	 .help = "is PTX, compiled by the driver at first use, enough?"},
	{0},
};
#undef AT

static void judge(struct trial *trial, const struct library *library, const struct gpu *gpu,
		  int jit)
{
	struct arena *arena = trial->ctx->arena;
	enum fatbin_fit fit = fatbin_best(&library->binary->device, gpu->cc);
	const char *where = library->path, *step = facts_where(&library->origin, arena);

	if (fit == FATBIN_NATIVE || (fit == FATBIN_JIT && jit == JIT_ALLOW))
		return;
	if (*step)
		where = arena_printf(arena, "%s (%s)", library->path, step);
	check_trial_fail(trial, fit == FATBIN_JIT ? "arch/jit-only" : "arch/missing-sm", where,
			 arena_printf(arena, "code for sm_%u", gpu->cc),
			 fatbin_text(&library->binary->device, arena));
}

static bool matches(const struct strings *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (fnmatch(patterns->items[i], path, 0) == 0)
			return true;
	return false;
}

static bool of_dist(const struct facts *facts, const struct library *library, const char *name)
{
	return library->dist < facts->dist_count &&
	       strcmp(facts->dists[library->dist].normalised, name) == 0;
}

static void nothing(struct trial *trial, const char *what)
{
	struct arena *arena = trial->ctx->arena;

	check_trial_fail(trial, "arch/no-device-code", what, "a library with GPU code",
			 arena_printf(arena, "%s brings none", what));
}

static void judge_named(struct trial *trial, const struct spec *spec,
			const struct rule_input *input)
{
	const struct facts *facts = input->facts;
	const struct gpu *gpu = input->targets[0];

	for (size_t d = 0; d < spec->dists.count; d++) {
		const char *name = py_normalise(spec->dists.items[d], trial->ctx->arena);
		size_t found = 0;

		for (size_t i = 0; i < facts->library_count; i++)
			if (facts->libraries[i].binary->device.arch_count &&
			    of_dist(facts, &facts->libraries[i], name)) {
				judge(trial, &facts->libraries[i], gpu, spec->jit);
				found++;
			}
		if (!found)
			nothing(trial, name);
	}
	for (size_t p = 0; p < spec->paths.count; p++) {
		const struct strings one = {&spec->paths.items[p], 1};
		size_t found = 0;

		for (size_t i = 0; i < facts->library_count; i++)
			if (matches(&one, facts->libraries[i].path)) {
				judge(trial, &facts->libraries[i], gpu, spec->jit);
				found++;
			}
		if (!found)
			nothing(trial, spec->paths.items[p]);
	}
}

static int judge_all(struct trial *trial, const struct spec *spec, const struct rule_input *input,
		     struct err *err)
{
	const char *topic = "arch", *jit_only = "arch/jit-only";
	const struct rule_filter filter = {{&topic, 1}, {&jit_only, spec->jit == JIT_ALLOW}};
	size_t count;

	if (spec->dists.count || spec->paths.count) {
		judge_named(trial, spec, input);
		return 0;
	}
	return check_facts_rules(trial, input, &filter, SEVERITY_WARNING, &count, err);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	struct rule_input input;
	struct trial trial;
	int rc = 0;

	check_trial_begin(&trial, ctx, NULL, out);
	if (ctx->targets.count != 1)
		rc = err_set(err, ERR_USAGE,
			     "arch needs a GPU to judge for: give the suite "
			     "\"targets\" or use --target");
	if (rc == 0)
		rc = check_facts_begin(ctx, &input, err);
	if (rc == 0) {
		rc = judge_all(&trial, data, &input, err);
		check_facts_end(ctx);
	}
	return check_trial_end(&trial, rc, "GPU code of the image's libraries",
			       arena_printf(ctx->arena, "code for %s",
					    ctx->targets.count ? ctx->targets.items[0] : ""),
			       err);
}

const struct check_ops check_arch = {
	.kind = "arch",
	.summary = "GPU code for the target in the libraries that will be loaded",
	.needs = NEED_IMAGE,
	.per_target = true,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.run = run,
};
