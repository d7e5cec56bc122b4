#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10. */
static const struct {
	const char *plain, *text;
} rows[] = {{"", ""},
	    {"f", "Zg=="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"}};

static void writes_and_reads_the_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text, plain;

		buf_init(&text, 100);
		buf_init(&plain, 100);
		base64_add(&text, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(buf_str(&text), rows[i].text);
		assert_int_equal(base64_read(rows[i].text, strlen(rows[i].text), &plain), 0);
		assert_string_equal(buf_str(&plain), rows[i].plain);
		buf_done(&text);
		buf_done(&plain);
	}
}

static void refuses_a_second_way_to_write_the_same(void **state)
{
	static const char *const texts[] = {
		"Zg", "Zg=", "Zh==", "Zm9=", "Zm8=Zg==", "Z===", "====", "Zm 9", "Zm9-", "Zg==\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf plain;

		buf_init(&plain, 100);
		assert_int_equal(base64_read(texts[i], strlen(texts[i]), &plain), -1);
		assert_int_equal(plain.len, 0);
		buf_done(&plain);
	}
}

static void refuses_more_than_there_is_room_for(void **state)
{
	struct buf plain;

	(void)state;
	buf_init(&plain, 5);
	assert_int_equal(base64_read("Zm9vYmFy", 8, &plain), -1);
	assert_int_equal(plain.len, 0);
	buf_done(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_the_examples),
		cmocka_unit_test(refuses_a_second_way_to_write_the_same),
		cmocka_unit_test(refuses_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
