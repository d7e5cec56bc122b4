/* Durations and sizes as people write them; inside the program ns and bytes. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* "500ms", "1.5s", "5m", "1h": one number, one unit. 0 or -1. */
int units_parse_duration(const char *text, uint64_t *ns_out);

/* "4096", "10KiB", "64MB", "1GiB". 0 or -1. */
int units_parse_size(const char *text, uint64_t *bytes_out);

/* Whole decimal number in MIN..MAX with nothing after it; never strtol. 0 or -1. */
int units_parse_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* "200 us", "3.2 ms", "850 ms", "12.3 s", "4 min 05 s" into OUT of SIZE bytes; returns OUT. */
const char *units_duration(uint64_t ns, char *out, size_t size);
const char *units_size(uint64_t bytes, char *out, size_t size);

#endif
