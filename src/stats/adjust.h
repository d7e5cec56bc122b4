/*
 * Many p values at once. Pure; any thread.
 *
 * Holm (1979), Scandinavian Journal of Statistics 6: keeps the chance of even one false finding;
 * for gates and verdicts. Benjamini and Hochberg (1995), JRSS B 57: keeps the share of false ones
 * among findings; for lists that a person reads.
 *
 * An adjusted value is compared with the level as a plain one is. P and OUT may be the same array;
 * ERR_USAGE where a value is not in 0 to 1, OUT is then untouched. Nothing to adjust is fine.
 */
#ifndef STATS_ADJUST_H
#define STATS_ADJUST_H

#include "base/err.h"

#include <stddef.h>

typedef int stats_adjustment(const double *p, size_t count, double *out, struct err *err);

stats_adjustment stats_adjust_holm, stats_adjust_benjamini_hochberg;

#endif
