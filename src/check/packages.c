/* Installed Python distributions against a constraints or lock file of the commit, against names
 * that must or must not be there, and against the baseline's image. */
#include "check/facts.h"

#include "parse/version.h"

#include <string.h>

struct spec {
	const char *constraints;
	const char *lock;
	struct strings present;
	struct strings absent;
	bool drift;
};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "constraints",
	 .type = FIELD_STRING,
	 .offset = AT(constraints),
	 .nonempty = true,
	 .help = "constraints or requirements file of the commit that what is installed must meet"},
	{.name = "lock",
	 .type = FIELD_STRING,
	 .offset = AT(lock),
	 .nonempty = true,
	 .help = "file of exact pins: each must be installed so, and nothing else but pip, "
		 "setuptools and wheel"},
	{.name = "present",
	 .type = FIELD_STRINGS,
	 .offset = AT(present),
	 .help = "requirements that must hold (\"torch>=2.7\")"},
	{.name = "absent",
	 .type = FIELD_STRINGS,
	 .offset = AT(absent),
	 .help = "distributions that must not be installed"},
	{.name = "drift",
	 .type = FIELD_BOOL,
	 .offset = AT(drift),
	 .def = "false",
	 .help = "fail when versions differ from the baseline's image"},
	{0},
};
#undef AT

static int validate(const void *data, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct spec *spec = data;
	struct requirement requirement;

	if (!spec->constraints && !spec->lock && !spec->present.count && !spec->absent.count &&
	    !spec->drift)
		return err_set(err, ERR_USAGE,
			       "packages needs constraints, lock, present, absent or drift");
	for (size_t i = 0; i < spec->present.count; i++)
		if (requirement_parse(spec->present.items[i], arena, &requirement, err) < 0)
			return err_wrap(err, "present '%s'", spec->present.items[i]);
	return 0;
}

static const char *pinned(const struct requirement *requirement, struct arena *arena)
{
	return arena_printf(arena, "%s%s", requirement->normalised,
			    *requirement->specifier ? requirement->specifier : " of any version");
}

/* Does what is installed meet REQUIREMENT? What is not installed does only unless WANTED. */
static void judge_one(struct trial *trial, const struct facts *facts,
		      const struct requirement *requirement, bool wanted, const char *label,
		      const char *file)
{
	struct arena *arena = trial->ctx->arena;
	const struct dist *dist = facts_dist(facts, requirement->normalised);
	const char *version = dist ? facts_version(facts, dist) : NULL;
	const char *where = dist ? facts_where(&dist->origin, arena) : "";
	const char *source = file ? arena_printf(arena, " (%s:%u)", file, requirement->line) : "";
	struct err ignored;
	bool holds = true;

	if (!dist && !wanted)
		return;
	if (version && *requirement->specifier &&
	    version_matches(VERSION_PEP440, requirement->specifier, version, &holds, &ignored) < 0)
		holds = false;
	if (dist && holds)
		return;
	check_trial_fail(trial, label, *where ? where : requirement->normalised,
			 arena_printf(arena, "%s%s", pinned(requirement, arena), source),
			 dist ? arena_printf(arena, "%s %s", dist->name, version ? version : "?")
			      : "not installed");
}

static int judge_file(struct trial *trial, const struct rule_input *input, const char *path,
		      bool wanted, const char *label, struct requirements *out, struct err *err)
{
	struct py_environment here = facts_environment(input->facts);
	const struct repo_file *file;

	if (check_facts_file(input, path, &file, err) < 0)
		return -1;
	requirements_parse(file->text, file->len, trial->ctx->arena, out);
	if (out->bad.count)
		return err_set(err, ERR_USAGE, "%s:%s: no requirement", path, out->bad.items[0]);
	for (size_t i = 0; i < out->count; i++)
		if (requirement_applies(out->items[i].marker, &here, NULL))
			judge_one(trial, input->facts, &out->items[i], wanted, label, path);
	return 0;
}

static bool listed(const struct requirements *lock, const char *name)
{
	static const char *const tools[] = {"pip", "setuptools", "wheel"};

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (strcmp(tools[i], name) == 0)
			return true;
	for (size_t i = 0; i < lock->count; i++)
		if (strcmp(lock->items[i].normalised, name) == 0)
			return true;
	return false;
}

/* Distributions without RECORD came with the system, not by the lock. */
static void judge_unlocked(struct trial *trial, const struct facts *facts,
			   const struct requirements *lock, const char *path)
{
	struct arena *arena = trial->ctx->arena;

	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];

		if (dist->shadowed || !dist->files.known || listed(lock, dist->normalised))
			continue;
		check_trial_fail(trial, "packages/not-in-lock", facts_where(&dist->origin, arena),
				 arena_printf(arena, "only what %s lists", path),
				 arena_printf(arena, "%s %s", dist->normalised,
					      dist->version ? dist->version : "?"));
	}
}

static void judge_drift(struct trial *trial, const struct rule_input *input)
{
	struct arena *arena = trial->ctx->arena;
	struct difference *list = NULL;
	size_t count = 0;

	facts_diff(input->before, input->facts, false, arena, &list, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].topic, "python") == 0)
			check_trial_fail(
				trial, "packages/drift", list[i].where,
				arena_printf(arena, "%s %s as in the baseline", list[i].name,
					     list[i].before ? list[i].before : "not installed"),
				list[i].after ? list[i].after : "not installed");
}

static int judge(struct trial *trial, const struct spec *spec, const struct rule_input *input,
		 struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	struct requirement requirement;
	struct requirements file;

	if (spec->constraints && judge_file(trial, input, spec->constraints, false,
					    "packages/violates-constraint", &file, err) < 0)
		return -1;
	if (spec->lock) {
		if (judge_file(trial, input, spec->lock, true, "packages/not-as-locked", &file,
			       err) < 0)
			return -1;
		judge_unlocked(trial, input->facts, &file, spec->lock);
	}
	for (size_t i = 0; i < spec->present.count; i++)
		if (requirement_parse(spec->present.items[i], arena, &requirement, err) == 0)
			judge_one(trial, input->facts, &requirement, true, "packages/missing",
				  NULL);
	for (size_t i = 0; i < spec->absent.count; i++) {
		const char *name = py_normalise(spec->absent.items[i], arena);
		const struct dist *dist = facts_dist(input->facts, name);

		if (dist)
			check_trial_fail(trial, "packages/present",
					 facts_where(&dist->origin, arena),
					 arena_printf(arena, "%s not installed", name),
					 dist->version ? dist->version : "installed");
	}
	if (spec->drift && input->before)
		judge_drift(trial, input);
	return 0;
}

static bool only_drift(const struct spec *spec)
{
	return spec->drift && !spec->constraints && !spec->lock && !spec->present.count &&
	       !spec->absent.count;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	struct rule_input input;
	const char *found = NULL;
	struct trial trial;
	bool unknown = false;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = check_facts_begin(ctx, &input, err);
	if (rc == 0) {
		rc = judge(&trial, data, &input, err);
		found = arena_printf(ctx->arena, "%zu distribution%s", input.facts->dist_count,
				     input.facts->dist_count == 1 ? "" : "s");
		unknown = only_drift(data) && !input.before;
		check_facts_end(ctx);
	}
	rc = check_trial_end(&trial, rc, "Python distributions of the image", found, err);
	if (rc == 0 && unknown)
		case_skip(out, "no baseline whose image could be read: drift is not known");
	return rc;
}

const struct check_ops check_packages = {
	.kind = "packages",
	.summary = "installed Python distributions: constraints, lock, drift, present, absent",
	.needs = NEED_IMAGE | NEED_COMMIT,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
