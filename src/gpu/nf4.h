/*
 * NF4 as bitsandbytes stores it, on the host: what the library's bytes mean.
 *
 * Element 2i is the high nibble of byte i, 2i+1 the low one. A block of BLOCKSIZE elements shares
 * one fp32 scale, absmax. Nested ("double quantised") absmax are 8-bit codes of absmax - offset in
 * blocks of 256 over the signed dynamic map. Sources: bitsandbytes 0.43 to 0.50, functional.py and
 * its CUDA kernels.
 */
#ifndef GPU_NF4_H
#define GPU_NF4_H

#include <stddef.h>
#include <stdint.h>

#define NF4_CODES 16
#define NF4_BLOCK 64 /* elements per absmax; what Transformers uses */
#define NESTED_CODES 256
#define NESTED_BLOCK 256 /* absmax per second absmax; the only one the fused path accepts */

/* Ascending; [7] is 0, [15] is 1. */
extern const float nf4_codes[NF4_CODES];

/* The code of one value already divided by its absmax: the number of midpoints strictly below. */
unsigned nf4_encode(float scaled);

/* N elements (a multiple of 2): (N+1)/2 bytes and N/BLOCKSIZE scales, rounded up. */
void nf4_quantise(const float *values, size_t n, unsigned blocksize, uint8_t *packed,
		  float *absmax);

/* The code (0-15) of element INDEX. */
unsigned nf4_code_at(const uint8_t *packed, size_t index);

/* code * absmax in fp32, the value that every right dequantiser rounds once. */
float nf4_value_at(const uint8_t *packed, const float *absmax, unsigned blocksize, size_t index);

/* The signed dynamic map with 7 exponent bits, ascending. */
void nested_map(float map[NESTED_CODES]);

/* Encode N absmax; returns the offset, their mean. CODES has N, SCALES N/256 rounded up. */
float nested_quantise(const float *absmax, size_t n, const float map[NESTED_CODES], uint8_t *codes,
		      float *scales);

/* Decode N absmax: map[code] * scale + offset in fp32, product rounded before the sum. */
void nested_decode(const uint8_t *codes, const float *scales, const float map[NESTED_CODES],
		   float offset, size_t n, float *absmax);

#endif
