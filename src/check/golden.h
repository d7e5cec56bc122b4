/* Goldens of the kind `prompt`, for the command that shows and updates them. Not a kind. */
#ifndef CHECK_GOLDEN_H
#define CHECK_GOLDEN_H

#include "base/file.h"
#include "check/check_ops.h"

/* The golden file that a check of KIND with SPEC names, relative to the suite; NULL: it has none.
 */
const char *check_golden_file(const char *kind, const void *spec);

/* Its cases whose answers are compared with a golden; ARENA's. */
void check_golden_cases(const void *spec, struct arena *arena, struct strings *out);

/* Read the golden file PATH into OUT with memory of ARENA; a missing file has none. ERR_USAGE. */
int check_golden_load(const char *path, const struct file_reader *files, struct arena *arena,
		      struct pairs *out, struct err *err);

/* NULL: GOLDENS has none of NAME. */
const char *check_golden_find(const struct pairs *goldens, const char *name);

/*
 * What the cases NAMES answered, from the standard output that was kept of a check: case -> text.
 * ERR_USAGE: it was cut, an answer failed, two answers of one case differ, or one holds a secret.
 */
int check_golden_answers(const char *said, size_t len, const struct strings *names,
			 struct arena *arena, struct pairs *out, struct err *err);

#endif
