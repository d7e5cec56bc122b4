/* Shared by the pages: the frame, bounded text, safe file names. */
#ifndef SITE_SITE_PRIVATE_H
#define SITE_SITE_PRIVATE_H

#include "base/json.h"
#include "site/site.h"

struct site_page {
	const char *kind;  /* "run": data-page of the body and the script's name */
	const char *title; /* hostile text is fine */
	const char *root;  /* "" or "../": the way to the report's folder */
	bool charts;	   /* loads the charting library */
	struct json *data; /* freed by site_page_write */
};

/* Append the whole page. */
void site_page_write(struct site_page *page, const struct site_frame *frame, struct buf *out);

/* Append JSON to OUT as it may stand in a script element. */
void site_put_json(const struct json *data, struct buf *out);
/* Append TEXT as HTML text or attribute; control characters become spaces. */
void site_put_text(struct buf *out, const char *text);

/* A string of at most MAX bytes; where it is cut, "…" takes the place of the rest. NULL: nothing.
 */
void site_add_text(struct json *object, const char *key, const char *text, size_t max);
/* Nanoseconds as seconds. */
void site_add_seconds(struct json *object, const char *key, uint64_t ns);

/* FOLDER/NAME.html with a safe NAME. */
const char *site_path(const char *folder, const char *name, struct arena *arena);

/* P, F, S, B, T, I, N: one letter per outcome, the key of the legend. */
char site_outcome_letter(enum outcome outcome);
/* "r" regressed, "f" fixed, "n" new, "s" still failing, "g" gone, "." none */
char site_flip_letter(enum flip flip);

/* --- metrics -------------------------------------------------------------------------------- */

#define SITE_METRIC_PATH sizeof("metrics/012345678901234567890123.html")
/* The page of a metric's series: its suite, case, name, unit and cell. */
void site__metric_path(const struct run *run, const struct case_result *result,
		       const struct metric *metric, char out[SITE_METRIC_PATH]);

#endif
