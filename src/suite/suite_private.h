/* Shared by the parts of the suite room. */
#ifndef SUITE_SUITE_PRIVATE_H
#define SUITE_SUITE_PRIVATE_H

#include "base/buf.h"
#include "base/digest.h"
#include "suite/suite.h"

/* Append TEXT to OUT with "${NAME}" replaced from VARS, then the environment, as JSON string
 * content; "$${" gives "${". Every variable used is added to DIGEST. ERR_USAGE "FILE:LINE:COL: …". */
int suite_expand(const char *file, const char *text, size_t len, const struct pairs *vars,
		 struct digest *digest, struct buf *out, struct err *err);

/* Keys of a check that are not its kind's, NULL-terminated. */
extern const char *const suite_common_keys[];

#endif
