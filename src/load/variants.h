/*
 * How far answers to one prompt agree. At temperature 0 the same words are expected, and batching
 * under load changes them now and then: a rate to compare, not an equality to assert.
 */
#ifndef LOAD_VARIANTS_H
#define LOAD_VARIANTS_H

#include <stddef.h>
#include <stdint.h>

#define VARIANTS_KEPT 8 /* different texts told apart; later ones count as different from all */

struct variants {
	uint64_t texts[VARIANTS_KEPT]; /* hashes */
	uint64_t counts[VARIANTS_KEPT];
	uint64_t others;
};

uint64_t variants_hash(const char *text, size_t len);
/* COUNT more answers of the text with HASH. */
void variants_add(struct variants *variants, uint64_t hash, uint64_t count);
void variants_merge(struct variants *into, const struct variants *from);
/* Answers in ALL, and those that are not the commonest text. */
uint64_t variants_diverging(const struct variants *variants, uint64_t *all);

#endif
