#include "stats/adjust.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
	double p;
	size_t at;
};

static int ascending(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	return (left->p > right->p) - (left->p < right->p);
}

/* P in ascending order, with where each was; the caller frees it. */
static int rank(const double *p, size_t count, struct ranked **out, struct err *err)
{
	struct ranked *list;

	for (size_t i = 0; i < count; i++)
		if (!(p[i] >= 0 && p[i] <= 1))
			return err_set(err, ERR_USAGE, "p value %zu of %zu is not in 0 to 1", i + 1,
				       count);
	list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = (struct ranked){p[i], i};
	qsort(list, count, sizeof(*list), ascending);
	*out = list;
	return 0;
}

int stats_adjust_holm(const double *p, size_t count, double *out, struct err *err)
{
	struct ranked *list;
	double most = 0;

	if (rank(p, count, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		most = fmax(most, fmin(1, list[i].p * (double)(count - i)));
		out[list[i].at] = most;
	}
	free(list);
	return 0;
}

int stats_adjust_benjamini_hochberg(const double *p, size_t count, double *out, struct err *err)
{
	struct ranked *list;
	double least = 1;

	if (rank(p, count, &list, err) < 0)
		return -1;
	for (size_t i = count; i-- > 0;) {
		least = fmin(least, list[i].p * (double)count / (double)(i + 1));
		out[list[i].at] = least;
	}
	free(list);
	return 0;
}
