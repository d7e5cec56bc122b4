/* Time: a monotonic clock for durations and deadlines, UTC text for records. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_ns(void);  /* monotonic */
int64_t clock_unix(void); /* seconds since 1970, UTC */
/* "2026-11-23T05:51:00Z" of SECONDS into OUT of at least 21 bytes; returns OUT. */
const char *clock_rfc3339(int64_t seconds, char *out, size_t size);

#endif
