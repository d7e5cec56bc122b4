/* Results as text for people or JSON lines for programs. Writes to standard output only. */
#ifndef GPU_REPORT_H
#define GPU_REPORT_H

#include "gpu/case.h"

struct report {
	bool json;
	bool quiet;	    /* text: failures only */
	const char *cell;   /* the library; the card is known once a case ran */
	const char *driver; /* "580.159.04", "" unknown */
	size_t counts[5];   /* by enum verdict_of */
	bool sick;	    /* a health case failed */
};

/* A child_done callback; PAYLOAD is a struct report. */
void report_case(void *payload, const struct gpu_case *item, const struct case_outcome *out);

/* The last line: how many of each; and the exit code of DESIGN's table. */
int report_end(const struct report *report);

/* TEXT as a JSON string, quotes included; bytes that are no ASCII become '?'. */
void report_string(const char *text);

#endif
