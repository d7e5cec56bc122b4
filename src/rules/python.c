/* Do the installed Python distributions hold together: metadata, files and requirements? */
#include "rules/rules_private.h"

#include <string.h>

static const char *place(const struct dist *dist, struct arena *arena)
{
	return rules__place(dist->path, &dist->origin, arena);
}

static bool is_duplicate(const struct facts *facts, const struct dist *dist)
{
	return dist->duplicate_of < facts->dist_count;
}

static void judge_duplicates(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < facts->dist_count; i++) {
		const struct dist *dist = &facts->dists[i];
		const struct dist *other;

		if (!is_duplicate(facts, dist))
			continue;
		other = &facts->dists[dist->duplicate_of];
		if (other == dist || strcmp(dist->version, other->version) == 0)
			continue;
		finding_add(out, "python/duplicate-metadata", other->name,
			    TEXT("one metadata folder of %s", other->name),
			    TEXT("%s and %s; the files are those of %s", rules__base(dist->path),
				 rules__base(other->path), other->version),
			    place(other, out->arena));
	}
}

/* Does a lower layer hold metadata of DIST of another version, which a higher one took away? */
static bool was_replaced(const struct rule_input *input, const struct dist *dist)
{
	const struct image_file *hidden;
	size_t count = 0, len = strlen(dist->site);

	if (strcmp(dist->normalised, "torch") == 0 && input->facts->torch.replaced.layer)
		return true;
	if (!input->image)
		return false;
	hidden = image_hidden(input->image, &count);
	for (size_t i = 0; i < count; i++) {
		const char *path = hidden[i].path;
		size_t name = strlen(dist->name);

		if (strncmp(path, dist->site, len) == 0 && path[len] == '/' &&
		    rules__ends(path, ".dist-info/METADATA") &&
		    strncmp(path + len + 1, dist->name, name) == 0 && path[len + 1 + name] == '-')
			return true;
	}
	return false;
}

static bool has_duplicate(const struct facts *facts, size_t index)
{
	for (size_t i = 0; i < facts->dist_count; i++)
		if (i != index && facts->dists[i].duplicate_of == index)
			return true;
	return false;
}

/* Code that an import could find: tests and byte code do not count. */
static bool is_code(const char *path)
{
	return (rules__ends(path, ".py") || strstr(path, ".so")) && !strstr(path, "/tests/") &&
	       !strstr(path, "/test/") && !strstr(path, "/testing/") &&
	       !strstr(path, "__pycache__");
}

static struct strings code_of(const struct strings *paths, struct arena *arena)
{
	struct strings code = {0};

	for (size_t i = 0; i < paths->count; i++)
		if (is_code(paths->items[i]))
			rules__push(&code, paths->items[i], arena);
	return code;
}

/* PATHS for a line of text; what the facts keep of many is a sample. */
static const char *list(const struct strings *paths, const struct strings *sample,
			struct arena *arena)
{
	struct strings first = *paths;

	if (sample->count < FACTS_SAMPLE || first.count <= 4)
		return rules__join(paths, 4, arena);
	first.count = 4;
	return arena_printf(arena, "%s … (%zu or more in all)", rules__join(&first, 4, arena),
			    paths->count);
}

static void judge_files(const struct rule_input *input, size_t index, struct findings *out)
{
	const struct facts *facts = input->facts;
	const struct dist *dist = &facts->dists[index];
	struct strings orphans = code_of(&dist->files.orphan_paths, out->arena);
	struct strings missing = code_of(&dist->files.missing_paths, out->arena);
	struct strings resized = code_of(&dist->files.resized_paths, out->arena);
	struct strings overwritten = code_of(&dist->files.overwritten_paths, out->arena);

	if (!dist->files.known || dist->shadowed || is_duplicate(facts, dist))
		return;
	if (orphans.count && (has_duplicate(facts, index) || was_replaced(input, dist)))
		finding_add(out, "python/stale-files", dist->name,
			    TEXT("only files of %s %s in its folders", dist->name, dist->version),
			    TEXT("files of an older version: %s",
				 list(&orphans, &dist->files.orphan_paths, out->arena)),
			    place(dist, out->arena));
	if (missing.count)
		finding_add(
			out, "python/files-missing", dist->name,
			TEXT("every file that RECORD of %s %s lists", dist->name, dist->version),
			TEXT("gone: %s", list(&missing, &dist->files.missing_paths, out->arena)),
			place(dist, out->arena));
	if (overwritten.count) {
		const struct dist *other = &facts->dists[dist->files.overwriter];

		finding_add(out, "python/files-overwritten", dist->name,
			    TEXT("files as RECORD of %s %s tells", dist->name, dist->version),
			    TEXT("files of %s %s in their place: %s", other->name, other->version,
				 list(&overwritten, &dist->files.overwritten_paths, out->arena)),
			    place(dist, out->arena));
	} else if (resized.count) {
		finding_add(out, "python/files-changed", dist->name,
			    TEXT("files as RECORD of %s %s tells", dist->name, dist->version),
			    TEXT("of another size: %s",
				 list(&resized, &dist->files.resized_paths, out->arena)),
			    place(dist, out->arena));
	}
}

/* A package of the operating system: it installs what it thinks is needed. */
static bool is_of_system(const struct dist *dist)
{
	return rules__begins(dist->site, "/usr/lib/") &&
	       (!dist->installer || strcmp(dist->installer, "pip") != 0);
}

static void judge_requirements(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < facts->broken_count; i++) {
		const struct broken_requirement *broken = &facts->broken[i];
		const struct dist *dist = &facts->dists[broken->dist];

		if (dist->shadowed || is_duplicate(facts, dist) ||
		    (!broken->found && is_of_system(dist)))
			continue;
		finding_add(
			out,
			broken->found ? "python/requirement-broken" : "python/requirement-missing",
			dist->name,
			TEXT("%s, as %s %s asks", broken->requirement, dist->name, dist->version),
			broken->found ? TEXT("%s is installed", broken->found) : "not installed",
			place(dist, out->arena));
	}
}

/* Of "torch>=2.6" unquoted a shell makes a file "=2.6"; of "torch>2.6" a file "2.6", where it
 * stands at that moment: the root or the working folder. */
static bool is_specifier(const struct rule_input *input, const struct image_file *file,
			 struct arena *arena)
{
	const char *base = rules__base(file->path);
	const char *folder;
	const struct image_config *config = input->facts->config;

	if (file->type != FILE_REGULAR || (*base != '=' && (*base < '0' || *base > '9')))
		return false;
	if (rules__matches("^=+\\s*[0-9]", base))
		return true;
	folder = rules__folder(file->path, arena);
	return rules__matches("^[0-9]+(\\.[0-9]+)+$", base) &&
	       (!*folder || (config && config->workdir && strcmp(config->workdir, folder) == 0));
}

static void judge_specifier_files(const struct rule_input *input, struct findings *out)
{
	const struct image_file *files;
	size_t count = 0;

	if (!input->image)
		return;
	files = image_files(input->image, &count);
	for (size_t i = 0; i < count; i++) {
		struct origin origin;

		if (!is_specifier(input, &files[i], out->arena))
			continue;
		origin = facts_origin(input->facts, &files[i]);
		finding_add(out, "python/specifier-file", rules__base(files[i].path),
			    "no file named like a version: the bound was meant for pip",
			    "a shell wrote this file, and pip never saw the bound",
			    rules__place(files[i].path, &origin, out->arena));
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	if (!input->facts)
		return;
	judge_duplicates(input->facts, out);
	for (size_t i = 0; i < input->facts->dist_count; i++)
		judge_files(input, i, out);
	judge_requirements(input->facts, out);
	judge_specifier_files(input, out);
}

static const struct rule_label labels[] = {
	{"python/duplicate-metadata", SEVERITY_ERROR},
	{"python/files-changed", SEVERITY_NOTE},
	{"python/files-missing", SEVERITY_WARNING},
	{"python/files-overwritten", SEVERITY_WARNING},
	{"python/requirement-broken", SEVERITY_ERROR},
	{"python/requirement-missing", SEVERITY_WARNING},
	{"python/specifier-file", SEVERITY_ERROR},
	{"python/stale-files", SEVERITY_WARNING},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_python = {
	.topic = "python",
	.summary = "Python distributions: duplicates, left-over and missing files, requirements",
	.labels = labels,
	.run = run,
};
