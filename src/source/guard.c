/*
 * libgit2 1.5 never returns from reading a loose object that is cut off: its inflate loop takes "no
 * more input" for "not yet done". Such files are what a crash or a full disk leaves behind, so an
 * object database of ours stands in front of libgit2's loose one. It holds nothing: it inflates
 * the file once to see that it ends properly, and then says "not here".
 */
#include "base/file.h"
#include "base/mem.h"
#include "source/git.h"

#include <dirent.h>
#include <git2/sys/odb_backend.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PIECE ((size_t)64 * 1024)
#define FOLDERS_MAX 32 /* object folders: the repository's and its alternates */
#define ALTERNATES_MAX ((size_t)64 * 1024)
#define PRIORITY 2 /* as libgit2's packs, and asked after them; its loose objects have 1 */

struct guard {
	git_odb_backend backend; /* first: libgit2 hands back its address */
	char *folders[FOLDERS_MAX];
	size_t count;
	git_oid sound; /* the last object found sound */
};

/* Does FILE inflate to its end? */
static bool inflates(FILE *file)
{
	unsigned char *bytes = xcalloc(2, PIECE);
	z_stream stream = {0};
	int rc = inflateInit(&stream);

	while (rc == Z_OK) {
		if (!stream.avail_in) {
			stream.avail_in = (uInt)fread(bytes, 1, PIECE, file);
			stream.next_in = bytes;
		}
		stream.next_out = bytes + PIECE;
		stream.avail_out = (uInt)PIECE;
		rc = inflate(&stream, Z_NO_FLUSH); /* Z_BUF_ERROR: no input left and no end */
	}
	inflateEnd(&stream);
	free(bytes);
	return rc == Z_STREAM_END;
}

static int check(struct guard *guard, const git_oid *oid)
{
	char hex[OID_HEX], path[PATH_MAX];

	if (git_oid_equal(oid, &guard->sound))
		return GIT_ENOTFOUND;
	git_oid_tostr(hex, sizeof(hex), oid);
	for (size_t i = 0; i < guard->count; i++) {
		FILE *file;
		bool sound;

		(void)snprintf(path, sizeof(path), "%s/%.2s/%s", guard->folders[i], hex, hex + 2);
		file = fopen(path, "re");
		if (!file)
			continue;
		sound = inflates(file);
		(void)fclose(file);
		if (!sound) {
			git_error_set_str(GIT_ERROR_ODB, "its file is damaged or cut off");
			return GIT_ERROR;
		}
	}
	git_oid_cpy(&guard->sound, oid);
	return GIT_ENOTFOUND;
}

static int guard_read(void **data, size_t *len, git_object_t *type, git_odb_backend *backend,
		      const git_oid *oid)
{
	(void)data;
	(void)len;
	(void)type;
	return check((struct guard *)backend, oid);
}

static int guard_read_header(size_t *len, git_object_t *type, git_odb_backend *backend,
			     const git_oid *oid)
{
	(void)len;
	(void)type;
	return check((struct guard *)backend, oid);
}

/* The loose objects of FOLDER whose names begin with the LEN digits at HEX. */
static int check_folder(struct guard *guard, const char *folder, const char *hex, size_t len)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int code = GIT_ENOTFOUND;

	(void)snprintf(path, sizeof(path), "%s/%.2s", folder, hex);
	dir = opendir(path);
	while (dir && code == GIT_ENOTFOUND && (entry = readdir(dir)) != NULL) {
		char name[OID_HEX];
		git_oid oid;

		if (strlen(entry->d_name) != OID_HEX - 3 ||
		    strncmp(entry->d_name, hex + 2, len - 2) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.2s%.38s", hex, entry->d_name);
		if (git_oid_fromstr(&oid, name) == 0)
			code = check(guard, &oid);
	}
	if (dir)
		closedir(dir);
	return code;
}

static int guard_read_prefix(git_oid *found, void **data, size_t *size, git_object_t *type,
			     git_odb_backend *backend, const git_oid *prefix, size_t len)
{
	struct guard *guard = (struct guard *)backend;
	char hex[OID_HEX];
	int code = GIT_ENOTFOUND;

	(void)found;
	(void)data;
	(void)size;
	(void)type;
	if (len < GIT_OID_MINPREFIXLEN)
		return GIT_ENOTFOUND;
	git_oid_tostr(hex, sizeof(hex), prefix);
	for (size_t i = 0; i < guard->count && code == GIT_ENOTFOUND; i++)
		code = check_folder(guard, guard->folders[i], hex, len);
	return code;
}

static int guard_exists(git_odb_backend *backend, const git_oid *oid)
{
	(void)backend;
	(void)oid;
	return 0;
}

static int guard_foreach(git_odb_backend *backend, git_odb_foreach_cb callback, void *payload)
{
	(void)backend;
	(void)callback;
	(void)payload;
	return 0;
}

static void guard_free(git_odb_backend *backend)
{
	struct guard *guard = (struct guard *)backend;

	for (size_t i = 0; i < guard->count; i++)
		free(guard->folders[i]);
	free(guard);
}

/* FOLDER and, line by line, the alternates that its info/alternates names. */
static void add_folders(struct guard *guard, const char *folder)
{
	char path[PATH_MAX];
	struct buf text;
	char *rest, *line;

	if (guard->count == FOLDERS_MAX)
		return;
	for (size_t i = 0; i < guard->count; i++)
		if (strcmp(guard->folders[i], folder) == 0)
			return;
	guard->folders[guard->count++] = xstrdup(folder);
	(void)snprintf(path, sizeof(path), "%s/info/alternates", folder);
	buf_init(&text, ALTERNATES_MAX);
	rest = file_read(path, &text, NULL) == 0 ? text.data : NULL;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char joined[PATH_MAX], real[PATH_MAX];

		if (!*line || *line == '#')
			continue;
		(void)snprintf(joined, sizeof(joined), "%s%s%s", *line == '/' ? "" : folder,
			       *line == '/' ? "" : "/", line);
		if (realpath(joined, real))
			add_folders(guard, real);
	}
	buf_done(&text);
}

int git__guard(struct source *source, struct err *err)
{
	struct guard *guard = xcalloc(1, sizeof(*guard));
	git_buf objects = {0};

	git_odb_init_backend(&guard->backend, GIT_ODB_BACKEND_VERSION);
	guard->backend.read = guard_read;
	guard->backend.read_prefix = guard_read_prefix;
	guard->backend.read_header = guard_read_header;
	guard->backend.exists = guard_exists;
	guard->backend.foreach = guard_foreach;
	guard->backend.free = guard_free;
	if (git_repository_item_path(&objects, source->repo, GIT_REPOSITORY_ITEM_OBJECTS) == 0)
		add_folders(guard, objects.ptr);
	git_buf_dispose(&objects);
	if (git_odb_add_backend(source->odb, &guard->backend, PRIORITY) == 0)
		return 0;
	guard_free(&guard->backend);
	return err_set(err, ERR_BUG, "libgit2 takes no object database of ours: %s",
		       git__message());
}
