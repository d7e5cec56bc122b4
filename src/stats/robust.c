#include "stats/robust.h"

#include <math.h>
#include <stdlib.h>

static size_t cut_of(size_t count, double share)
{
	return (size_t)(share * (double)count);
}

int stats_winsorise(const double *values, size_t count, double share, struct stats_winsorised *out,
		    struct err *err)
{
	size_t cut, kept;
	struct stats_summary summary;
	double *sorted;

	if (!count)
		return err_set(err, ERR_USAGE, "no values");
	if (!(share >= 0 && share < 0.5))
		return err_set(err, ERR_USAGE, "share %g to winsorise is not in 0 to 0.5", share);
	if (stats_check(values, count, err) < 0)
		return -1;
	cut = cut_of(count, share);
	kept = count - 2 * cut;
	sorted = stats_sorted(values, count, &count);
	for (size_t i = 0; i < cut; i++) {
		sorted[i] = sorted[cut];
		sorted[count - 1 - i] = sorted[count - 1 - cut];
	}
	summary = stats_summarise_sorted(sorted, count);
	free(sorted);
	*out = (struct stats_winsorised){count, cut, summary.mean, summary.sd, NAN, NAN};
	if (kept > 1) {
		out->freedom = (double)(kept - 1);
		out->error = summary.sd / sqrt((double)count) * (double)(count - 1) / out->freedom;
	}
	return 0;
}

int stats_winsorised_interval(const double *values, size_t count, double share, double confidence,
			      struct stats_estimate *out, struct err *err)
{
	struct stats_winsorised found;
	double half;

	if (stats_check_confidence(confidence, err) < 0 ||
	    stats_winsorise(values, count, share, &found, err) < 0)
		return -1;
	*out = (struct stats_estimate){found.mean, NAN, NAN, 0};
	if (isnan(found.freedom)) {
		for (out->needed = count + 1; out->needed - 2 * cut_of(out->needed, share) < 2;)
			out->needed++;
		return 0;
	}
	half = -stats_student_quantile((1 - confidence) / 2, found.freedom) * found.error;
	out->low = found.mean - half;
	out->high = found.mean + half;
	return 0;
}
