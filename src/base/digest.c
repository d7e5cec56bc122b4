#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* struct digest is OpenSSL's context under our name. */
static EVP_MD_CTX *ctx_of(struct digest *digest)
{
	return (EVP_MD_CTX *)digest;
}

struct digest *digest_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		abort();
	return (struct digest *)ctx;
}

void digest_add(struct digest *digest, const void *data, size_t len)
{
	if (EVP_DigestUpdate(ctx_of(digest), data, len) != 1)
		abort();
}

void digest_add_field(struct digest *digest, const char *text)
{
	char head[32];
	int len;

	if (!text) {
		digest_add(digest, "-", 1);
		return;
	}
	len = snprintf(head, sizeof(head), "%zu:", strlen(text));
	digest_add(digest, head, (size_t)len);
	digest_add(digest, text, strlen(text));
}

void digest_final(struct digest *digest, char out[DIGEST_HEX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_DigestFinal_ex(ctx_of(digest), md, &len) != 1 || len != 32)
		abort();
	for (unsigned int i = 0; i < len; i++) {
		out[2 * i] = hex[md[i] >> 4];
		out[2 * i + 1] = hex[md[i] & 15];
	}
	out[64] = '\0';
	EVP_MD_CTX_free(ctx_of(digest));
}

void digest_of(const void *data, size_t len, char out[DIGEST_HEX])
{
	struct digest *digest = digest_new();

	digest_add(digest, data, len);
	digest_final(digest, out);
}
