#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-4 examples. */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void agrees_with_the_standard(void **state)
{
	char hex[DIGEST_HEX];

	(void)state;
	digest_of("", 0, hex);
	assert_string_equal(hex, EMPTY);
	digest_of("abc", 3, hex);
	assert_string_equal(hex, ABC);
}

static void pieces_add_up(void **state)
{
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];

	(void)state;
	digest_add(digest, "a", 1);
	digest_add(digest, "bc", 2);
	digest_final(digest, hex);
	assert_string_equal(hex, ABC);
}

static void of_fields(const char *a, const char *b, char hex[DIGEST_HEX])
{
	struct digest *digest = digest_new();

	digest_add_field(digest, a);
	digest_add_field(digest, b);
	digest_final(digest, hex);
}

static void fields_cannot_run_into_each_other(void **state)
{
	char one[DIGEST_HEX], two[DIGEST_HEX];

	(void)state;
	of_fields("ab", "c", one);
	of_fields("a", "bc", two);
	assert_string_not_equal(one, two);
	of_fields("a", NULL, one);
	of_fields("a", "", two);
	assert_string_not_equal(one, two);
	of_fields("a", "-", two);
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_standard),
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(fields_cannot_run_into_each_other),
	};

	return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
