/*
 * Which commits build? Broken ones come in runs: from the commit that broke the build to the one
 * that mended it. A mixture of chains with two states (share of broken commits, mean length of a
 * run) is weighed by the builds seen so far and asked about the others. Positions are those of
 * the graph, where neighbours are mostly parent and child.
 */
#ifndef BISECT_BUILDABLE_H
#define BISECT_BUILDABLE_H

#include <stdbool.h>
#include <stdint.h>

struct buildable;

struct buildable *buildable_new(uint32_t count);
void buildable_free(struct buildable *buildable); /* NULL is allowed */
/* The commit at POSITION was built, or its build broke. The last word counts. */
void buildable_add(struct buildable *buildable, uint32_t position, bool broken);
/* Probability that the commit at POSITION does not build. */
double buildable_broken(const struct buildable *buildable, uint32_t position);

#endif
