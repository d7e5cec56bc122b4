/*
 * Alarms: metrics that changed their level, by the history. An alarm is a suspicion until an A/B
 * run between its two commits has confirmed or retracted it; later runs retract what they do not
 * show any more, and tell when the old level is back.
 */
#ifndef CMD_ALARMS_H
#define CMD_ALARMS_H

#include "store/store_ops.h"

/*
 * Look at what RUN, which STORE has, measured: each metric with a better side, as the commits of
 * COMMITS (first parents, newest first; the run's own is in front of them) measured it in the same
 * environment, by stats/changes.h. Another machine, driver or engine is another series, never an
 * alarm. TELL gets a line for each alarm that is new or has a new state, and may be NULL.
 */
int alarms_watch(struct store *store, const struct run *run, const struct strings *commits,
		 void (*tell)(void *payload, const char *line), void *payload, struct err *err);

/* What TRIAL showed of alarms between its two commits. */
int alarms_tried(struct store *store, const struct trial_row *trial, struct err *err);

#endif
