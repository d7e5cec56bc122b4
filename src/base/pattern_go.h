/* Patterns of Go's regexp (RE2 syntax) in PCRE2's words. For base/pattern.c only. */
#ifndef BASE_PATTERN_GO_H
#define BASE_PATTERN_GO_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append to OUT what PCRE2 must be given (UTF, newline LF, DOLLAR_ENDONLY, ALT_CIRCUMFLEX) so that
 * it matches where Go does. ERR_USAGE for what Go refuses and PCRE2 would take: look-around,
 * back references, atomic groups, possessive repeats, \Z, \h, \R, (?x) and so on. What both refuse
 * is left to PCRE2.
 */
int pattern_go_rewrite(const char *pattern, struct buf *out, struct err *err);

#endif
