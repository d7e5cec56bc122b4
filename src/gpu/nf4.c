#include "gpu/nf4.h"

#include <math.h>
#include <stdlib.h>

#define EXPONENT_BITS 7

const float nf4_codes[NF4_CODES] = {
	-1.0f,
	-0.6961928009986877f,
	-0.5250730514526367f,
	-0.39491748809814453f,
	-0.28444138169288635f,
	-0.18477343022823334f,
	-0.09105003625154495f,
	0.0f,
	0.07958029955625534f,
	0.16093020141124725f,
	0.24611230194568634f,
	0.33791524171829224f,
	0.44070982933044434f,
	0.5626170039176941f,
	0.7229568362236023f,
	1.0f,
};

/* Midpoints in double, then one rounding: the literals in the library are those. */
unsigned nf4_encode(float scaled)
{
	unsigned code = 0;

	while (code < NF4_CODES - 1 &&
	       scaled > (float)(((double)nf4_codes[code] + (double)nf4_codes[code + 1]) / 2))
		code++;
	return code;
}

void nf4_quantise(const float *values, size_t n, unsigned blocksize, uint8_t *packed, float *absmax)
{
	for (size_t start = 0; start < n; start += blocksize) {
		size_t end = start + blocksize < n ? start + blocksize : n;
		float largest = 0, inverse;

		for (size_t i = start; i < end; i++)
			if (fabsf(values[i]) > largest)
				largest = fabsf(values[i]);
		absmax[start / blocksize] = largest;
		inverse = largest > 0 ? 1.0f / largest : 0;
		for (size_t i = start; i < end; i++) {
			unsigned code = nf4_encode(values[i] * inverse);

			if (i % 2 == 0)
				packed[i / 2] = (uint8_t)(code << 4);
			else
				packed[i / 2] = (uint8_t)(packed[i / 2] | code);
		}
	}
}

unsigned nf4_code_at(const uint8_t *packed, size_t index)
{
	return index % 2 == 0 ? packed[index / 2] >> 4 : packed[index / 2] & 15u;
}

float nf4_value_at(const uint8_t *packed, const float *absmax, unsigned blocksize, size_t index)
{
	return nf4_codes[nf4_code_at(packed, index)] * absmax[index / blocksize];
}

static int ascending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* linspace(0.1, 1, count) in fp32 as torch computes it: from both ends towards the middle. */
static float boundary(unsigned index, unsigned count)
{
	const float start = 0.1f, end = 1.0f, step = (end - start) / (float)(count - 1);

	return index < count / 2 ? start + step * (float)index
				 : end - step * (float)(count - 1 - index);
}

void nested_map(float map[NESTED_CODES])
{
	size_t at = 0;

	for (int exponent = 0; exponent < EXPONENT_BITS; exponent++) {
		unsigned count = (1u << exponent) + 1;
		double power = pow(10.0, exponent - (EXPONENT_BITS - 1));

		for (unsigned i = 0; i + 1 < count; i++) {
			float mean = (boundary(i, count) + boundary(i + 1, count)) / 2.0f;
			float value = (float)power * mean;

			map[at++] = value;
			map[at++] = -value;
		}
	}
	map[at++] = 0;
	map[at++] = 1;
	qsort(map, at, sizeof(*map), ascending);
}

/* Nearest by binary search; equal distances go down. */
static uint8_t nearest(const float map[NESTED_CODES], float value)
{
	unsigned low = 0, high = NESTED_CODES - 1;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (map[middle] <= value)
			low = middle;
		else
			high = middle;
	}
	return (uint8_t)(value > (map[low] + map[high]) / 2 ? high : low);
}

float nested_quantise(const float *absmax, size_t n, const float map[NESTED_CODES], uint8_t *codes,
		      float *scales)
{
	double sum = 0;
	float offset;

	for (size_t i = 0; i < n; i++)
		sum += (double)absmax[i];
	offset = n ? (float)(sum / (double)n) : 0;
	for (size_t start = 0; start < n; start += NESTED_BLOCK) {
		size_t end = start + NESTED_BLOCK < n ? start + NESTED_BLOCK : n;
		float largest = 0;

		for (size_t i = start; i < end; i++)
			if (fabsf(absmax[i] - offset) > largest)
				largest = fabsf(absmax[i] - offset);
		scales[start / NESTED_BLOCK] = largest;
		for (size_t i = start; i < end; i++)
			codes[i] = nearest(map, largest > 0 ? (absmax[i] - offset) / largest : 0);
	}
	return offset;
}

void nested_decode(const uint8_t *codes, const float *scales, const float map[NESTED_CODES],
		   float offset, size_t n, float *absmax)
{
	for (size_t i = 0; i < n; i++) {
		/* volatile: no fused multiply-add, which would skip a rounding */
		volatile float product = map[codes[i]] * scales[i / NESTED_BLOCK];

		absmax[i] = product + offset;
	}
}
