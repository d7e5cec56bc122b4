/* Signatures: Ed25519 (RFC 8032) keys in PEM; OpenSSL does the work. */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SIGN_BYTES 64
#define SIGN_PEM_MAX ((size_t)4096)

struct sign_key;

/* A new pair from the system's random bytes. ERR_INFRA. */
int sign_key_new(struct sign_key **out, struct err *err);

/* A private or public key from PEM. ERR_USAGE: no key, or another kind. The message never shows the
 * text. */
int sign_key_parse(const char *pem, size_t len, struct sign_key **out, struct err *err);
void sign_key_free(struct sign_key *key); /* NULL is allowed */

bool sign_key_is_private(const struct sign_key *key);

/* SHA-256 of the public key (DER, SubjectPublicKeyInfo), lower-case hex: what `openssl pkey -pubout
 * -outform DER | sha256sum` prints. */
void sign_key_id(const struct sign_key *key, char out[DIGEST_HEX]);

/* Append the public or (of a private key) the private PEM. */
void sign_key_print(const struct sign_key *key, bool private_half, struct buf *out);

/* KEY is private. */
void sign_make(const struct sign_key *key, const void *data, size_t len,
	       unsigned char out[SIGN_BYTES]);
bool sign_check(const struct sign_key *key, const void *data, size_t len,
		const unsigned char signature[SIGN_BYTES]);

#endif
