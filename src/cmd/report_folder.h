/* A folder that appears whole: files are written beside it, then it takes the place of the old. */
#ifndef CMD_REPORT_FOLDER_H
#define CMD_REPORT_FOLDER_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct report_folder {
	char *path;    /* where it will be */
	char *scratch; /* where it is written */
	size_t files;
	uint64_t bytes;
};

/* ERR_USAGE when PATH is there and is neither empty nor an earlier report: nobody's files are
 * removed. */
int report_folder_begin(const char *path, struct report_folder *out, struct err *err);
/* NAME may have folders. */
int report_folder_write(struct report_folder *folder, const char *name, const void *data,
			size_t len, struct err *err);
/* Put it in place. */
int report_folder_commit(struct report_folder *folder, struct err *err);
/* Remove what was not put in place, and free. */
void report_folder_end(struct report_folder *folder);

#endif
