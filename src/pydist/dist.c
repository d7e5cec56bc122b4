#include "pydist/dist.h"

#include "base/json.h"
#include "pydist/text.h"

#include <string.h>
#include <strings.h>

#define FIELDS_MAX 100000 /* headers of one METADATA */

/* --- METADATA -------------------------------------------------------------------------------- */

static bool named(struct text_line line, const char *name, struct text_line *value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.at[len] != ':' || strncasecmp(line.at, name, len) != 0)
		return false;
	*value = text_trim((struct text_line){line.at + len + 1, line.len - len - 1});
	return true;
}

static void take_field(struct text_line line, struct arena *arena, struct dist_metadata *out)
{
	struct text_line value;

	if (named(line, "Name", &value) && !out->name)
		out->name = text_copy(value, arena);
	else if (named(line, "Version", &value) && !out->version)
		out->version = text_copy(value, arena);
	else if (named(line, "Requires-Python", &value))
		out->requires_python = text_copy(value, arena);
	else if (named(line, "License-Expression", &value))
		out->license = text_copy(value, arena);
	else if (named(line, "License", &value) && !out->license && value.len)
		out->license = text_copy(value, arena);
	else if (named(line, "Summary", &value))
		out->summary = text_copy(value, arena);
	else if (named(line, "Requires-Dist", &value))
		text_push(&out->requires, text_copy(value, arena), arena);
	else if (named(line, "Provides-Extra", &value))
		text_push(&out->provides_extra, text_copy(value, arena), arena);
}

int dist_metadata_parse(const char *text, size_t len, struct arena *arena,
			struct dist_metadata *out, struct err *err)
{
	struct dist_metadata metadata = {0};
	const char *at = text, *end = text + len;
	struct text_line line;
	size_t fields = 0;

	/* Headers end at the first empty line. A line that begins with a blank continues the one
	 * before, which only descriptions and licence texts do. */
	while (text_next(&at, end, &line) && line.len) {
		if (++fields > FIELDS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d header lines", FIELDS_MAX);
		if (*line.at != ' ' && *line.at != '\t')
			take_field(line, arena, &metadata);
	}
	if (!metadata.name || !*metadata.name)
		return err_set(err, ERR_USAGE, "no Name");
	if (metadata.license && strlen(metadata.license) > 200)
		metadata.license = NULL; /* a licence text in one line, not its name */
	*out = metadata;
	return 0;
}

/* --- egg-info -------------------------------------------------------------------------------- */

/* "[extra:marker]" heads what only that extra, or that environment, needs. */
static const char *section_marker(struct text_line head, struct arena *arena)
{
	struct text_line inner = {head.at + 1, head.len - 2};
	const char *colon = memchr(inner.at, ':', inner.len);
	struct text_line extra = {inner.at, colon ? (size_t)(colon - inner.at) : inner.len};
	const char *marker =
		colon ? arena_strndup(arena, colon + 1, inner.len - extra.len - 1) : NULL;

	if (extra.len && marker)
		return arena_printf(arena, "(%s) and extra == \"%.*s\"", marker, (int)extra.len,
				    extra.at);
	if (extra.len)
		return arena_printf(arena, "extra == \"%.*s\"", (int)extra.len, extra.at);
	return marker;
}

void dist_requires_txt(const char *text, size_t len, struct arena *arena, struct strings *out)
{
	const char *at = text, *end = text + len, *marker = NULL;
	struct text_line line;

	while (text_next(&at, end, &line)) {
		line = text_trim(line);
		if (!line.len || *line.at == '#')
			continue;
		if (*line.at == '[' && line.at[line.len - 1] == ']' && line.len > 2)
			marker = section_marker(line, arena);
		else if (marker)
			text_push(out,
				  arena_printf(arena, "%.*s; %s", (int)line.len, line.at, marker),
				  arena);
		else
			text_push(out, text_copy(line, arena), arena);
	}
}

bool dist_folder_name(const char *folder, struct arena *arena, const char **name,
		      const char **version)
{
	size_t len = strlen(folder), stem;
	const char *dash, *end;

	if (len > 10 && strcmp(folder + len - 10, ".dist-info") == 0)
		stem = len - 10;
	else if (len > 9 && strcmp(folder + len - 9, ".egg-info") == 0)
		stem = len - 9;
	else
		return false;
	dash = memchr(folder, '-', stem);
	if (!dash) { /* of a development install: no version */
		*name = arena_strndup(arena, folder, stem);
		*version = NULL;
		return folder[len - 9] == '.';
	}
	if (dash == folder || dash + 1 == folder + stem)
		return false;
	*name = arena_strndup(arena, folder, (size_t)(dash - folder));
	/* "name-1.0-py3.11.egg-info" */
	end = memchr(dash + 1, '-', stem - (size_t)(dash + 1 - folder));
	*version =
		arena_strndup(arena, dash + 1, (size_t)((end ? end : folder + stem) - (dash + 1)));
	return true;
}

/* --- direct_url.json ------------------------------------------------------------------------- */

const char *dist_direct_url(const char *text, size_t len, struct arena *arena)
{
	CLEANUP(json_freep) struct json *root = NULL;
	const struct json *vcs;
	const char *url, *commit;
	struct err ignored;

	if (json_parse(text, len, false, &root, &ignored) < 0)
		return NULL;
	url = json_str(root, "url", NULL);
	vcs = json_get(root, "vcs_info");
	commit = vcs ? json_str(vcs, "commit_id", NULL) : NULL;
	if (!url)
		return NULL;
	if (commit)
		return arena_printf(arena, "%s+%s@%s", json_str(vcs, "vcs", "vcs"), url, commit);
	return arena_strdup(arena, url);
}

/* --- torch/version.py ------------------------------------------------------------------------ */

/* The text between the quotes of "NAME = '…'" or "NAME: type = '…'". */
static bool assigned(struct text_line line, const char *name, struct arena *arena, const char **out)
{
	size_t len = strlen(name);
	const char *equals, *open, *close;
	char quote;

	if (line.len <= len || memcmp(line.at, name, len) != 0 ||
	    (line.at[len] != ' ' && line.at[len] != ':' && line.at[len] != '='))
		return false;
	equals = memchr(line.at, '=', line.len);
	if (!equals)
		return false;
	for (open = equals + 1; open < line.at + line.len && *open != '\'' && *open != '"'; open++)
		;
	if (open >= line.at + line.len)
		return true; /* None */
	quote = *open++;
	close = memchr(open, quote, (size_t)(line.at + line.len - open));
	if (close)
		*out = arena_strndup(arena, open, (size_t)(close - open));
	return true;
}

void torch_version_parse(const char *text, size_t len, struct arena *arena,
			 struct torch_version *out)
{
	const char *at = text, *end = text + len;
	struct text_line line;

	*out = (struct torch_version){0};
	while (text_next(&at, end, &line)) {
		if (assigned(line, "__version__", arena, &out->version) ||
		    assigned(line, "cuda", arena, &out->cuda) ||
		    assigned(line, "hip", arena, &out->hip))
			continue;
		(void)assigned(line, "git_version", arena, &out->git);
	}
}
