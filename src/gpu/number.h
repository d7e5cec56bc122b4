/*
 * The three number types of 4-bit kernels, on the host: bfloat16, IEEE half, float.
 *
 * Values travel as double, which holds all of them; storing rounds once, to nearest, ties to even.
 */
#ifndef GPU_NUMBER_H
#define GPU_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum number { NUMBER_BF16, NUMBER_FP16, NUMBER_FP32, NUMBER_COUNT };

const char *number_name(enum number type); /* "bf16" */
size_t number_size(enum number type);	   /* bytes of one */
double number_unit(enum number type);	   /* unit roundoff u: 2^-8, 2^-11, 2^-24 */

double number_load(enum number type, const void *array, size_t index);
void number_store(enum number type, void *array, size_t index, double value);
/* The bits of one element, zero-extended: for comparisons where -0 and NaN matter. */
uint32_t number_bits(enum number type, const void *array, size_t index);

/* VALUE rounded to TYPE, as double. */
double number_round(enum number type, double value);

#endif
