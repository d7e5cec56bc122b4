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
	struct run_row *rows;
	size_t row_count;
	struct site_frame frame;
	struct site_grid *grid;
	struct report_folder folder;
	struct report_facts kept[REPORT_FACTS_KEPT];
	unsigned long clock;
};

/* Fill has_image, differences and no_differences of PAGE. */
void report_compare_facts(struct report *report, const struct run *run, struct arena *arena,
			  struct site_run *page);
void report_facts_done(struct report *report);

#endif
