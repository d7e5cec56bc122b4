/* Numbers as text. Pure; any thread. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>

#define DECIMAL_TEXT 32

/*
 * The shortest decimal that is read back as VALUE, into OUT; returns its length. Whole numbers up
 * to 2^53 have neither point nor exponent. Those from 1e-4 on are written digit by digit until what
 * is left is less than half the distance to the next double (Steele and White, How to Print
 * Floating-Point Numbers Accurately, PLDI 1990), which is exact in 128 bits; very small and very
 * large ones as printf does it, in 15 or 17 digits. What is no number is "nan" or "inf".
 */
size_t decimal_text(double value, char out[DECIMAL_TEXT]);

#endif
