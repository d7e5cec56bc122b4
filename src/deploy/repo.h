/* The files of a commit, or of a folder, that rules read beside the image: Dockerfiles,
 * requirements, constraints, small sources. */
#ifndef DEPLOY_REPO_H
#define DEPLOY_REPO_H

#include "rules/rules.h"
#include "source/source.h"

#define REPO_FILE_BYTES_MAX ((size_t)256 * 1024)  /* larger files are left out */
#define REPO_FILES_MAX 4000			  /* kept */
#define REPO_BYTES_MAX ((size_t)32 * 1024 * 1024) /* kept, together */
#define REPO_DEPTH_MAX 8			  /* folders below each other */
#define REPO_SEEN_MAX 200000			  /* entries looked at */

struct repo_files {
	struct repo_file *items;
	size_t count;
	const char
		*dockerfile; /* "Dockerfile", else the only *Dockerfile*; NULL: none or several */
};

/* Is a file of this name read? Tools' own folders (.git, node_modules, virtual environments) are
 * not entered. */
bool repo_wants(const char *path);

/* From COMMIT, without touching the work tree. */
int repo_read_commit(struct source *source, const char *commit, struct arena *arena,
		     struct repo_files *out, struct err *err);
/* From the folder DIR as it is; links are not followed. ERR_USAGE: no such folder. */
int repo_read_folder(const char *dir, struct arena *arena, struct repo_files *out, struct err *err);

#endif
