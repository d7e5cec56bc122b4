/* SHA-256 over pieces; OpenSSL does the work, only this file knows it. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 65 /* 64 hex digits and the NUL */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *data, size_t len);
/* Adds the length (as text), a colon and the bytes, so that pieces cannot run into each other.
 * NULL counts as absent and differs from "". */
void digest_add_field(struct digest *digest, const char *text);
/* Writes lower-case hex and frees DIGEST. */
void digest_final(struct digest *digest, char out[DIGEST_HEX]);
void digest_of(const void *data, size_t len, char out[DIGEST_HEX]);

#endif
