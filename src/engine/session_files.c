/*
 * Files of a container through the archive API, which needs nothing of the image. The first header
 * of the archive says what PATH is; a folder's content is never read.
 *
 * Engines resolve links in the folders of a path but not its last part, and shorten "..", which
 * is wrong behind a linked folder: both are done here, inside the image, one part at a time.
 */
#include "base/digest.h"
#include "base/units.h"
#include "engine/session_private.h"
#include "parse/tar.h"

#include <string.h>

#define FILE_NS (UINT64_C(600) * NS_PER_S)

struct look {
	struct arena *arena;
	struct file_info info;
	bool want_content;
	bool seen;   /* INFO is filled */
	bool enough; /* the rest of the archive is of no interest */
	struct buf content;
	struct digest *digest;
	struct tar_reader *tar;
};

static enum file_type file_type_of(enum tar_type type)
{
	switch (type) {
	case TAR_FILE:
		return FILE_REGULAR;
	case TAR_FOLDER:
		return FILE_FOLDER;
	case TAR_SYMLINK:
		return FILE_SYMLINK;
	default:
		return FILE_OTHER;
	}
}

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct look *look = payload;

	if (look->seen) { /* the file is complete */
		look->enough = true;
		return err_set(err, ERR_BUG, "enough");
	}
	look->seen = true;
	look->info.type = file_type_of(entry->type);
	look->info.mode = entry->mode & 07777;
	look->info.uid = entry->uid;
	look->info.gid = entry->gid;
	look->info.size_bytes = entry->type == TAR_FILE ? entry->size : 0;
	if (entry->type == TAR_SYMLINK)
		look->info.link = arena_strdup(look->arena, entry->link ? entry->link : "");
	if (entry->type == TAR_FILE && look->want_content)
		return 0;
	look->enough = true;
	return err_set(err, ERR_BUG, "enough");
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct look *look = payload;

	(void)err;
	buf_add(&look->content, data, len);
	digest_add(look->digest, data, len);
	return 0;
}

static int on_piece(void *payload, const void *data, size_t len, struct err *err)
{
	struct look *look = payload;

	return tar_reader_feed(look->tar, data, len, err);
}

static int fetch(struct session *session, const char *path, struct look *look, struct err *err)
{
	struct http_request request = {.write = on_piece, .payload = look, .timeout_ns = FILE_NS};
	struct http_answer answer;
	struct buf full;
	int rc;

	buf_init(&full, ENGINE_PATH_MAX);
	buf_printf(&full, "/containers/%s/archive?path=", session->id);
	http_encode(path, &full);
	request.path = buf_str(&full);
	rc = engine__send(session->engine, &request, 200, 0, &answer, err);
	buf_done(&full);
	if (rc == 0) {
		http_answer_done(&answer);
		rc = tar_reader_end(look->tar, err);
	}
	if (look->enough)
		return 0;
	if (rc == 0 && !look->seen)
		return err_set(err, ERR_INFRA, "\"%s\": the engine sent an empty archive", path);
	return rc;
}

/* An archive that we cannot read is the engine's fault, never the user's. A file used as a folder
 * and a circle of links are missing paths; Docker calls them errors of its own. */
static int sort_error(const char *path, struct err *err)
{
	if (!err)
		return -1;
	if (err->code == ERR_USAGE)
		err->code = ERR_INFRA;
	if (err->code == ERR_INFRA &&
	    (strstr(err->msg, "not a directory") || strstr(err->msg, "too many links")))
		err->code = ERR_NOTFOUND;
	if (err->code == ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "the image has no \"%s\"", path);
	return err_wrap(err, "\"%s\" in the image", path);
}

/* "UID GID" or "UID GID TARGET"; without a target INFO's link is NULL. */
static int read_owner(const char *text, struct arena *arena, struct file_info *info)
{
	size_t user_len = strcspn(text, " ");
	const char *group_at = text[user_len] ? text + user_len + 1 : "";
	size_t group_len = strcspn(group_at, " ");
	int64_t user, group;

	if (units_parse_int(arena_strndup(arena, text, user_len), 0, UINT32_MAX, &user) < 0 ||
	    units_parse_int(arena_strndup(arena, group_at, group_len), 0, UINT32_MAX, &group) < 0)
		return -1;
	info->uid = (unsigned)user;
	info->gid = (unsigned)group;
	info->link = group_at[group_len] ? arena_strdup(arena, group_at + group_len + 1) : NULL;
	return 0;
}

/*
 * podman's archives look through a link, their header names only where a chain of links ends, and
 * every file in them is root's: so the agent is asked first. 1: PATH is a link, and OUT says where
 * it leads; 0: it is none, and OUT has its owner, or is not there, or THROUGH it is as good.
 */
static int ask_agent(struct session *session, const char *path, bool through, struct arena *arena,
		     struct file_info *out, struct err *err)
{
	const char *argv[] = {PROTOCOL_PROGRAM, PROTOCOL_ARG_LINK, path};
	const struct command command = {
		.argv = {argv, 3}, .user = "0", .workdir = "/", .output_max = 2 * TAR_PATH_MAX};
	struct file_info info = {.type = FILE_SYMLINK, .mode = 0777};
	struct command_result result;
	bool told;

	if (session_run(session, &command, arena, &result, err) < 0)
		return err_wrap(err, "\"%s\" in the image", path);
	told = !result.out_truncated && read_owner(result.out, arena, &info) == 0;
	if (told && (result.exit_code == PROTOCOL_LINK_NONE || (!result.exit_code && info.link)))
		*out = info;
	if (told && !result.exit_code && info.link)
		return 1;
	if (result.exit_code == PROTOCOL_LINK_NONE ||
	    (result.exit_code == PROTOCOL_LINK_CLOSED && through))
		return 0;
	return err_set(err, ERR_INFRA,
		       "cannot tell whether \"%s\" in the image is a link: podman's API looks "
		       "through links, and a folder on the way is closed to root",
		       path);
}

/* What PATH itself is. CONTENT_MAX 0: without content. THROUGH: what it leads to would do too. */
static int look_at(struct session *session, const char *path, bool through, size_t content_max,
		   struct arena *arena, struct file_info *out, struct err *err)
{
	struct look look = {.arena = arena, .want_content = content_max > 0};
	const struct tar_visitor visitor = {on_entry, on_data, &look};
	const bool ask = session->engine->podman;
	char hex[DIGEST_HEX];
	struct file_info told = {0};
	int rc = ask ? ask_agent(session, path, through, arena, &told, err) : 0;

	if (rc == 1)
		*out = told;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	look.tar = tar_reader_new(&visitor);
	look.digest = digest_new();
	buf_init(&look.content, content_max);
	rc = fetch(session, path, &look, err);
	digest_final(look.digest, hex);
	if (rc == 0 && look.info.type == FILE_REGULAR && content_max) {
		look.info.content = arena_strndup(arena, buf_str(&look.content), look.content.len);
		look.info.content_len = look.content.len;
		look.info.content_truncated = look.content.truncated;
		look.info.sha256 = arena_strdup(arena, hex);
	}
	if (ask) {
		look.info.uid = told.uid;
		look.info.gid = told.gid;
	}
	if (rc == 0)
		*out = look.info;
	else
		rc = sort_error(path, err);
	buf_done(&look.content);
	tar_reader_free(look.tar);
	return rc;
}

static bool has_dots(const char *path)
{
	const char *at;

	for (at = strstr(path, ".."); at; at = strstr(at + 1, ".."))
		if ((at == path || at[-1] == '/') && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

static int count_link(const char *path, unsigned *links, struct err *err)
{
	if (++*links > SESSION_LINKS_MAX)
		return err_set(err, ERR_NOTFOUND, "\"%s\" in the image: more than %d links", path,
			       SESSION_LINKS_MAX);
	return 0;
}

static const char *parent_of(const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : "";
}

/* PATH without "..": each folder before one is looked at, since it may be a link. */
static int resolve_dots(struct session *session, const char *path, struct arena *arena,
			unsigned *links, const char **out, struct err *err)
{
	const char *done = "", *rest = path;
	struct file_info info;

	while (has_dots(rest)) {
		size_t skip = strspn(rest, "/"), len = strcspn(rest + skip, "/");
		const char *part = arena_strndup(arena, rest + skip, len);
		const char *next;

		rest += skip + len;
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			done = parent_of(done, arena);
			continue;
		}
		next = arena_printf(arena, "%s/%s", done, part);
		if (look_at(session, next, false, 0, arena, &info, err) < 0)
			return -1;
		if (info.type != FILE_SYMLINK) {
			done = next;
			continue;
		}
		if (count_link(path, links, err) < 0)
			return -1;
		if (info.link[0] == '/')
			done = "";
		rest = arena_printf(arena, "%s/%s", info.link, rest);
	}
	*out = arena_printf(arena, "%s/%s", done, rest + strspn(rest, "/"));
	return 0;
}

static int follow_links(struct session *session, const char *path, size_t content_max,
			struct arena *arena, struct file_info *out, struct err *err)
{
	struct file_info info;
	unsigned links = 0;

	for (;;) {
		if (resolve_dots(session, path, arena, &links, &path, err) < 0 ||
		    look_at(session, path, true, content_max, arena, &info, err) < 0)
			return -1;
		if (info.type != FILE_SYMLINK)
			break;
		if (count_link(path, &links, err) < 0)
			return -1;
		path = info.link[0] == '/'
			       ? info.link
			       : arena_printf(arena, "%s/%s", parent_of(path, arena), info.link);
		if (strlen(path) > TAR_PATH_MAX)
			return err_set(err, ERR_NOTFOUND, "a link in the image is too long");
	}
	*out = info;
	return 0;
}

int session_file(struct session *session, const char *path, bool follow, size_t content_max,
		 struct arena *arena, struct file_info *out, struct err *err)
{
	const char *workdir = session->image.workdir ? session->image.workdir : "";
	unsigned links = 0;

	if (!*path || strlen(path) > TAR_PATH_MAX)
		return err_set(err, ERR_USAGE, "a path must have 1 to %d bytes", TAR_PATH_MAX);
	if (path[0] != '/')
		path = arena_printf(arena, "%s/%s", workdir, path);
	if (follow)
		return follow_links(session, path, content_max, arena, out, err);
	if (resolve_dots(session, path, arena, &links, &path, err) < 0)
		return -1;
	return look_at(session, path, false, content_max, arena, out, err);
}
