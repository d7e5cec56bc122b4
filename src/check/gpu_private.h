/*
 * Parts of the kinds `gpu-health` and `kernel`: asking assay-gpu, reading its lines, and what they
 * say of the card. The program runs among the image's libraries, so its lines are hostile input.
 */
#ifndef CHECK_GPU_PRIVATE_H
#define CHECK_GPU_PRIVATE_H

#include "check/trial.h"

#define GPU_OUTPUT_MAX ((size_t)8 * 1024 * 1024) /* bytes kept of its output */
#define GPU_LINE_BYTES_MAX ((size_t)64 * 1024)
#define GPU_LINES_MAX 4096
#define GPU_METRICS_MAX 64 /* of one line */
#define GPU_SAMPLES_MAX 64 /* of one metric */
#define GPU_NAME_MAX 128   /* bytes of a case's, metric's or unit's name */
#define GPU_TEXT_MAX 1024  /* bytes of every other text */

struct gpu_metric {
	const char *name;
	const char *unit;
	enum direction direction;
	const char *shape; /* "" none */
	double *samples;
	size_t sample_count;
};

struct gpu_line { /* one case of assay-gpu */
	const char *name;
	enum outcome outcome;	   /* pass, fail, skip or broken */
	bool infra;		   /* broken by the machine */
	const struct label *label; /* NULL: none */
	const char *expected, *actual, *reason;
	const char *cell; /* card, driver, CUDA and library; "" where the card was not reached */
	struct gpu_metric *metrics;
	size_t metric_count;
};

struct gpu_lines {
	struct gpu_line *items;
	size_t count;
};

/* Read LEN bytes of JSON lines; strings are ARENA's. ERR_INFRA names the line and what is wrong. */
int check_gpu_read(const char *text, size_t len, struct arena *arena, struct gpu_lines *out,
		   struct err *err);

struct gpu_place { /* keys that both kinds have */
	const char *device;
	bool host;
};
extern const char check_gpu_device_help[], check_gpu_host_help[];
#define GPU_PLACE_FIELDS(BASE)                                                                     \
	{.name = "device",                                                                         \
	 .type = FIELD_STRING,                                                                     \
	 .offset = (BASE) + offsetof(struct gpu_place, device),                                    \
	 .nonempty = true,                                                                         \
	 .help = check_gpu_device_help},                                                           \
	{                                                                                          \
		.name = "host", .type = FIELD_BOOL,                                                \
		.offset = (BASE) + offsetof(struct gpu_place, host), .help = check_gpu_host_help   \
	}
int check_gpu_place_validate(const struct gpu_place *place, struct err *err);

/* Why a case is undecided, when REASON is not NULL. */
struct gpu_open {
	const char *reason;
	bool broken; /* else a skip */
	const char *label;
};

/* Run assay-gpu with ARGS and keep its output in the case. 0 with OPEN->reason: there is no GPU. */
int check_gpu_ask(struct trial *trial, const struct gpu_place *place, const struct strings *args,
		  struct gpu_lines *lines, struct gpu_open *open, struct err *err);

bool check_gpu_is_health(const struct gpu_line *line);
/* Is the card well? Fills OPEN when it is not, or when that is not known. */
void check_gpu_health_judge(const struct gpu_lines *lines, struct arena *arena,
			    struct gpu_open *open);
/* The first cell named, "" none. */
const char *check_gpu_cell(const struct gpu_lines *lines);
/* Every metric of LINES, samples of equal names and cells together. ERR_LIMIT: too many. */
int check_gpu_measure(const struct gpu_lines *lines, struct arena *arena, struct case_result *out,
		      struct err *err);
/* As check_trial_end, and then what OPEN says, unless something was found. */
int check_gpu_end(struct trial *trial, int rc, const char *where, const char *actual,
		  const struct gpu_open *open, struct err *err);

#endif
