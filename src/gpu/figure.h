/* What a timed case reports: times, their share of a ceiling, and the state of the card meanwhile.
 */
#ifndef GPU_FIGURE_H
#define GPU_FIGURE_H

#include "gpu/case.h"
#include "gpu/nvml.h"

struct figure_watch {
	struct nvml *nvml; /* NULL: none here */
	struct nvml_state state;
};

void figure_watch_start(struct figure_watch *watch);
/* Bits that were set while timing; the card cools down quickly, so they are read at once. */
void figure_watch_end(struct figure_watch *watch, struct case_outcome *out);

/* Time, rate, and share of CEILING, of TIMING_REPLAYS times in SECONDS; UNITS is what one piece
 * moves or computes. */
void figure_report(struct case_env *env, const double *seconds, double units, double ceiling,
		   const char *ceiling_name, const char *cell);

#endif
