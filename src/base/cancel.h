/* Ctrl-C: one flag for the process. Long waits below cmd poll it and fail with ERR_CANCELLED. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include "base/err.h"

#include <stdbool.h>

/* Install handlers for SIGINT, SIGTERM and SIGHUP that set the flag; SIGPIPE is ignored.
 * A second SIGINT ends the process at once. */
void cancel_install(void);
bool cancel_requested(void);
/* -1 with ERR_CANCELLED "interrupted" when requested, else 0. */
int cancel_check(struct err *err);

#endif
