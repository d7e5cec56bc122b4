#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	size_t len;
	uint32_t c;
} rows[] = {
	{"a", 1, 'a'},
	{"\xc2\x80", 2, 0x80},
	{"\xdf\xbf", 2, 0x7ff},
	{"\xe0\xa0\x80", 3, 0x800},
	{"\xef\xbf\xbd", 3, 0xfffd},
	{"\xf0\x90\x80\x80", 4, 0x10000},
	{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	{"\x80", 0, 0},	    /* continuation alone */
	{"\xc1\xbf", 0, 0}, /* longer than needed */
	{"\xe0\x9f\xbf", 0, 0},
	{"\xf0\x8f\xbf\xbf", 0, 0},
	{"\xed\xa0\x80", 0, 0},	    /* surrogate */
	{"\xf4\x90\x80\x80", 0, 0}, /* above U+10FFFF */
	{"\xf5\x80\x80\x80", 0, 0},
	{"\xe2\x82", 0, 0}, /* cut off */
	{"\xe2\x28\xa1", 0, 0},
};

static void characters_are_those_of_rfc_3629(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = utf8_length(rows[i].text, strlen(rows[i].text));

		assert_int_equal(len, rows[i].len);
		if (len)
			assert_int_equal(utf8_decode(rows[i].text, len), rows[i].c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(characters_are_those_of_rfc_3629)};

	return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
