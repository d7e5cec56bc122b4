/* Requirements and constraints of the commit: what is bound by nothing, what contradicts. */
#include "rules/build.h"
#include "rules/rules_private.h"

#include <string.h>

#define FILES_MAX 200  /* requirements files of one command, includes counted */
#define ITEMS_MAX 2000 /* requirements of one command that are compared with each other */

static const struct {
	const char *name, *why, *source;
} moving[] = {
#define MOVING(name, why, source) {name, why, source},
#include "rules/moving.def"
#undef MOVING
};

struct item {
	struct requirement requirement;
	const char *where;
	bool constraint;
};

/* Everything that one pip command takes into account. */
struct set {
	struct item *items;
	size_t count;
	size_t files;
	struct strings seen;
	const struct rule_input *input;
	struct arena *arena;
};

static void add_item(struct set *set, const struct requirement *requirement, const char *where,
		     bool constraint)
{
	struct item *item;

	if (set->count >= ITEMS_MAX)
		return;
	item = arena_push(set->arena, &set->items, &set->count, sizeof(*item));
	*item = (struct item){*requirement, where, constraint};
}

static void add_file(struct set *set, const char *path, bool constraint)
{
	const struct repo_file *file = rules__repo_file(set->input, path);
	struct requirements parsed;

	if (!file || !file->text || set->files++ >= FILES_MAX || rules__has(&set->seen, file->path))
		return;
	rules__push(&set->seen, file->path, set->arena);
	requirements_parse(file->text, file->len, set->arena, &parsed);
	for (size_t i = 0; i < parsed.count; i++)
		add_item(set, &parsed.items[i],
			 rules__file_line(file->path, parsed.items[i].line, set->arena),
			 constraint);
	for (size_t i = 0; i < parsed.option_count; i++) {
		const char *name = parsed.options[i].name;

		if (!parsed.options[i].value)
			continue;
		if (strcmp(name, "--requirement") == 0 || strcmp(name, "-r") == 0)
			add_file(set, parsed.options[i].value, constraint);
		else if (strcmp(name, "--constraint") == 0 || strcmp(name, "-c") == 0)
			add_file(set, parsed.options[i].value, true);
	}
}

static bool is_bound(const struct requirement *requirement)
{
	return requirement->url || requirement->hashed ||
	       rules__matches("==|~=|<", requirement->specifier);
}

static bool is_bound_elsewhere(const struct set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].requirement.normalised, name) == 0 &&
		    is_bound(&set->items[i].requirement))
			return true;
	return false;
}

static void judge_moving(const struct set *set, struct findings *out)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct item *item = &set->items[i];
		const char *name = item->requirement.normalised;
		size_t row = 0;

		if (item->constraint || is_bound_elsewhere(set, name))
			continue;
		while (row < sizeof(moving) / sizeof(moving[0]) &&
		       strcmp(moving[row].name, name) != 0)
			row++;
		if (row == sizeof(moving) / sizeof(moving[0]))
			finding_add(out, "requirements/open", name,
				    TEXT("a version, or a constraint on %s", name),
				    TEXT("%s%s", name, item->requirement.specifier), item->where);
		else
			finding_add(out, "requirements/unpinned", name,
				    TEXT("a version, or a constraint on %s: %s (%s)", name,
					 moving[row].why, moving[row].source),
				    TEXT("%s%s: the newest at build time", name,
					 item->requirement.specifier),
				    item->where);
	}
}

/* The one version that SPECIFIER allows, NULL: several. */
static const char *pinned(const struct requirement *requirement, struct arena *arena)
{
	const char *version =
		rules__capture("^\\s*={2,3}\\s*([^,*\\s]+)\\s*$", requirement->specifier, arena);

	return requirement->marker ? NULL : version;
}

/* Two pins that differ in their local part alone do not contradict: the longer one fits both. */
static bool contradicts(const struct requirement *pin, const struct requirement *other,
			struct arena *arena)
{
	const char *version, *others;

	if (strcmp(pin->normalised, other->normalised) != 0 || other->marker || !other->specifier ||
	    !*other->specifier)
		return false;
	version = pinned(pin, arena);
	if (!version || rules__in_range(version, other->specifier))
		return false;
	others = pinned(other, arena);
	return !others || !rules__in_range(others, pin->specifier);
}

static void judge_contradictions(const struct set *set, struct findings *out)
{
	for (size_t i = 0; i < set->count; i++)
		for (size_t k = 0; k < set->count; k++) {
			const struct requirement *pin = &set->items[i].requirement;
			const struct requirement *other = &set->items[k].requirement;

			if (i == k || !contradicts(pin, other, out->arena) ||
			    (k < i && contradicts(other, pin, out->arena)))
				continue;
			finding_add(out, "requirements/contradiction", pin->normalised,
				    TEXT("%s%s, as %s asks", pin->normalised, other->specifier,
					 set->items[k].where),
				    TEXT("%s%s", pin->normalised, pin->specifier),
				    set->items[i].where);
		}
}

/* What the command asks for against what the installed distributions that it names pin. */
static void judge_against_pins(const struct set *set, struct findings *out)
{
	const struct facts *facts = set->input->facts;

	for (size_t d = 0; facts && d < facts->dist_count; d++) {
		const struct dist *dist = &facts->dists[d];

		if (dist->shadowed || dist->duplicate_of < facts->dist_count)
			continue;
		for (size_t r = 0; r < dist->requires.count; r++) {
			struct requirement pin;

			if (!strstr(dist->requires.items[r], "==") ||
			    rules__matches("extra\\s*==", dist->requires.items[r]) ||
			    requirement_parse(dist->requires.items[r], out->arena, &pin, NULL) != 0)
				continue;
			pin.marker = NULL;
			for (size_t i = 0; i < set->count; i++)
				if (contradicts(&pin, &set->items[i].requirement, out->arena))
					finding_add(out, "requirements/contradiction",
						    pin.normalised,
						    TEXT("%s%s, as %s %s asks", pin.normalised,
							 pin.specifier, dist->name, dist->version),
						    TEXT("%s%s", pin.normalised,
							 set->items[i].requirement.specifier),
						    set->items[i].where);
		}
	}
}

static bool names(const struct set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i].requirement.normalised, name) == 0)
			return true;
	return false;
}

static void fill(struct set *set, const struct rules__pip *pip, const char *where)
{
	for (size_t i = 0; i < pip->words.count; i++) {
		struct requirement requirement;

		if (strpbrk(pip->words.items[i], "$/") ||
		    requirement_parse(pip->words.items[i], set->arena, &requirement, NULL) != 0)
			continue;
		add_item(set, &requirement, where, false);
	}
	for (size_t i = 0; i < pip->files.count; i++)
		add_file(set, pip->files.items[i], false);
	for (size_t i = 0; i < pip->constraints.count; i++)
		add_file(set, pip->constraints.items[i], true);
}

/* PIP_CONSTRAINT of ENV and ARG lines holds for every pip behind it. */
static const char *constraint_variable(const struct rules__build *build, struct arena *arena)
{
	for (size_t i = 0; i < build->file.count; i++) {
		const char *path = rules__capture("PIP_CONSTRAINT[= ]\"?([^\\s\"]+)",
						  build->file.instructions[i].text, arena);

		if (path)
			return path;
	}
	return NULL;
}

static void judge_command(const struct rule_input *input, const struct rules__build *build,
			  const struct rules__step *step, const struct rules__pip *pip,
			  bool torch_before, struct findings *out)
{
	struct set set = {.input = input, .arena = out->arena};
	const char *where = rules__build_line(build, step->instruction->line, out->arena);
	const char *constraint = constraint_variable(build, out->arena);

	fill(&set, pip, where);
	if (constraint)
		add_file(&set, constraint, true);
	judge_moving(&set, out);
	judge_contradictions(&set, out);
	judge_against_pins(&set, out);
	if (torch_before && pip->files.count && !pip->no_deps && !names(&set, "torch"))
		finding_add(out, "requirements/torch-unbound", "torch",
			    "a constraint on torch, which an earlier step installed",
			    "nothing keeps a requirement of these files from replacing it", where);
}

static void judge_unused(const struct rule_input *input, struct findings *out)
{
	for (size_t i = 0; i < input->file_count; i++) {
		const char *base = rules__base(input->files[i].path);
		bool used = false;

		if (!rules__matches("(?i)^constraints?[^/]*\\.txt$", base))
			continue;
		for (size_t k = 0; k < input->file_count && !used; k++)
			used = k != i && input->files[k].text &&
			       !rules__matches("(?i)\\.(md|rst)$", input->files[k].path) &&
			       rules__matches(
				       TEXT("^[^#\\n]*(-c|--constraints?|CONSTRAINTS?)[ =\"']*"
					    "[^\\s#]*\\Q%s\\E",
					    base),
				       input->files[k].text);
		if (!used)
			finding_add(out, "requirements/constraint-unused", base,
				    TEXT("pip install -c %s", base),
				    "no command and no requirements file refers to it",
				    input->files[i].path);
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct rules__build build;
	bool torch_before = false;

	if (!rules__build(input->files, input->file_count, input->dockerfile, out->arena, &build))
		return;
	for (size_t i = 0; i < build.count; i++)
		for (size_t k = 0; k < build.steps[i].script.count; k++) {
			struct rules__pip pip;

			if (!rules__pip_install(&build.steps[i].script.commands[k], out->arena,
						&pip))
				continue;
			judge_command(input, &build, &build.steps[i], &pip, torch_before, out);
			for (size_t n = 0; n < pip.words.count; n++)
				torch_before = torch_before ||
					       rules__matches("^torch\\b", pip.words.items[n]);
		}
	judge_unused(input, out);
}

static const struct rule_label labels[] = {
	{"requirements/constraint-unused", SEVERITY_WARNING},
	{"requirements/contradiction", SEVERITY_ERROR},
	{"requirements/open", SEVERITY_NOTE},
	{"requirements/torch-unbound", SEVERITY_NOTE},
	{"requirements/unpinned", SEVERITY_WARNING},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_requirements = {
	.topic = "requirements",
	.summary = "requirements that nothing binds, and pins that contradict",
	.labels = labels,
	.run = run,
};
