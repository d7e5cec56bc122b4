/*
 * What a commit's image is made of. Follows the docker client: the ignore rules choose the files,
 * Dockerfile and .dockerignore are sent all the same, and a Dockerfile from outside the folder
 * travels under a name of ours that an added ignore rule hides from the build.
 */
#include "base/mem.h"
#include "deploy/context_private.h"
#include "parse/ignore.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 8 /* Dockerfiles named when the one asked for is missing */

/* --- paths ----------------------------------------------------------------------------------- */

/* PATH without "." and empty parts, "." when nothing is left; NULL when it leads outside. */
static const char *tidy(const char *path, struct arena *arena)
{
	char *rest = arena_strdup(arena, path);
	char *out = arena_alloc(arena, strlen(path) + 2);
	char *part;
	size_t len = 0;

	if (*path == '/')
		return NULL;
	while ((part = strsep(&rest, "/")) != NULL) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			char *slash = len ? memrchr(out, '/', len) : NULL;

			if (!len)
				return NULL;
			len = slash ? (size_t)(slash - out) : 0;
			continue;
		}
		if (len)
			out[len++] = '/';
		memcpy(out + len, part, strlen(part));
		len += strlen(part);
	}
	out[len] = '\0';
	return len ? out : ".";
}

/* PATH relative to FOLDER, NULL when it is not inside. */
static const char *inside(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	if (strcmp(folder, ".") == 0)
		return path;
	return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --- Dockerfile and ignore rules ------------------------------------------------------------- */

static bool looks_like_dockerfile(const char *path)
{
	const char *name = file_name(path);
	size_t len = strlen(name);

	if (len > 13 && strcmp(name + len - 13, CONTEXT_IGNORE) == 0)
		return false;
	return strncasecmp(name, "Dockerfile", 10) == 0 ||
	       strncasecmp(name, "Containerfile", 13) == 0 ||
	       (len > 11 && strcasecmp(name + len - 11, ".dockerfile") == 0);
}

static int no_dockerfile(struct context *context, struct err *err)
{
	struct source_entry *entries = NULL;
	size_t count = 0, shown = 0;
	struct buf list;

	if (source_tree(context->source, context->commit, ".", context->arena, &entries, &count,
			err) < 0)
		return -1;
	buf_init(&list, 600);
	for (size_t i = 0; i < count && shown < SHOWN_MAX; i++)
		if (entries[i].mode != MODE_FOLDER && looks_like_dockerfile(entries[i].path))
			buf_printf(&list, "%s%s", shown++ ? ", " : "", entries[i].path);
	if (shown)
		err_set(err, ERR_USAGE,
			"commit %.12s has no Dockerfile %s; it has %s: set image.dockerfile",
			context->commit, context->dockerfile, buf_str(&list));
	else
		err_set(err, ERR_USAGE, "commit %.12s has no Dockerfile %s, and no other",
			context->commit, context->dockerfile);
	buf_done(&list);
	return -1;
}

static int read_dockerfile(struct context *context, struct err *err)
{
	struct err why;

	if (source_read(context->source, context->commit, context->dockerfile, &context->text,
			&why) < 0) {
		if (why.code == ERR_NOTFOUND)
			return no_dockerfile(context, err);
		return err_set(err, why.code == ERR_LIMIT ? ERR_USAGE : why.code, "Dockerfile: %s",
			       why.msg);
	}
	dockerfile_parse(buf_str(&context->text), context->text.len, &context->image->args,
			 context->arena, &context->parsed);
	return 0;
}

/* Append PATH to OUT; 1 when it is not there. */
static int read_optional(struct context *context, const char *path, struct buf *out,
			 struct err *err)
{
	struct err why;

	if (source_read(context->source, context->commit, path, out, &why) == 0)
		return 0;
	if (why.code == ERR_NOTFOUND)
		return 1;
	return err_set(err, why.code == ERR_LIMIT ? ERR_USAGE : why.code, "%s", why.msg);
}

static int read_ignore(struct context *context, struct ignore **out, struct err *err)
{
	struct buf own;
	int rc;

	rc = read_optional(context,
			   arena_printf(context->arena, "%s/" CONTEXT_IGNORE, context->folder),
			   &context->ignore_text, err);
	if (rc < 0)
		return -1;
	context->has_ignore = rc == 0;
	buf_init(&own, CONTEXT_IGNORE_BYTES_MAX);
	rc = read_optional(context,
			   arena_printf(context->arena, "%s" CONTEXT_IGNORE, context->dockerfile),
			   &own, err);
	if (rc == 0)
		*out = ignore_parse(buf_str(&own), own.len);
	else if (rc == 1 && context->has_ignore)
		*out = ignore_parse(buf_str(&context->ignore_text), context->ignore_text.len);
	buf_done(&own);
	return rc < 0 ? -1 : 0;
}

/* --- members --------------------------------------------------------------------------------- */

static struct member *add(struct context *context, const char *path, unsigned mode)
{
	struct member *member =
		arena_push(context->arena, &context->members, &context->count, sizeof(*member));

	member->path = path;
	member->mode = mode;
	return member;
}

static const struct source_entry *find_entry(const struct source_entry *entries, size_t count,
					     const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(entries[i].path, path) == 0)
			return &entries[i];
	return NULL;
}

/* Decide under which name the Dockerfile travels. */
static void name_dockerfile(struct context *context, const struct source_entry *entries,
			    size_t count)
{
	const char *name = inside(context->folder, context->dockerfile);
	const struct source_entry *entry = name ? find_entry(entries, count, name) : NULL;

	if (!entry || entry->mode == MODE_LINK) {
		name = CONTEXT_DOCKERFILE;
		while (find_entry(entries, count, name))
			name = arena_printf(context->arena, "%s_", name);
	}
	context->name = name;
}

static bool is_builders(const struct context *context, const char *path)
{
	return strcmp(path, context->name) == 0 || strcmp(path, CONTEXT_IGNORE) == 0;
}

/* A Dockerfile that has no place in the folder, and the rule that hides it from the build. */
static void add_outside(struct context *context)
{
	struct member *member = add(context, context->name, 0100644);

	member->text = buf_str(&context->text);
	member->text_len = context->text.len;
	member->builder_only = true;
	if (!context->has_ignore)
		buf_addstr(&context->ignore_text, CONTEXT_IGNORE);
	buf_printf(&context->ignore_text, "\n%s\n", context->name);
	for (size_t i = 0; i < context->count; i++)
		if (strcmp(context->members[i].path, CONTEXT_IGNORE) == 0)
			member = &context->members[i];
	if (strcmp(member->path, CONTEXT_IGNORE) != 0) {
		member = add(context, CONTEXT_IGNORE, 0100644);
		member->builder_only = true;
	}
	member->mode = 0100644; /* was perhaps a link */
	member->text = buf_str(&context->ignore_text);
	member->text_len = context->ignore_text.len;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->path, ((const struct member *)b)->path);
}

static bool has_member_below(const struct context *context, const char *folder)
{
	size_t len = strlen(folder), low = 0, high = context->count;

	while (low < high) { /* the first member whose path is greater than "FOLDER/" */
		size_t middle = low + (high - low) / 2;
		const char *path = context->members[middle].path;
		int order = strncmp(path, folder, len);

		if (order < 0 || (order == 0 && (unsigned char)path[len] < '/'))
			low = middle + 1;
		else
			high = middle;
	}
	return low < context->count && strncmp(context->members[low].path, folder, len) == 0 &&
	       context->members[low].path[len] == '/';
}

static void sort(struct context *context)
{
	if (context->count)
		qsort(context->members, context->count, sizeof(*context->members), by_path);
}

/* The folders that something is sent below; git knows no empty ones. */
static void add_folders(struct context *context, const struct source_entry *entries, size_t count)
{
	const char **folders = NULL;
	size_t folder_count = 0;

	for (size_t i = 0; i < count; i++)
		if (entries[i].mode == MODE_FOLDER && has_member_below(context, entries[i].path)) {
			const char **folder = arena_push(context->arena, &folders, &folder_count,
							 sizeof(*folder));

			*folder = entries[i].path;
		}
	for (size_t i = 0; i < folder_count; i++)
		add(context, folders[i], MODE_FOLDER);
	sort(context);
}

static void choose(struct context *context, const struct source_entry *entries, size_t count,
		   const struct ignore *ignore)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		const struct source_entry *entry = &entries[i];
		bool ignored;
		struct member *member;

		if (entry->mode == MODE_FOLDER)
			continue;
		ignored = ignore_match(ignore, entry->path);
		if (ignored && !is_builders(context, entry->path))
			continue;
		found = found || strcmp(entry->path, context->name) == 0;
		member = add(context, entry->path, entry->mode);
		member->oid = entry->oid;
		member->builder_only = ignored;
	}
	if (!found)
		add_outside(context);
	sort(context);
	add_folders(context, entries, count);
}

static int list_members(struct context *context, struct err *err)
{
	struct source_entry *entries = NULL;
	struct ignore *ignore = NULL;
	size_t count = 0;

	if (source_tree(context->source, context->commit, context->folder, context->arena, &entries,
			&count, err) < 0 ||
	    read_ignore(context, &ignore, err) < 0)
		return -1;
	name_dockerfile(context, entries, count);
	choose(context, entries, count, ignore);
	ignore_free(ignore);
	return 0;
}

/* --- handle ---------------------------------------------------------------------------------- */

static int set_paths(struct context *context, struct err *err)
{
	const struct suite_image *image = context->image;
	const char *dockerfile = image->dockerfile ? image->dockerfile : "Dockerfile";
	const char *folder = image->context ? image->context : ".";

	context->dockerfile = tidy(dockerfile, context->arena);
	context->folder = tidy(folder, context->arena);
	if (!context->dockerfile)
		return err_set(err, ERR_USAGE, "image.dockerfile %s lies outside the repository",
			       dockerfile);
	if (!context->folder)
		return err_set(err, ERR_USAGE, "image.context %s lies outside the repository",
			       folder);
	return 0;
}

int context_open(struct source *source, const char *commit, const struct suite_image *image,
		 struct context **out, struct err *err)
{
	struct context *context = xcalloc(1, sizeof(*context));

	context->arena = arena_new();
	context->source = source;
	context->commit = arena_strdup(context->arena, commit);
	context->image = image;
	buf_init(&context->text, DOCKERFILE_BYTES_MAX);
	buf_init(&context->ignore_text, CONTEXT_IGNORE_BYTES_MAX + 256);
	if (set_paths(context, err) < 0 || read_dockerfile(context, err) < 0 ||
	    list_members(context, err) < 0) {
		context_close(context);
		return -1;
	}
	context_rewind(context);
	*out = context;
	return 0;
}

void context_close(struct context *context)
{
	if (!context)
		return;
	context__stream_done(&context->stream);
	buf_done(&context->text);
	buf_done(&context->ignore_text);
	arena_free(context->arena);
	free(context);
}

const struct strings *context_bases(const struct context *context)
{
	return &context->parsed.bases;
}

const char *context_dockerfile_text(const struct context *context)
{
	return buf_str(&context->text);
}

const char *context_dockerfile_path(const struct context *context)
{
	return context->dockerfile;
}

const char *context_dockerfile_name(const struct context *context)
{
	return context->name;
}

bool context_needs_buildkit(const struct context *context)
{
	return context->parsed.needs_buildkit;
}
