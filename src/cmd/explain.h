/* What the image itself tells about a failed build or a regression: notes of the run. */
#ifndef CMD_EXPLAIN_H
#define CMD_EXPLAIN_H

#include "deploy/inspect.h"
#include "model/run.h"

#define EXPLAIN_FINDINGS_MAX 8
#define EXPLAIN_CHANGES_MAX 12

/* Is there anything to explain: a failed build, or a case that regressed? */
bool explain_needed(const struct run *run);

/* Add notes to RUN: what differs from the baseline's image, and the worst findings for the run's
 * targets. -1: the image could not be read. */
int explain_run(struct run *run, struct inspection *inspection, struct err *err);

#endif
