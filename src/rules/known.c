/* Known-bad pairs and removed names, as a table with a source per row. */
#include "rules/rules_private.h"

#include <string.h>

struct pair_row {
	const char *label, *dist, *range, *other, *other_range, *happens, *source;
};
struct import_row {
	const char *label, *dist, *range, *module, *name, *happens, *source;
};
struct env_row {
	const char *label, *dist, *range, *variable, *happens, *source;
};
struct code_row {
	const char *label, *dist, *range, *pattern, *happens, *source;
};

#define KNOWN_PAIR(slug, dist, range, other, other_range, happens, source)                         \
	{"known/" slug, dist, range, other, other_range, happens, source},
#define KNOWN_IMPORT(...)
#define KNOWN_CODE(...)
#define KNOWN_ENV(...)
static const struct pair_row pairs[] = {
#include "rules/known.def"
};
#undef KNOWN_PAIR
#undef KNOWN_IMPORT
#define KNOWN_PAIR(...)
#define KNOWN_IMPORT(slug, dist, range, module, name, happens, source)                             \
	{"known/" slug, dist, range, module, name, happens, source},
static const struct import_row imports[] = {
#include "rules/known.def"
};
#undef KNOWN_IMPORT
#undef KNOWN_CODE
#define KNOWN_IMPORT(...)
#define KNOWN_CODE(slug, dist, range, pattern, happens, source)                                    \
	{"known/" slug, dist, range, pattern, happens, source},
static const struct code_row codes[] = {
#include "rules/known.def"
};
#undef KNOWN_CODE
#undef KNOWN_ENV
#define KNOWN_CODE(...)
#define KNOWN_ENV(slug, dist, range, variable, happens, source)                                    \
	{"known/" slug, dist, range, variable, happens, source},
static const struct env_row variables[] = {
#include "rules/known.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *version_of(const struct facts *facts, const char *name)
{
	const struct dist *dist;

	if (strcmp(name, "python") == 0)
		return facts->python.version;
	if (strcmp(name, "torch") == 0 && facts->torch.present && facts->torch.version)
		return facts->torch.version;
	dist = facts_dist(facts, name);
	return dist ? dist->version : NULL;
}

static const char *place(const struct facts *facts, const char *name, struct arena *arena)
{
	const struct dist *dist = facts_dist(facts, name);

	return dist ? rules__place(dist->path, &dist->origin, arena) : "";
}

static void judge_pairs(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const struct pair_row *row = &pairs[i];
		const char *version = version_of(facts, row->dist);
		const char *other = version_of(facts, row->other);
		bool alone = strcmp(row->dist, row->other) == 0;

		if (!rules__in_range(version, row->range) ||
		    !rules__in_range(other, row->other_range))
			continue;
		finding_add(out, row->label, row->dist,
			    alone ? TEXT("%s other than %s", row->dist, row->range)
				  : TEXT("%s %s not beside %s %s", row->dist, row->range,
					 row->other, row->other_range),
			    alone ? TEXT("%s: %s (%s)", version, row->happens, row->source)
				  : TEXT("%s %s with %s %s: %s (%s)", row->dist, version,
					 row->other, other, row->happens, row->source),
			    place(facts, row->dist, out->arena));
	}
}

static bool imports_name(const struct py_source *source, const struct import_row *row,
			 unsigned *line)
{
	for (size_t i = 0; i < source->import_count; i++) {
		const struct py_import *import = &source->imports[i];

		if (!import->dots && import->guard == PY_GUARD_NONE &&
		    strcmp(import->module, row->module) == 0 &&
		    rules__has(&import->names, row->name)) {
			*line = import->line;
			return true;
		}
	}
	return false;
}

static void judge_imports(const struct rule_input *input, struct findings *out)
{
	const struct image_file *files;
	size_t count = 0;

	if (!input->image)
		return;
	files = image_files(input->image, &count);
	for (size_t k = 0; k < COUNT(imports); k++) {
		const struct import_row *row = &imports[k];
		const char *version = version_of(input->facts, row->dist);
		unsigned line = 0;

		if (!rules__in_range(version, row->range))
			continue;
		for (size_t i = 0; i < count; i++) {
			struct origin origin;

			if (!files[i].source || strstr(files[i].path, "/tests/") ||
			    !imports_name(files[i].source, row, &line))
				continue;
			origin = facts_origin(input->facts, &files[i]);
			finding_add(
				out, row->label, rules__base(files[i].path),
				TEXT("no import of %s from %s %s", row->name, row->module, version),
				TEXT("line %u imports it: %s (%s)", line, row->happens,
				     row->source),
				rules__place(rules__file_line(files[i].path, line, out->arena),
					     &origin, out->arena));
		}
	}
}

static void judge_variables(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < COUNT(variables); i++) {
		const struct env_row *row = &variables[i];
		const char *version = version_of(facts, row->dist);

		if (rules__in_range(version, row->range) &&
		    rules__matches("(?i)^(1|on|yes|true)$", facts_env(facts, row->variable)))
			finding_add(out, row->label, row->dist,
				    TEXT("%s with %s respected", row->dist, row->variable),
				    TEXT("%s %s: %s (%s)", row->dist, version, row->happens,
					 row->source),
				    place(facts, row->dist, out->arena));
	}
}

struct search {
	const struct rule_input *input;
	struct findings *out;
};

static bool visit(void *payload, const struct rules__text *text)
{
	struct search *search = payload;
	struct findings *out = search->out;

	if (!rules__ends(text->path, ".py"))
		return false;
	for (size_t i = 0; i < COUNT(codes); i++) {
		const char *version = version_of(search->input->facts, codes[i].dist);

		if (rules__in_range(version, codes[i].range) &&
		    rules__matches(codes[i].pattern, text->text))
			finding_add(out, codes[i].label, rules__base(text->path),
				    TEXT("code that works with %s %s", codes[i].dist, version),
				    TEXT("%s (%s)", codes[i].happens, codes[i].source), text->path);
	}
	return false;
}

static void run(const struct rule_input *input, struct findings *out)
{
	struct search search = {input, out};

	if (!input->facts)
		return;
	judge_pairs(input->facts, out);
	judge_imports(input, out);
	judge_variables(input->facts, out);
	rules__app_texts(input, visit, &search);
}

static const struct rule_label labels[] = {
	{"known/cached-download", SEVERITY_ERROR},   {"known/load-in-4bit", SEVERITY_ERROR},
	{"known/numpy-2-abi", SEVERITY_ERROR},	     {"known/offline-calls-home", SEVERITY_ERROR},
	{"known/pydantic-settings", SEVERITY_ERROR}, {"known/runpod-jobs", SEVERITY_WARNING},
	{"known/triton-ops", SEVERITY_ERROR},	     {NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_known = {
	.topic = "known",
	.summary = "versions that are known not to work together, and names that releases removed",
	.labels = labels,
	.run = run,
};
