/* Numbers as text: as short as can be, and the same number when read. */
#include "base/decimal.h"

#include "base/random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 200000

static void expect(double value, const char *wanted)
{
	char text[DECIMAL_TEXT];
	size_t len = decimal_text(value, text);

	assert_string_equal(text, wanted);
	assert_int_equal(len, strlen(wanted));
}

static void texts_are_what_people_write(void **state)
{
	(void)state;
	expect(0, "0");
	expect(0.1, "0.1");
	expect(-12.345, "-12.345");
	expect(0.30000000000000004, "0.30000000000000004");
	expect(1.0 / 3, "0.3333333333333333");
	expect(0.9999999999999999, "0.9999999999999999");
	expect(4.999999999999999, "4.999999999999999");
	expect(0.5, "0.5");
	expect(0.0001220703125, "0.0001220703125");
	expect(2.5e-9, "2.5e-09");
	expect(9007199254740991.0, "9007199254740991");
	expect(4503599627370495.5, "4503599627370495.5");
	expect(1e21, "1e+21");
	expect((double)NAN, "nan");
	expect((double)-INFINITY, "-inf");
}

/* The fewest digits that do, as printf finds them by trying. */
static size_t shortest(double value)
{
	char text[64];

	for (int digits = 1;; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			return (size_t)digits;
	}
}

static size_t digits_of(const char *text)
{
	size_t count = 0, zeros = 0;

	for (text += strspn(text, "-0."); *text; text++) {
		zeros = *text == '0' ? zeros + 1 : *text == '.' ? zeros : 0;
		count += *text != '.';
	}
	return count - zeros;
}

static void any_number_is_read_back_from_the_fewest_digits(void **state)
{
	uint64_t seed = 3;
	char text[DECIMAL_TEXT];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		double value =
			(random_unit(&seed) + .5) * exp2(floor(random_unit(&seed) * 65) - 12);

		if (i % 2)
			value = -value;
		(void)decimal_text(value, text);
		assert_true(strtod(text, NULL) == value);
		if (digits_of(text) > shortest(value))
			fail_msg("%s has more digits than %.*g", text, (int)shortest(value), value);
	}
}

/* Below a power of two the next number is half as far. */
static void neighbours_of_powers_of_two_stay_apart(void **state)
{
	char text[DECIMAL_TEXT];

	(void)state;
	for (int power = -13; power < 53; power++) {
		const double middle = exp2(power);
		const double values[] = {nextafter(middle, 0), middle, nextafter(middle, DBL_MAX)};

		for (size_t i = 0; i < 3; i++) {
			(void)decimal_text(values[i], text);
			assert_true(strtod(text, NULL) == values[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_what_people_write),
		cmocka_unit_test(any_number_is_read_back_from_the_fewest_digits),
		cmocka_unit_test(neighbours_of_powers_of_two_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
