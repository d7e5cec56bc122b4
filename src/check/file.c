/* A path of the image: existence, type, mode, owner, content, hash. Nothing is run. */
#include "check/text.h"

#include <stdio.h>
#include <string.h>

#define CONTENT_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct spec {
	const char *path;
	bool exists;
	int type;
	const char *mode;
	int64_t uid, gid;
	bool follow;
	const char *link;
	const char *sha256;
	uint64_t size_min, size_max;
	struct text_spec content;
};

static const char *const types[] = {"file", "folder", "symlink", "other", NULL};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .required = true,
	 .nonempty = true,
	 .help = "absolute path in the image"},
	{.name = "exists",
	 .type = FIELD_BOOL,
	 .offset = AT(exists),
	 .def = "true",
	 .help = "false: nothing may be there"},
	{.name = "type",
	 .type = FIELD_ENUM,
	 .offset = AT(type),
	 .choices = types,
	 .help = "what the path must be"},
	{.name = "mode",
	 .type = FIELD_STRING,
	 .offset = AT(mode),
	 .nonempty = true,
	 .help = "permission bits in octal, such as 0644"},
	{.name = "uid",
	 .type = FIELD_INT,
	 .offset = AT(uid),
	 .max = 4294967295.0,
	 .help = "number of the owning user"},
	{.name = "gid",
	 .type = FIELD_INT,
	 .offset = AT(gid),
	 .max = 4294967295.0,
	 .help = "number of the owning group"},
	{.name = "follow",
	 .type = FIELD_BOOL,
	 .offset = AT(follow),
	 .def = "true",
	 .help = "look at what a symlink points to"},
	{.name = "link",
	 .type = FIELD_STRING,
	 .offset = AT(link),
	 .nonempty = true,
	 .help = "what the symlink must say; implies follow false"},
	{.name = "sha256",
	 .type = FIELD_STRING,
	 .offset = AT(sha256),
	 .nonempty = true,
	 .help = "hash of the content, 64 hex digits"},
	{.name = "min_size",
	 .type = FIELD_SIZE,
	 .offset = AT(size_min),
	 .help = "smallest size in bytes"},
	{.name = "max_size",
	 .type = FIELD_SIZE,
	 .offset = AT(size_max),
	 .help = "largest size in bytes"},
	{.name = "contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(content.contains),
	 .nonempty = true,
	 .help = "texts that must all occur"},
	{.name = "matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(content.matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that must all match"},
	{.name = "not_contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(content.not_contains),
	 .nonempty = true,
	 .help = "texts that must not occur"},
	{.name = "not_matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(content.not_matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that must not match"},
	{.name = "equals",
	 .type = FIELD_STRING,
	 .offset = AT(content.equals),
	 .help = "the whole content, white space at the end aside"},
	{.name = "empty",
	 .type = FIELD_TRISTATE,
	 .offset = AT(content.empty),
	 .help = "true: the file must be empty"},
	{.name = NULL},
};
#undef AT

/* Octal digits, at most 07777. */
static int parse_mode(const char *text, uint32_t *out)
{
	uint32_t mode = 0;
	size_t len = strspn(text, "01234567");

	if (!len || text[len] || len > 5)
		return -1;
	for (; *text; text++)
		mode = mode * 8 + (uint32_t)(*text - '0');
	*out = mode;
	return mode <= 07777 ? 0 : -1;
}

static bool wants_content(const struct spec *spec)
{
	return spec->sha256 || text_asserts_anything(&spec->content);
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	uint32_t mode;

	if (spec->path[0] != '/')
		return err_set(err, ERR_USAGE, "path '%s' is not absolute", spec->path);
	if (spec->mode && parse_mode(spec->mode, &mode) < 0)
		return err_set(err, ERR_USAGE, "mode '%s' is not octal, such as 0644", spec->mode);
	if (spec->sha256 &&
	    (strlen(spec->sha256) != 64 || strspn(spec->sha256, "0123456789abcdefABCDEF") != 64))
		return err_set(err, ERR_USAGE, "sha256 is 64 hex digits");
	if (!spec->exists && (spec->type >= 0 || spec->mode || spec->link || wants_content(spec)))
		return err_set(err, ERR_USAGE,
			       "contradicts itself: exists is false, yet more is asserted");
	return 0;
}

static int fail(struct check_ctx *ctx, const struct spec *spec, struct case_result *out,
		const char *label, const char *expected, const char *actual)
{
	case_fail(out, label, expected, actual, arena_printf(ctx->arena, "file %s", spec->path),
		  NULL);
	return 0;
}

/* Type, mode, owner, link, size. 1: all hold, 0: OUT fails. */
static int judge_stat(struct check_ctx *ctx, const struct spec *spec, const struct file_info *info,
		      struct case_result *out)
{
	struct arena *arena = ctx->arena;
	uint32_t mode = 0;

	if (spec->type >= 0 && (int)info->type != spec->type)
		return fail(ctx, spec, out, "file/type-mismatch", types[spec->type],
			    types[info->type]);
	if (spec->link && (info->type != FILE_SYMLINK || strcmp(spec->link, info->link) != 0))
		return fail(ctx, spec, out, "file/type-mismatch",
			    arena_printf(arena, "a symlink to %s", spec->link),
			    info->type == FILE_SYMLINK
				    ? arena_printf(arena, "a symlink to %s", info->link)
				    : types[info->type]);
	if (spec->mode && parse_mode(spec->mode, &mode) == 0 && mode != info->mode)
		return fail(ctx, spec, out, "file/mode-mismatch",
			    arena_printf(arena, "mode %04o", mode),
			    arena_printf(arena, "mode %04o", info->mode));
	if ((spec->uid != FIELD_ABSENT_INT && spec->uid != info->uid) ||
	    (spec->gid != FIELD_ABSENT_INT && spec->gid != info->gid))
		return fail(
			ctx, spec, out, "file/owner-mismatch",
			arena_printf(
				arena, "uid %lld, gid %lld",
				(long long)(spec->uid == FIELD_ABSENT_INT ? info->uid : spec->uid),
				(long long)(spec->gid == FIELD_ABSENT_INT ? info->gid : spec->gid)),
			arena_printf(arena, "uid %u, gid %u", info->uid, info->gid));
	if (info->size_bytes < spec->size_min ||
	    (spec->size_max && info->size_bytes > spec->size_max))
		return fail(
			ctx, spec, out, "file/content-mismatch",
			arena_printf(arena, "%llu to %llu bytes",
				     (unsigned long long)spec->size_min,
				     (unsigned long long)spec->size_max),
			arena_printf(arena, "%llu bytes", (unsigned long long)info->size_bytes));
	return 1;
}

static int judge_content(struct check_ctx *ctx, const struct spec *spec,
			 const struct file_info *info, struct case_result *out, struct err *err)
{
	const char *wrong, *text;
	int rc = 0;

	if (!wants_content(spec))
		return 1;
	if (info->type != FILE_REGULAR)
		return fail(ctx, spec, out, "file/type-mismatch", "a file with content",
			    types[info->type]);
	if (spec->sha256 && strcasecmp(spec->sha256, info->sha256) != 0)
		return fail(ctx, spec, out, "file/hash-mismatch", spec->sha256, info->sha256);
	wrong = text_judge(&spec->content, info->content, info->content_len, ctx->arena, &rc, err);
	if (rc < 0)
		return -1;
	if (!wrong)
		return 1;
	if (info->content_truncated)
		return err_set(err, ERR_LIMIT,
			       "%s: only the first %zu bytes were read; %s not found "
			       "there",
			       spec->path, info->content_len, wrong);
	text = text_redact(ctx->target->image, info->content, info->content_len, ctx->arena);
	return fail(ctx, spec, out, "file/content-mismatch", wrong,
		    text_quote(text, strlen(text), ctx->arena));
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	struct file_info info = {0};
	int rc = ctx->target->ops->file(ctx->target->self, spec->path,
					spec->follow && !spec->link && spec->type != FILE_SYMLINK,
					wants_content(spec) ? CONTENT_BYTES_MAX : 0, ctx->arena,
					&info, err);

	if (rc < 0 && err->code != ERR_NOTFOUND)
		return -1;
	if (rc < 0 && spec->exists)
		return fail(ctx, spec, out, "file/missing", "a file", "nothing at this path");
	if (rc == 0 && !spec->exists)
		return fail(ctx, spec, out, "file/present", "nothing at this path",
			    types[info.type]);
	if (rc == 0) {
		rc = judge_stat(ctx, spec, &info, out);
		if (rc == 1)
			rc = judge_content(ctx, spec, &info, out, err);
		if (rc <= 0)
			return rc;
	}
	case_pass(out, spec->exists ? arena_printf(ctx->arena, "%s, mode %04o, %llu bytes",
						   types[info.type], info.mode,
						   (unsigned long long)info.size_bytes)
				    : "nothing at this path");
	return 0;
}

const struct check_ops check_file = {
	.kind = "file",
	.summary = "a path of the image: existence, type, mode, owner, content, hash",
	.needs = NEED_IMAGE,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
