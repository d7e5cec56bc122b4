/* `assay suite golden`: goldens of a check beside what a run got, and their update. */
#ifndef CMD_GOLDEN_H
#define CMD_GOLDEN_H

#include "cmd/cmd.h"
#include "suite/suite.h"

struct golden_request {
	const char *file;  /* of the suite */
	const char *check; /* its name */
	const char *run;   /* id, NULL: the newest run of the suite that made the check */
	bool update;
	bool quiet;
};

/* Print the difference, and write it with UPDATE. CODE is 1 when there is one that was not
 * written. */
int golden_show(const struct golden_request *request, const struct suite *suite, int *code,
		struct err *err);

#endif
