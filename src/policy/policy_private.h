/* Shared by the files of this room. */
#ifndef POLICY_POLICY_PRIVATE_H
#define POLICY_POLICY_PRIVATE_H

#include "policy/policy.h"

/* What the root table fills. */
struct policy_root {
	int64_t version;
	const char *schema; /* for editors */
	struct policy policy;
};

/* A decision being made. */
struct judge {
	const struct policy *policy;
	const struct policy_input *input;
	struct arena *arena;
	const char *image_id; /* the input's, else that of the newest run */
	struct policy_decision *out;
};

/* A case as it stands: its newest record on this image, with this suite, on this driver. */
struct standing {
	const struct case_result *result;
	const struct run *run;
	const char *driver;	      /* that it was made on, "" where that is not known */
	const struct run *failed_in;  /* an earlier run in which it failed, NULL: none */
	const struct run *excused_in; /* an earlier one in which its failure was excused */
	int64_t undecided;	      /* runs since the last decision */
	bool required;
};

/* What is known of one suite. */
struct past {
	const char *suite;
	const struct run **runs; /* that count, newest first */
	size_t run_count;
	struct standing *cases;
	size_t case_count;
};

/* Add a reason. COMMAND and TEXT are the arena's or live as long. */
void policy__close(const struct judge *judge, const char *rule, const struct run *run,
		   const struct case_result *result, const char *text, const char *command);

/* The command that makes a new run: of the suite and commit of RUN (NULL: of the input's commit),
 * and of the check of RESULT alone unless NULL. */
const char *policy__run_command(const struct judge *judge, const struct run *run,
				const struct case_result *result);

/* The waiver in force for RESULT, or for METRIC of it; NULL: none. NOTE gets why the one that would
 * have fitted does not count, "" when there is none. */
const struct policy_waiver *policy__waiver(const struct judge *judge,
					   const struct case_result *result, const char *metric,
					   const char **note);
/* Write down that WAIVER was needed. */
void policy__waived(const struct judge *judge, const struct policy_waiver *waiver,
		    const char *what);

/* Does the name of RESULT, with or without its target, match PATTERN? */
bool policy__names(const char *pattern, const struct case_result *result);

/* What the environment of the run that made RESULT says of KEY: of RUN, which has it, or of the one
 * that RUN took it from. NULL: that one is not known, or does not say. */
const char *policy__environment(const struct judge *judge, const struct run *run,
				const struct case_result *result, const char *key);
/* Was the result in STANDING made in CELL? */
bool policy__in_cell(const struct judge *judge, const struct policy_cell *cell,
		     const struct standing *standing);
/* "rtx5090, driver 570". */
const char *policy__cell_name(const struct policy_cell *cell, struct arena *arena);

/* Oldest age in ms of a result of KIND. */
int64_t policy__max_age_ms(const struct policy *policy, const struct policy_require *require,
			   const char *kind);
/* When the result was made: its run's start, or that of the run it was taken from. 0 or -1. */
int policy__made_ms(const struct run *run, const struct case_result *result, int64_t *ms);

/* Fill PAST for SUITE from the records; closes on what no case can say. */
void policy__collect(const struct judge *judge, const char *suite, struct past *past);

/* Close unless the result in STANDING is as young as REQUIRE (zeroed: as the policy) wants. */
void policy__judge_age(const struct judge *judge, const struct standing *standing,
		       const struct policy_require *require);

void policy__judge_required(const struct judge *judge, struct past *pasts, size_t count);
void policy__judge_metrics(const struct judge *judge, const struct past *pasts, size_t count);
/* All cases that no requirement names: after the required ones. */
void policy__judge_others(const struct judge *judge, const struct past *pasts, size_t count);

#endif
