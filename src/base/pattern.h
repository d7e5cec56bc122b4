/* Regular expressions (PCRE2, UTF-8 tolerant, match work bounded). */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Is PATTERN valid? ERR_USAGE names the offset and PCRE2's reason. */
int pattern_check(const char *pattern, struct err *err);

/*
 * Does PATTERN occur in the LEN bytes at TEXT? `^` and `$` match at lines.
 * When CAPTURE is not NULL and the pattern has a first group, CAPTURE/CAPTURE_LEN give its place
 * (else the whole match). Returns 1 found, 0 not found, -1 with ERR (bad pattern, work limit).
 */
int pattern_find(const char *pattern, const char *text, size_t len, const char **capture,
		 size_t *capture_len, struct err *err);

#endif
