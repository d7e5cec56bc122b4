/*
 * The HTML report: structs in, pages out. Pure: whoever calls writes the files.
 *
 * A page is a small frame plus its data as JSON, drawn by the scripts in web/. Names, logs and
 * subjects are hostile text: they reach the page only inside that JSON, where '<', '>' and '&' are
 * escapes, and the scripts put them in as text. Equal structs give equal bytes.
 *
 * Paths are relative to the report's folder. Arena strings live as long as the arena.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include "base/buf.h"
#include "base/json.h"
#include "facts/facts.h"
#include "model/run.h"

/* A page never grows past this; what is cut before says so on the page. */
#define SITE_PAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)
/* One field of a case (expected, actual, …) and one captured stream, in bytes. */
#define SITE_FIELD_MAX ((size_t)4 * 1024)
#define SITE_STREAM_MAX ((size_t)16 * 1024)
/* All captured output of one run page; failures are served first. */
#define SITE_OUTPUT_MAX ((size_t)1024 * 1024)
/* The end of a build log that a run page shows. */
#define SITE_LOG_MAX ((size_t)64 * 1024)
/* Cells of one grid page, and its columns. A run with more cases gets a page of its own. */
#define SITE_CELLS_MAX 12000
#define SITE_COLUMNS_MAX 60

struct site_asset {
	const char *path; /* "assets/site.js" */
	const char *data;
	const char *end;
};
/* Scripts, style sheet and the charting library with its licence; ends with a NULL path. */
extern const struct site_asset site_assets[];

/* What the pages share. */
struct site_frame {
	const char *title;   /* of the report, "assay" */
	size_t bisect_count; /* bisections, 0: no link to their page */
};

/* "runs/20261123T055100123Z-1f0c9a3b.html". An id with other characters than letters, digits,
 * '-', '_' and '.' is named by its hash. */
const char *site_run_path(const char *run_id, struct arena *arena);
const char *site_image_path(const char *image_id, struct arena *arena);
const char *site_bisect_path(const char *id, struct arena *arena);

/* --- overview: commits x checks ------------------------------------------------------------- */

struct site_grid;

/* Runs are added newest first; nothing of RUN is kept by reference. HAS_IMAGE: an image page is
 * written for its image. */
struct site_grid *site_grid_new(void);
void site_grid_free(struct site_grid *grid); /* NULL is allowed */
void site_grid_freep(struct site_grid **grid);
void site_grid_add(struct site_grid *grid, const struct run *run, bool has_image);
/* At least 1: a history without runs has a page that says so. Page 0 is the newest. */
size_t site_grid_pages(const struct site_grid *grid);
const char *site_grid_path(size_t page, struct arena *arena); /* "index.html", "index-2.html", … */
void site_grid_write(const struct site_grid *grid, size_t page, const struct site_frame *frame,
		     struct buf *out);

/* --- one run -------------------------------------------------------------------------------- */

struct site_run {
	const struct run *run;
	const char *newer; /* ids of the runs beside it, NULL: none */
	const char *older;
	bool has_image;		/* an image page is written for its image */
	bool has_baseline_page; /* a page is written for the baseline's run */
	/* What facts_diff says against the baseline; NO_DIFFERENCES: why it was not asked. */
	const struct difference *differences;
	size_t difference_count;
	const char *no_differences;
	const char *log; /* the end of build.log, NULL: none */
	size_t log_len;
	uint64_t log_bytes; /* all of it */
};

void site_run_write(const struct site_run *page, const struct site_frame *frame, struct buf *out);

/* --- metrics -------------------------------------------------------------------------------- */

struct site_metrics;

struct site_metrics *site_metrics_new(void);
void site_metrics_free(struct site_metrics *metrics); /* NULL is allowed */
/* Take in the metrics of RUN; newest first, nothing is kept by reference. A series is one metric of
 * one case in one cell. */
void site_metrics_add(struct site_metrics *metrics, const struct run *run);

/* A change of level that somebody or something found. */
struct site_change {
	const char *suite, *case_name, *metric;
	const char *cell;   /* NULL: the whole history */
	const char *commit; /* the first on the new level */
	const char *state;  /* "suspected", "confirmed", … */
	const char *since;  /* RFC 3339 UTC: when it was found */
	const char *note;   /* NULL: none */
	double change;	    /* new level / old level - 1 */
	double low, high;   /* interval of CHANGE; NAN: none */
};

/* An A/B test: two images measured in turns, pair by pair. */
struct site_trial {
	const char *suite, *case_name, *metric;
	const char *cell; /* NULL: none */
	const char *started_at;
	const char *before_commit; /* NULL: an image without commit */
	const char *after_commit;
	enum verdict verdict;
	const double *before, *after;
	size_t count; /* of pairs */
};

/* For series that are there already; others are left out. Nothing is kept by reference. */
void site_metrics_add_change(struct site_metrics *metrics, const struct site_change *change);
/* Of several trials of a series the one that is added first is shown: add the newest first. */
void site_metrics_add_trial(struct site_metrics *metrics, const struct site_trial *trial);
size_t site_metrics_count(const struct site_metrics *metrics); /* series, each a page */
const char *site_metrics_path(const struct site_metrics *metrics, size_t index);
void site_metric_write(const struct site_metrics *metrics, size_t index,
		       const struct site_frame *frame, struct buf *out);
/* metrics.html: every series with its newest value. */
void site_metrics_write(const struct site_metrics *metrics, const struct site_frame *frame,
			struct buf *out);

/* --- images --------------------------------------------------------------------------------- */

struct site_image_run {
	const char *id, *commit, *subject;
	enum verdict verdict;
};

struct site_image {
	const char *id;
	const struct facts *facts;
	const struct site_image_run *runs; /* that tested this image, newest first */
	size_t run_count;
};

void site_image_write(const struct site_image *page, const struct site_frame *frame,
		      struct buf *out);

struct site_image_row {
	const char *id;
	const char *torch;	      /* its version, NULL: none */
	const char *commit, *subject; /* of the newest run */
	uint64_t size_bytes;
	size_t layer_count, run_count;
};

/* images.html. */
void site_images_write(const struct site_image_row *rows, size_t count,
		       const struct site_frame *frame, struct buf *out);

/* --- bisections ----------------------------------------------------------------------------- */

/*
 * ANSWER is what `assay bisect` keeps in answer.json, "assay_bisect": 1. Read are: good, bad,
 * suite, command, ending ("culprit", "no-culprit", "older", "undecided", "open"), probability,
 * confirmed, commits (hashes of the answer), wanted [{check, signature}], posterior [{commit,
 * subject, probability, fails, passes, same_inputs, no_verdict}] in the order of history,
 * no_culprit and older (probabilities), evidence [{commit, seen, note, run, build_s, test_s,
 * built_anew}] in the order it was made, cause {external, before, after, not_compared,
 * differences}, and cost {suspects, different, builds, tests, retries, work_s}. Other keys are
 * ignored, missing ones left out.
 */
struct site_bisect {
	const char *id;
	const struct json *answer;
	struct pairs subjects; /* commit -> subject, for those the answer has none of */
	struct strings runs;   /* ids that have a page */
};

void site_bisect_write(const struct site_bisect *page, const struct site_frame *frame,
		       struct buf *out);
/* bisects.html. */
void site_bisects_write(const struct site_bisect *pages, size_t count,
			const struct site_frame *frame, struct buf *out);

#endif
