/*
 * A cursor over JSON that has been proved well-formed (base/json_text.h). The program runs inside
 * images, where it can bring no JSON library along; what it reads is two small formats.
 */
#ifndef GPU_SCAN_H
#define GPU_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value: its bytes in the text, borrowed. A string's span includes its quotes. */
struct span {
	const char *at; /* NULL: no value */
	size_t len;
};

/* The value at or after TEXT (blanks are passed over). */
struct span scan_value(const char *text);

/* Walk an object or array: CHILD is zeroed before the first call. KEY is the raw bytes between the
 * quotes, empty in an array. false at the end or when CONTAINER is neither. */
struct walk {
	const char *next;
	struct span key;
	struct span value;
};
bool scan_next(struct span container, struct walk *walk);

/* The member KEY of OBJECT; .at NULL when absent. */
struct span scan_get(struct span object, const char *key);

/* A string without escapes into OUT; false when it is none or does not fit. */
bool scan_string(struct span value, char *out, size_t size);
/* A whole number of at most 2^53. */
bool scan_uint(struct span value, uint64_t *out);
bool scan_double(struct span value, double *out);

#endif
