/* A path of the image: existence, type, mode, owner, content, hash. Nothing is run. */
#include "check/text.h"

#include <string.h>

#define CONTENT_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define SIZE_UNBOUNDED "8388608GiB" /* 2^53 bytes: "no max_size", while 0 is a bound */

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

static const char *const types[] = {"file", "folder", "symlink", NULL};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .required = true,
	 .nonempty = true,
	 .help = "absolute path in the image; without another key it must exist"},
	{.name = "exists",
	 .type = FIELD_BOOL,
	 .offset = AT(exists),
	 .def = "true",
	 .help = "false: nothing may be there"},
	{.name = "type",
	 .type = FIELD_ENUM,
	 .offset = AT(type),
	 .choices = types,
	 .help = "what the path must be; symlink implies follow false"},
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
	 .def = SIZE_UNBOUNDED,
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
	 .help = "patterns (PCRE2, ^ and $ at lines) that must all match"},
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
	 .help = "true: there must be no content but white space, false: there must be some"},
	{.name = NULL},
};
#undef AT

/* --- spec ------------------------------------------------------------------------------------ */

/* Octal digits, at most 07777. */
static int parse_mode(const char *text, uint32_t *out)
{
	uint32_t mode = 0;
	size_t len = strspn(text, "01234567");

	if (!len || text[len] || len > 5)
		return -1;
	for (; *text; text++)
		mode = mode * 8 + (uint32_t)(*text - '0');
	if (mode > 07777)
		return -1;
	*out = mode;
	return 0;
}

static bool wants_content(const struct spec *spec)
{
	return spec->sha256 || check_text_asserts(&spec->content);
}

static bool wants_link(const struct spec *spec)
{
	return spec->link || spec->type == FILE_SYMLINK;
}

static bool wants_size(const struct spec *spec)
{
	return spec->size_min > 0 || spec->size_max < UINT64_C(1) << 53;
}

static bool is_sha256(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

static int validate_together(const struct spec *spec, struct err *err)
{
	bool more = spec->type >= 0 || spec->mode || spec->link || spec->uid != FIELD_ABSENT_INT ||
		    spec->gid != FIELD_ABSENT_INT || wants_size(spec) || wants_content(spec);
	const char *why = NULL;

	if (!spec->exists && more)
		why = "\"exists\" is false, yet more is asserted";
	else if (spec->link && spec->type >= 0 && spec->type != FILE_SYMLINK)
		why = "only a symlink has a \"link\"";
	else if (wants_link(spec) && wants_content(spec))
		why = "a symlink itself has no content";
	else if (wants_content(spec) && spec->type == FILE_FOLDER)
		why = "a folder has no content";
	else if (spec->size_min > spec->size_max)
		why = "\"min_size\" is above \"max_size\"";
	if (why)
		return err_set(err, ERR_USAGE, "contradicts itself: %s", why);
	return check_text_asserts(&spec->content)
		       ? check_text_validate(&spec->content, "content", err)
		       : 0;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	uint32_t mode;

	if (spec->path[0] != '/')
		return err_set(err, ERR_USAGE, "path \"%s\" is not absolute", spec->path);
	if (spec->mode && parse_mode(spec->mode, &mode) < 0)
		return err_set(err, ERR_USAGE, "mode \"%s\" is not octal, such as 0644",
			       spec->mode);
	if (spec->sha256 && !is_sha256(spec->sha256))
		return err_set(err, ERR_USAGE, "sha256 is not 64 hex digits");
	return validate_together(spec, err);
}

/* --- judging --------------------------------------------------------------------------------- */

struct look {
	struct trial *trial;
	const struct spec *spec;
	const struct file_info *info;
	const char *where;
};

static void fail(const struct look *look, const char *label, const char *expected,
		 const char *actual)
{
	check_trial_fail(look->trial, label, look->where, expected, actual);
}

static const char *describe(const struct look *look)
{
	if (look->info->type == FILE_OTHER)
		return "a special file";
	if (look->info->type != FILE_SYMLINK || !look->info->link)
		return types[look->info->type];
	return arena_printf(look->trial->ctx->arena, "symlink to %s", look->info->link);
}

static void judge_type(const struct look *look)
{
	const struct spec *spec = look->spec;
	const struct file_info *info = look->info;

	if (spec->link &&
	    (info->type != FILE_SYMLINK || !info->link || strcmp(spec->link, info->link) != 0))
		fail(look, "file/type-mismatch",
		     arena_printf(look->trial->ctx->arena, "symlink to %s", spec->link),
		     describe(look));
	else if (spec->type >= 0 && (int)info->type != spec->type)
		fail(look, "file/type-mismatch", types[spec->type], describe(look));
	else if (wants_content(spec) && info->type != FILE_REGULAR)
		fail(look, "file/type-mismatch", "a file with content", describe(look));
}

static void judge_mode(const struct look *look)
{
	struct arena *arena = look->trial->ctx->arena;
	uint32_t mode = 0;

	if (look->spec->mode && parse_mode(look->spec->mode, &mode) == 0 &&
	    mode != look->info->mode)
		fail(look, "file/mode-mismatch", arena_printf(arena, "mode %04o", mode),
		     arena_printf(arena, "mode %04o", look->info->mode));
}

static void judge_id(const struct look *look, const char *name, int64_t wanted, uint32_t have)
{
	struct arena *arena = look->trial->ctx->arena;

	if (wanted != FIELD_ABSENT_INT && wanted != have)
		fail(look, "file/owner-mismatch",
		     arena_printf(arena, "%s %lld", name, (long long)wanted),
		     arena_printf(arena, "%s %u", name, have));
}

static void judge_size(const struct look *look)
{
	const struct spec *spec = look->spec;
	struct arena *arena = look->trial->ctx->arena;
	uint64_t size = look->info->size_bytes;

	if (size < spec->size_min || size > spec->size_max)
		fail(look, "file/content-mismatch",
		     arena_printf(arena, "%s %llu bytes",
				  size < spec->size_min ? "at least" : "at most",
				  (unsigned long long)(size < spec->size_min ? spec->size_min
									     : spec->size_max)),
		     arena_printf(arena, "%llu bytes", (unsigned long long)size));
}

static int judge_content(const struct look *look, struct err *err)
{
	const struct spec *spec = look->spec;
	const struct file_info *info = look->info;
	struct text_view view = {.text = info->content,
				 .len = info->content_len,
				 .cut = info->content_truncated,
				 .name = "the file",
				 .open = true,
				 .advice = "assert its sha256 instead"};

	if (!wants_content(spec) || info->type != FILE_REGULAR)
		return 0;
	if (!info->content || (spec->sha256 && !info->sha256))
		return err_set(err, ERR_BUG, "%s: its content was not read", spec->path);
	if (spec->sha256 && strcasecmp(spec->sha256, info->sha256) != 0)
		fail(look, "file/hash-mismatch", spec->sha256, info->sha256);
	if (!check_text_asserts(&spec->content))
		return 0;
	return check_text_judge(look->trial, &spec->content, &view, "file/content-mismatch",
				look->where, err);
}

static int judge(const struct look *look, struct err *err)
{
	if (!look->spec->exists) {
		fail(look, "file/present", "nothing at this path", describe(look));
		return 0;
	}
	judge_type(look);
	judge_mode(look);
	judge_id(look, "uid", look->spec->uid, look->info->uid);
	judge_id(look, "gid", look->spec->gid, look->info->gid);
	judge_size(look);
	return judge_content(look, err);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const struct target *target = ctx->target;
	const char *where = arena_printf(ctx->arena, "file %s", spec->path);
	const char *actual = "nothing at this path";
	bool follow = spec->follow && !wants_link(spec) && spec->exists;
	struct file_info info = {0};
	struct trial trial;
	struct look look = {&trial, spec, &info, where};
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = target->ops->file(target->self, spec->path, follow,
			       wants_content(spec) ? CONTENT_BYTES_MAX : 0, ctx->arena, &info, err);
	if (rc == 0) {
		rc = judge(&look, err);
		actual = arena_printf(ctx->arena, "%s, mode %04o, %llu bytes", describe(&look),
				      info.mode, (unsigned long long)info.size_bytes);
	} else if (err->code == ERR_NOTFOUND) {
		rc = 0;
		if (spec->exists)
			check_trial_fail(&trial, "file/missing", where,
					 spec->type >= 0 ? types[spec->type] : "a file", actual);
	}
	return check_trial_end(&trial, rc, where, actual, err);
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
