#include "gpu/number.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
	int digits;	  /* of the significand, the hidden one counted */
	int exponent_min; /* of the smallest normal number */
	int exponent_max;
} types[NUMBER_COUNT] = {
	[NUMBER_BF16] = {"bf16", 2, 8, -126, 127},
	[NUMBER_FP16] = {"fp16", 2, 11, -14, 15},
	[NUMBER_FP32] = {"fp32", 4, 24, -126, 127},
};

const char *number_name(enum number type)
{
	return types[type].name;
}

size_t number_size(enum number type)
{
	return types[type].size;
}

double number_unit(enum number type)
{
	return ldexp(1.0, -types[type].digits);
}

/* One rounding on the lattice of TYPE around VALUE; subnormals have a fixed spacing. */
double number_round(enum number type, double value)
{
	int exponent, step;
	double out;

	if (value == 0 || !isfinite(value))
		return value;
	(void)frexp(value, &exponent);
	if (exponent - 1 < types[type].exponent_min)
		exponent = types[type].exponent_min + 1;
	step = exponent - types[type].digits;
	out = ldexp(rint(ldexp(value, -step)), step);
	if (fabs(out) >= ldexp(1.0, types[type].exponent_max + 1))
		return copysign(INFINITY, value);
	return out;
}

static uint32_t float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float bits_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static double half_load(uint16_t bits)
{
	int exponent = (bits >> 10) & 31, fraction = bits & 1023;
	double value;

	if (exponent == 31)
		value = fraction ? (double)NAN : (double)INFINITY;
	else if (exponent == 0)
		value = ldexp(fraction, -24);
	else
		value = ldexp(1024 + fraction, exponent - 25);
	return bits & 0x8000 ? -value : value;
}

/* VALUE is on the lattice of half already. */
static uint16_t half_bits(double value)
{
	unsigned sign = signbit(value) ? 0x8000u : 0;
	double size = fabs(value);
	int exponent;

	if (isnan(value))
		return (uint16_t)(sign | 0x7e00u);
	if (isinf(value))
		return (uint16_t)(sign | 0x7c00u);
	if (size < ldexp(1.0, -14))
		return (uint16_t)(sign | (unsigned)ldexp(size, 24));
	(void)frexp(size, &exponent);
	return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 |
			  ((unsigned)ldexp(size, 11 - exponent) & 1023u));
}

uint32_t number_bits(enum number type, const void *array, size_t index)
{
	const char *at = (const char *)array + index * types[type].size;
	uint16_t half;
	uint32_t word;

	if (type == NUMBER_FP32) {
		memcpy(&word, at, sizeof(word));
		return word;
	}
	memcpy(&half, at, sizeof(half));
	return half;
}

double number_load(enum number type, const void *array, size_t index)
{
	uint32_t bits = number_bits(type, array, index);

	if (type == NUMBER_FP16)
		return half_load((uint16_t)bits);
	return (double)bits_float(type == NUMBER_BF16 ? bits << 16 : bits);
}

void number_store(enum number type, void *array, size_t index, double value)
{
	char *at = (char *)array + index * types[type].size;
	double rounded = number_round(type, value);
	uint32_t word = float_bits((float)rounded);
	uint16_t half = type == NUMBER_FP16 ? half_bits(rounded) : (uint16_t)(word >> 16);

	if (type == NUMBER_FP32)
		memcpy(at, &word, sizeof(word));
	else
		memcpy(at, &half, sizeof(half));
}
