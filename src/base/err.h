/*
 * Errors: one object in caller storage, passed last.
 *
 * A function that can fail returns 0, or -1 with ERR filled; its outputs are then untouched.
 * Nothing here prints. The code decides the exit code of the command (DESIGN section 3),
 * so choose it by who has to act: the user (ERR_USAGE), the machine (ERR_INFRA), or we (ERR_BUG).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,     /* the user's input, configuration or suite is wrong: exit 2 */
	ERR_NOTFOUND,  /* the thing asked for does not exist; callers often expect this one */
	ERR_INFRA,     /* engine, network, disk, history store: exit 4 */
	ERR_TIMEOUT,   /* a deadline passed */
	ERR_LIMIT,     /* a named maximum of ours was exceeded */
	ERR_CANCELLED, /* Ctrl-C: exit 130 */
	ERR_BUG,       /* an invariant of ours does not hold: exit 4 */
};

struct err {
	enum err_code code;
	int sys; /* errno at the failure, 0 when none applies */
	char msg[1024];
};

/* Fill ERR (which may be NULL) and return -1, so that `return err_set(…)` reads well. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": strerror(errno)" appended and errno kept. */
int err_sys(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prefix the message with "FMT: ", keep the code, return -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
