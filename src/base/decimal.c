#include "base/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* 2^53: whole numbers up to here are exact */
#define SMALL 1e-4		 /* less is written with an exponent, as by %g */
#define MANTISSA 53		 /* binary digits of a double */
#define DIGITS_SHORT 15		 /* any decimal of so many survives a double; C17 5.2.4.2.2 */
#define DIGITS_ALL 17		 /* a double survives so many */

__extension__ typedef unsigned __int128 wide;

/* VALUE is not whole, from SMALL to below EXACT. No digit is ever rounded up to ten: what would do
 * so is near enough one digit before. */
static size_t write_digits(double value, char *out)
{
	int exponent;
	uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), MANTISSA);
	/* Units of a quarter of the distance to the next double: below a power of two that is half
	 * as far. */
	int bits = MANTISSA - exponent + 2;
	wide scaled = (wide)mantissa << 2, one = (wide)1 << bits;
	wide rest = scaled & (one - 1), near = mantissa == UINT64_C(1) << (MANTISSA - 1) ? 1 : 2;
	size_t len =
		(size_t)snprintf(out, DECIMAL_TEXT, "%" PRIu64 ".", (uint64_t)(scaled >> bits));

	do {
		rest *= 10;
		near *= 10;
		out[len++] = (char)('0' + (int)(rest >> bits));
		rest &= one - 1;
	} while (rest >= near && one - rest >= near);
	if (rest > one - rest)
		out[len - 1]++;
	out[len] = '\0';
	return len;
}

size_t decimal_text(double value, char out[DECIMAL_TEXT])
{
	double size = fabs(value);
	size_t sign = value < 0;

	if (floor(value) == value && size <= EXACT)
		return (size_t)snprintf(out, DECIMAL_TEXT, "%.0f", value);
	if (size >= SMALL && size < EXACT) {
		out[0] = '-';
		return sign + write_digits(size, out + sign);
	}
	(void)snprintf(out, DECIMAL_TEXT, "%.*g", DIGITS_SHORT, value);
	if (!isnan(value) && strtod(out, NULL) != value)
		(void)snprintf(out, DECIMAL_TEXT, "%.*g", DIGITS_ALL, value);
	return strlen(out);
}
