#include "base/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 8032, section 7.1, test 2; the seed as PKCS #8, written with `openssl pkey`. */
static const char rfc_key[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
			      "-----END PRIVATE KEY-----\n";
static const unsigned char rfc_signature[SIGN_BYTES] = {
	0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f,
	0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76,
	0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99,
	0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae,
	0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

static void signs_as_the_rfc_says(void **state)
{
	unsigned char signature[SIGN_BYTES];
	struct sign_key *key = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(sign_key_parse(rfc_key, strlen(rfc_key), &key, &err), 0);
	assert_true(sign_key_is_private(key));
	sign_make(key, "\x72", 1, signature);
	assert_memory_equal(signature, rfc_signature, SIGN_BYTES);
	assert_true(sign_check(key, "\x72", 1, signature));
	assert_false(sign_check(key, "\x73", 1, signature));
	sign_key_free(key);
}

static void the_public_half_checks_and_has_the_same_id(void **state)
{
	struct sign_key *key = NULL, *half = NULL;
	char id[DIGEST_HEX], half_id[DIGEST_HEX];
	unsigned char signature[SIGN_BYTES];
	struct err err = {0};
	struct buf pem;

	(void)state;
	buf_init(&pem, SIGN_PEM_MAX);
	assert_int_equal(sign_key_new(&key, &err), 0);
	sign_key_print(key, false, &pem);
	assert_null(strstr(buf_str(&pem), "PRIVATE"));
	assert_int_equal(sign_key_parse(buf_str(&pem), pem.len, &half, &err), 0);
	assert_false(sign_key_is_private(half));
	sign_make(key, "text", 4, signature);
	assert_true(sign_check(half, "text", 4, signature));
	sign_key_id(key, id);
	sign_key_id(half, half_id);
	assert_string_equal(id, half_id);
	sign_key_free(half);
	pem.len = 0;
	sign_key_print(key, true, &pem);
	assert_int_equal(sign_key_parse(buf_str(&pem), pem.len, &half, &err), 0);
	assert_true(sign_key_is_private(half));
	sign_key_free(half);
	sign_key_free(key);
	buf_done(&pem);
}

static void refuses_what_is_no_ed25519_key(void **state)
{
	/* X25519: `openssl genpkey -algorithm x25519 | openssl pkey -pubout` */
	static const char other[] = "-----BEGIN PUBLIC KEY-----\n"
				    "MCowBQYDK2VuAyEA3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
				    "-----END PUBLIC KEY-----\n";
	static const char secret[] = "not a key: hunter2";
	struct sign_key *key = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(sign_key_parse(other, strlen(other), &key, &err), -1);
	assert_non_null(strstr(err.msg, "not an Ed25519 key"));
	assert_int_equal(sign_key_parse(secret, strlen(secret), &key, &err), -1);
	assert_null(strstr(err.msg, "hunter2"));
	assert_int_equal(sign_key_parse("", 0, &key, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_the_rfc_says),
		cmocka_unit_test(the_public_half_checks_and_has_the_same_id),
		cmocka_unit_test(refuses_what_is_no_ed25519_key),
	};

	return cmocka_run_group_tests_name("base/sign", tests, NULL, NULL);
}
