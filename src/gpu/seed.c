#include "gpu/cases.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdlib.h>

uint64_t cases_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("ASSAY_GPU_SEED");
	int64_t given;

	if (seed)
		return seed;
	if (text && units_parse_int(text, 1, INT64_MAX, &given) == 0)
		seed = (uint64_t)given;
	else
		seed = ((uint64_t)clock_unix_ms() << 20) | 1;
	return seed;
}
