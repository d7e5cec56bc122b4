/*
 * Progress for people, on standard error. On a terminal one line that is redrawn: what runs, for
 * how long, and how long it may still take by what the history knows. Elsewhere a line per event.
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "model/run.h"

struct progress;

/* QUIET shows nothing. */
struct progress *progress_start(bool quiet);
/* Takes the line away and frees. NULL is allowed. */
void progress_stop(struct progress *progress);
bool progress_is_live(const struct progress *progress); /* a terminal that estimates help */

/* PAYLOAD is the progress. LINE says what happens now; any thread. */
void progress_say(void *payload, const char *line);
/* It may take LEFT_NS from now; UINT64_MAX: unknown. */
void progress_left(void *payload, uint64_t left_ns);

/*
 * What is left, by TYPICAL, an earlier run that built its image: from the beginning of step NUMBER
 * of the build, and when DONE of TOTAL cases are judged. UINT64_MAX: TYPICAL cannot tell.
 */
uint64_t progress_of_build(const struct run *typical, unsigned number);
uint64_t progress_of_cases(const struct run *typical, size_t done, size_t total);

#endif
