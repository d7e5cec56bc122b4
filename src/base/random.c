#include "base/random.h"

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

double random_unit(uint64_t *state)
{
	return (double)((random_next(state) >> 11) + 1) * 0x1p-53;
}

/* Numbers beyond the last multiple of COUNT are drawn again, else some would come more often. */
size_t random_below(uint64_t *state, size_t count)
{
	uint64_t end = UINT64_MAX - UINT64_MAX % count, drawn;

	do
		drawn = random_next(state);
	while (drawn >= end);
	return drawn % count;
}
