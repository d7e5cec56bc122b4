/* Shared by the formats: text from outside, character by character, and facts several print. */
#ifndef REPORT_REPORT_PRIVATE_H
#define REPORT_REPORT_PRIVATE_H

#include "report/report_ops.h"

#include <stdint.h>

struct counts {
	unsigned passed, failed, skipped, undone;
	unsigned expected, unexpected, quarantined, flaky; /* by the mark, and no more above */
};

/*
 * The next character of *TEXT, which is moved behind it; 0 at the end. BYTES/LEN give its UTF-8.
 * Every byte that is no UTF-8 counts as one U+FFFD.
 */
uint32_t report_next(const char **text, const char **bytes, size_t *len);

/* Would C move the cursor, change the terminal, or reorder the line instead of showing itself?
 * Also line ends. */
bool report_is_control(uint32_t c);

/* Append TEXT (NULL: nothing) as one line: controls become spaces. At most COLUMNS characters,
 * the last of which is then "…"; 0: all. */
void report_add_line(struct buf *out, const char *text, size_t columns);

/* Characters that report_add_line appends for TEXT without a limit. */
size_t report_columns(const char *text);

struct counts report_count(const struct run *run);
/* "5 passed, 1 failed, 1 skipped", only what there is */
const char *report_counts_text(const struct counts *counts, struct arena *arena);

/* The step that failed the build, NULL when none did. */
const struct step *report_failed_step(const struct run *run);

bool report_is_build(const struct case_result *result);

/* Names of the cases that FLIP says, ", " between; for FLIP_GONE those of the baseline.
 * NULL when there are none. */
const char *report_flip_names(const struct run *run, enum flip flip, struct arena *arena);

#endif
