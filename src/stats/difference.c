#include "stats/difference.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* The least p of a list of COUNT is multiplied by that, where no other is as small. */
static bool can_tell(size_t a, size_t b, size_t count, double level)
{
	return stats_mann_whitney_least(a, b) * (double)count <= level;
}

static void find(struct stats_difference *one, size_t count, double level)
{
	one->needed = 0;
	one->finding = one->adjusted <= level ? STATS_DIFFERENT : STATS_SAME;
	if (one->finding == STATS_DIFFERENT ||
	    can_tell(one->before_count, one->after_count, count, level))
		return;
	one->finding = STATS_TOO_FEW;
	while (!can_tell(one->needed, one->needed, count, level))
		one->needed++;
}

void stats_judge_together(struct stats_difference *list, size_t count, double level,
			  stats_adjustment *adjust)
{
	double *p = xcalloc(count + 1, sizeof(*p));

	for (size_t i = 0; i < count; i++)
		p[i] = list[i].p;
	(void)adjust(p, count, p, NULL); /* each p is one */
	for (size_t i = 0; i < count; i++) {
		list[i].adjusted = p[i];
		find(&list[i], count, level);
	}
	free(p);
}

int stats_difference(const double *before, size_t before_count, const double *after,
		     size_t after_count, double level, struct stats_difference *out,
		     struct err *err)
{
	double *a = stats_sorted(before, before_count, &before_count);
	double *b = stats_sorted(after, after_count, &after_count);
	struct stats_difference found = {.before_count = before_count, .after_count = after_count};
	struct stats_test test = {0};
	int rc = stats_shift(a, before_count, b, after_count, 1 - level, &found.shift, err);

	if (rc == 0)
		rc = stats_mann_whitney(a, before_count, b, after_count, &test, err);
	if (rc == 0) {
		found.before = stats_median(a, before_count);
		found.after = stats_median(b, after_count);
		found.p = test.p;
		stats_judge_together(&found, 1, level, stats_adjust_holm);
		*out = found;
	}
	free(a);
	free(b);
	return rc;
}

const char *stats_finding_name(enum stats_finding finding)
{
	static const char *const names[] = {"same", "different", "too few"};

	return names[finding];
}
