/* `assay suite apply`: a suite's checks on the bytes of an image that exists. */
#ifndef CMD_APPLY_H
#define CMD_APPLY_H

#include "cmd/cmd.h"

struct apply_request {
	const char *word; /* names the image, see SUBJECT_GUESS */
	const char *engine;
	const struct common_options *common;
	bool verbose;
};

/* Judge, print the report, and give the exit code. Nothing is run or recorded; checks that need a
 * command break. */
int apply_suite(const struct apply_request *request, const struct suite *suite, int *code,
		struct err *err);

#endif
