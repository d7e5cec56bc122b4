/*
 * Secrets of the environment. A process that holds one leaves no core dump and cannot be looked
 * into by other processes of its user.
 */
#ifndef BASE_HOLD_H
#define BASE_HOLD_H

/* From now on this process makes no core dump (prctl(2): PR_SET_DUMPABLE, which also holds where
 * dumps are piped to a program). */
void hold_begin(void);

/* The value of the variable NAME, NULL when it is not set; a value begins the holding. */
const char *hold_env(const char *name);

#endif
