/* Output of builders and commands, read for people. Pure. */
#ifndef PARSE_OUTPUT_H
#define PARSE_OUTPUT_H

#include "base/arena.h"

#include <stddef.h>

#define OUTPUT_LINE_MAX 400

/*
 * The last line of LEN bytes that says what went wrong: a line that names an error when one is
 * among the last 200 ("AssertionError: Wrong CUDA: 12.6", "ERROR: No matching distribution",
 * "fatal error: x.h: No such file", "make: *** …"), else the last that is not noise (blank,
 * pip notices, progress bars, the builder's "returned a non-zero code", "note: This error
 * originates…"). Escape sequences are removed, at most OUTPUT_LINE_MAX bytes, valid UTF-8.
 * NULL when there is none.
 */
const char *output_reason(const char *text, size_t len, struct arena *arena);

/* One line made of TEXT for a report: escapes removed, line breaks as " | ", cut at MAX bytes. */
const char *output_oneline(const char *text, size_t len, size_t max, struct arena *arena);

#endif
