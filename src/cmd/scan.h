/* The result of a scan, as text, as JSON, and as a run for the report formats. */
#ifndef CMD_SCAN_H
#define CMD_SCAN_H

#include "base/buf.h"
#include "base/json.h"
#include "model/run.h"
#include "rules/rules.h"

struct scan {
	const struct facts *facts;
	const struct gpu *const *targets;
	size_t target_count;
	const struct findings *findings;
	enum severity fail_on; /* findings of this severity and worse fail */
	uint64_t duration_ns;
};

/* How many findings have exactly SEVERITY, and how many fail the scan. */
size_t scan_count(const struct scan *scan, enum severity severity);
size_t scan_failures(const struct scan *scan);

struct scan_style {
	bool color;
	bool quiet; /* the last line only */
	bool notes; /* show notes too */
};
void scan_text(const struct scan *scan, const struct scan_style *style, struct buf *out);

/* {"assay_scan": 1, "image", "targets", "verdict", "findings": […], "facts": {…}}; caller frees. */
struct json *scan_json(const struct scan *scan);

/* One case per finding that fails, one passing case per topic without any; caller frees. */
struct run *scan_run(const struct scan *scan);

#endif
