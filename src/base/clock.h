/* Time: a monotonic clock for durations and deadlines, UTC text for records. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT 25 /* "2026-11-23T05:51:00.123Z" and the NUL */

uint64_t clock_ns(void);     /* monotonic */
int64_t clock_unix_ms(void); /* milliseconds since 1970, UTC */

/* RFC 3339 with milliseconds, so that runs of one second keep their order, of MS since 1970 into
 * OUT of at least CLOCK_TEXT bytes; returns OUT. */
const char *clock_rfc3339(int64_t ms, char *out, size_t size);

/* Such text, with or without a fraction and always with "Z", as milliseconds since 1970. 0 or -1:
 * not that form, or no such day or time; a leap second is none. */
int clock_parse_rfc3339(const char *text, int64_t *ms_out);

/* When "until TEXT" ends, in milliseconds since 1970: with the last one of a day as "2026-12-31",
 * in UTC, or at the time that clock_parse_rfc3339 reads. 0 or -1. */
int clock_parse_until(const char *text, int64_t *ms_out);

#endif
