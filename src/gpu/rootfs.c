#include "gpu/rootfs.h"

#include "base/file.h"
#include "base/units.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define OPEN_FOLDERS 32
#define VERSION_BYTES_MAX 65536
#define FOUND_MAX 4096

/* nftw has no payload; one walk at a time. */
static struct {
	struct arena *arena;
	struct rootfs *out;
} walk;

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool in_packages(const char *path)
{
	const char *name = base_of(path);
	const char *parent = name - path > 9 ? name - 9 : NULL;

	return parent && !strncmp(parent, "packages/", 9);
}

static void note_package(const char *path)
{
	struct rootfs *out = walk.out;
	const char *name = base_of(path);

	if (!in_packages(path))
		return;
	if (!strcmp(name, "bitsandbytes") && !out->package)
		out->package = arena_strdup(walk.arena, path);
	if (!strcmp(name, "torch") && !out->torch)
		out->torch = arena_strdup(walk.arena, path);
	if (!strncmp(name, "bitsandbytes-", 13) && strstr(name, ".dist-info") && !out->version)
		out->version = arena_strndup(walk.arena, name + 13,
					     (size_t)(strstr(name, ".dist-info") - name) - 13);
}

static void note_library(const char *path)
{
	struct rootfs *out = walk.out;
	const char *name = base_of(path);
	size_t len = (size_t)(name - path) - 1;
	const char **slot;

	if (strncmp(name, "libcudart.so.", 13) != 0 && strncmp(name, "libcublas.so.", 13) != 0 &&
	    strncmp(name, "libcublasLt.so.", 15) != 0 &&
	    strncmp(name, "libcusparse.so.", 15) != 0 && strncmp(name, "libnvJitLink.so.", 16) != 0)
		return;
	for (size_t i = 0; i < out->folder_count; i++)
		if (strlen(out->folders[i]) == len && !memcmp(out->folders[i], path, len))
			return;
	if (out->folder_count == FOUND_MAX)
		return;
	slot = arena_push(walk.arena, &out->folders, &out->folder_count, sizeof(*slot));
	*slot = arena_strndup(walk.arena, path, len);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type == FTW_D && at->level == 1 &&
	    (!strcmp(base_of(path), "proc") || !strcmp(base_of(path), "sys") ||
	     !strcmp(base_of(path), "dev")))
		return FTW_SKIP_SUBTREE;
	if (type == FTW_D)
		note_package(path);
	if (type == FTW_F || type == FTW_SL)
		note_library(path);
	return FTW_CONTINUE;
}

int rootfs_torch_cuda(const char *text, unsigned *major, unsigned *minor)
{
	const char *line = text;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *quote = line + strcspn(line, "'\"\n");
		int64_t whole[2];
		char part[8];
		size_t len;

		if (strncmp(line, "cuda", 4) != 0 || (line[4] != ':' && line[4] != ' '))
			continue;
		if (*quote != '\'' && *quote != '"')
			return -1;
		len = strspn(++quote, "0123456789");
		if (len >= sizeof(part) || quote[len] != '.')
			return -1;
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, quote);
		if (units_parse_int(part, 1, 99, &whole[0]) < 0)
			return -1;
		quote += len + 1;
		(void)snprintf(part, sizeof(part), "%.*s", (int)strspn(quote, "0123456789"), quote);
		if (units_parse_int(part, 0, 99, &whole[1]) < 0)
			return -1;
		*major = (unsigned)whole[0];
		*minor = (unsigned)whole[1];
		return 0;
	}
	return -1;
}

static void read_torch(struct rootfs *out, struct arena *arena)
{
	struct buf text;

	if (!out->torch)
		return;
	buf_init(&text, VERSION_BYTES_MAX);
	if (file_read(arena_printf(arena, "%s/version.py", out->torch), &text, NULL) == 0)
		(void)rootfs_torch_cuda(buf_str(&text), &out->cuda_major, &out->cuda_minor);
	buf_done(&text);
}

/* The minor version of "0.50.1". */
static unsigned release_of(const char *version)
{
	char part[8] = "";
	int64_t minor;

	if (!version || strncmp(version, "0.", 2) != 0)
		return 0;
	(void)snprintf(part, sizeof(part), "%.*s", (int)strspn(version + 2, "0123456789"),
		       version + 2);
	return units_parse_int(part, 1, 9999, &minor) == 0 ? (unsigned)minor : 0;
}

static void list_package(struct rootfs *out, struct arena *arena)
{
	DIR *folder = out->package ? opendir(out->package) : NULL;
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL && out->file_count < FOUND_MAX) {
		const char **slot;

		if (strncmp(entry->d_name, "libbitsandbytes", 15) != 0)
			continue;
		slot = arena_push(arena, &out->files, &out->file_count, sizeof(*slot));
		*slot = arena_strdup(arena, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

int rootfs_read(const char *root, struct arena *arena, struct rootfs *out, struct err *err)
{
	struct rootfs made = {.package = NULL};

	walk.arena = arena;
	walk.out = &made;
	if (nftw(root, visit, OPEN_FOLDERS, FTW_PHYS | FTW_ACTIONRETVAL) < 0)
		return err_sys(err, ERR_NOTFOUND, "%s", root);
	made.release = release_of(made.version);
	read_torch(&made, arena);
	list_package(&made, arena);
	*out = made;
	return 0;
}

int rootfs_select(const struct rootfs *rootfs, const char *override, struct library_paths *paths,
		  struct select_output *selected, struct err *err)
{
	struct select_input in = {rootfs->release, rootfs->cuda_major, rootfs->cuda_minor,
				  override,	   rootfs->files,      rootfs->file_count};

	if (!rootfs->package)
		return err_set(err, ERR_NOTFOUND, "no bitsandbytes in the image");
	if (!rootfs->cuda_major)
		return err_set(err, ERR_NOTFOUND, "no torch with CUDA in the image");
	if (!in.release)
		in.release = LIBRARY_RELEASE_LAST;
	select_library(&in, selected);
	for (size_t i = 0; i < rootfs->folder_count && i < LIBRARY_FOLDERS_MAX; i++)
		(void)snprintf(paths->folders[paths->folder_count++], PATH_MAX, "%s",
			       rootfs->folders[i]);
	paths->release = rootfs->release;
	paths->cuda_major = library_cuda_major(selected->file);
	if (selected->how == SELECT_EXACT || selected->how == SELECT_OVERRIDE ||
	    selected->how == SELECT_NEAREST)
		(void)snprintf(paths->library, sizeof(paths->library), "%s/%s", rootfs->package,
			       selected->file);
	return 0;
}
