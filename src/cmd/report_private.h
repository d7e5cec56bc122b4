/* The parts of `assay report`. */
#ifndef CMD_REPORT_PRIVATE_H
#define CMD_REPORT_PRIVATE_H

#include "cmd/report_folder.h"
#include "site/site.h"
#include "store/store_ops.h"

#define REPORT_FACTS_KEPT 4

struct report_facts {
	const char *image_id; /* the arena's of the report */
	struct facts *facts;  /* NULL: nobody kept any */
	unsigned long used;   /* when, for keeping the latest */
};

struct report {
	struct arena *arena;
	struct store *store;
	const char *state; /* folder with runs/, NULL: none */
	const char *since; /* RFC 3339, NULL: from the start */
	struct run_row *rows;
	size_t row_count;
	struct site_frame frame;
	struct site_grid *grid;
	struct site_metrics *metrics;
	struct site_image_row *images; /* with a page */
	size_t image_count;
	struct site_bisect *bisects;
	struct json **answers; /* of the bisections */
	size_t answer_count;
	size_t bisect_count;
	struct report_folder folder;
	struct report_facts kept[REPORT_FACTS_KEPT];
	unsigned long clock;
};

/* Write PAGE to PATH of the folder and empty it. ERR_LIMIT: it did not fit. */
int report_write_page(struct report *report, const char *path, struct buf *page, struct err *err);

/* Fill has_image, differences and no_differences of PAGE. */
void report_compare_facts(struct report *report, const struct run *run, struct arena *arena,
			  struct site_run *page);
/* Write the page of the image of row INDEX, unless an earlier row did or nobody kept its facts. */
int report_write_image(struct report *report, size_t index, struct buf *page, struct err *err);
void report_facts_done(struct report *report);

/* Add what the history keeps beside runs to the metrics: changes of level, and A/B tests. */
int report_add_life(struct report *report, struct err *err);

/* Find the answers that `assay bisect` kept in STATE/bisect/. What cannot be read is left out. */
void report_find_bisects(struct report *report);
int report_write_bisects(struct report *report, struct buf *page, struct err *err);
void report_bisects_done(struct report *report);

#endif
