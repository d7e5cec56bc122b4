/* Base64 (RFC 4648, with padding). Reading is strict: one text for the same bytes. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

#include <stddef.h>

void base64_add(struct buf *out, const void *data, size_t len);

/* Append the bytes of TEXT to OUT. -1, with OUT untouched: not base64, spare bits that are not
 * zero, or more than OUT holds. */
int base64_read(const char *text, size_t len, struct buf *out);

#endif
