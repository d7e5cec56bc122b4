/*
 * Random numbers that a seed decides: the same on every machine. For schedules, orders and
 * resampling, never for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014). STATE begins as the seed. */
uint64_t random_next(uint64_t *state);

/* Evenly in (0, 1], in steps of 2^-53. */
double random_unit(uint64_t *state);

/* Evenly in 0 to COUNT - 1; COUNT is not 0. */
size_t random_below(uint64_t *state, size_t count);

#endif
