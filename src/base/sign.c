#include "base/sign.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct sign_key {
	EVP_PKEY *pkey;
	bool is_private;
};

static struct sign_key *wrap(EVP_PKEY *pkey, bool is_private)
{
	struct sign_key *key = xcalloc(1, sizeof(*key));

	key->pkey = pkey;
	key->is_private = is_private;
	return key;
}

int sign_key_new(struct sign_key **out, struct err *err)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (!pkey)
		return err_set(err, ERR_INFRA, "no new key: OpenSSL has no random bytes");
	*out = wrap(pkey, true);
	return 0;
}

/* A key with a pass phrase would ask at the terminal; nobody answers in a pipeline. */
static int no_phrase(char *text, int size, int writing, void *payload)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)payload;
	return -1;
}

int sign_key_parse(const char *pem, size_t len, struct sign_key **out, struct err *err)
{
	EVP_PKEY *pkey = NULL;
	bool is_private = true;
	BIO *bio;

	if (len > SIGN_PEM_MAX)
		return err_set(err, ERR_USAGE, "a key has at most %zu bytes", SIGN_PEM_MAX);
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio)
		abort();
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL);
	if (!pkey) {
		is_private = false;
		(void)BIO_reset(bio);
		pkey = PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (pkey && EVP_PKEY_is_a(pkey, "ED25519")) {
		*out = wrap(pkey, is_private);
		return 0;
	}
	EVP_PKEY_free(pkey);
	return err_set(err, ERR_USAGE,
		       pkey ? "the key is not an Ed25519 key: assay key new makes one"
			    : "no key in PEM without pass phrase: assay key new makes one");
}

void sign_key_free(struct sign_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

bool sign_key_is_private(const struct sign_key *key)
{
	return key->is_private;
}

void sign_key_id(const struct sign_key *key, char out[DIGEST_HEX])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);

	if (len < 0)
		abort();
	digest_of(der, (size_t)len, out);
	OPENSSL_free(der);
}

void sign_key_print(const struct sign_key *key, bool private_half, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (!bio ||
	    (private_half ? PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)
			  : PEM_write_bio_PUBKEY(bio, key->pkey)) != 1)
		abort();
	len = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)len);
	BIO_free(bio);
}

void sign_make(const struct sign_key *key, const void *data, size_t len,
	       unsigned char out[SIGN_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = SIGN_BYTES;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) != 1 ||
	    EVP_DigestSign(ctx, out, &size, data, len) != 1 || size != SIGN_BYTES)
		abort();
	EVP_MD_CTX_free(ctx);
}

bool sign_check(const struct sign_key *key, const void *data, size_t len,
		const unsigned char signature[SIGN_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) != 1)
		abort();
	good = EVP_DigestVerify(ctx, signature, SIGN_BYTES, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
