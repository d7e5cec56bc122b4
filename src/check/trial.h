/*
 * One case while it is judged: the mismatches found so far, and what must not be shown. Every kind
 * begins a trial, adds what is wrong, and ends it; texts become one line, redacted and cut, here
 * and nowhere else. Not a kind.
 */
#ifndef CHECK_TRIAL_H
#define CHECK_TRIAL_H

#include "check/check_ops.h"

#include "base/buf.h"

#define QUOTE_BYTES_MAX 200   /* of a quoted text */
#define FINDING_BYTES_MAX 400 /* of one side of one mismatch */
#define FINDINGS_BYTES_MAX 1600

struct trial {
	struct check_ctx *ctx;
	struct case_result *out;
	struct strings secrets;
	const char *label; /* of the first mismatch, NULL while there is none */
	const char *where;
	struct buf expected, actual;
	const char *last; /* what was found last: said once when several mismatches share it */
	size_t omitted;	  /* mismatches that no longer fitted */
};

/* ENV: variables that the check itself sets, may be NULL. */
void check_trial_begin(struct trial *trial, struct check_ctx *ctx, const struct pairs *env,
		       struct case_result *out);

/* One mismatch. The first decides label and place of the case, all of them are named. */
void check_trial_fail(struct trial *trial, const char *label, const char *where,
		      const char *expected, const char *actual);

/* A mismatch when the log of the service holds a secret: of the image, handed over, or sent. */
void check_trial_log(struct trial *trial, const struct target_service_state *state);

/*
 * Close the trial and give RC back. With RC 0 the case fails with what was added, or passes with
 * WHERE and ACTUAL; with -1 it is broken, whatever was added, and ERR is redacted.
 */
int check_trial_end(struct trial *trial, int rc, const char *where, const char *actual,
		    struct err *err);

/* LEN bytes of TEXT in one line, redacted before it is cut; the second as 'TEXT' or "nothing". */
const char *check_trial_show(const struct trial *trial, const char *text, size_t len);
const char *check_trial_quote(const struct trial *trial, const char *text, size_t len);

/* The command line as a shell would take it, in one line. */
const char *check_trial_argv(const struct trial *trial, const struct strings *argv);

/*
 * Run COMMAND within the limits of the case. Captured output goes, redacted, to the case; RESULT
 * keeps it raw for judging. A command that is still running at its limit is -1 with ERR_TIMEOUT,
 * and the case then holds output and label all the same.
 */
int check_trial_run(struct trial *trial, struct command *command, struct command_result *result,
		    struct err *err);

/* What a failed command said last: of standard error, else of standard output; NULL: nothing. */
const char *check_trial_reason(const struct trial *trial);

#endif
