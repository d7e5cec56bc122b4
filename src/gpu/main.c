/* assay-gpu: 4-bit kernels of the library that ships, on the card that is here. */
#include "base/cancel.h"
#include "base/file.h"
#include "base/units.h"
#include "gpu/cases.h"
#include "gpu/child.h"
#include "gpu/report.h"
#include "gpu/rootfs.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_DEFAULT 4
#define PATTERNS_MAX 32
#define REPEAT_MAX 50
#define ALARM_RUNS 1000
#define VERSION_BYTES_MAX 4096

enum { EXIT_USAGE = 2, EXIT_INFRA = 4, EXIT_INTERRUPTED = 130 };

struct settings {
	const char *library, *rootfs, *checkpoint;
	const char *patterns[PATTERNS_MAX];
	size_t pattern_count;
	unsigned jobs, repeat, release;
	bool list, health, self_test, bench;
	struct report report;
};

static const char usage[] =
	"usage: assay-gpu [--library FILE | --rootfs DIR] [OPTION]...\n"
	"Runs the 4-bit kernels of bitsandbytes on the GPU of this machine and judges them.\n"
	"  --library FILE     the libbitsandbytes_cuda*.so under test\n"
	"  --rootfs DIR       find what the image at DIR would load (inside a container: /)\n"
	"  --release N        of bitsandbytes 0.N, where files do not say it\n"
	"  --checkpoint FILE  also the 4-bit weights of this safetensors file\n"
	"  --cases PATTERN    only cases whose name matches, from all groups; may be repeated\n"
	"  --health           is the card well\n"
	"  --self-test        are planted bugs caught, and right kernels never\n"
	"  --bench            how fast, as a share of what the card can do\n"
	"  --repeat N         every case N times, each in a process of its own\n"
	"  --jobs N           cases side by side (4); timed ones always run alone\n"
	"  --list             name the cases, run nothing\n"
	"  --json             one JSON object per case\n"
	"  --quiet            text: only what did not pass\n"
	"Without a group: health, load, the library's kernels and our own reference kernels.\n"
	"exit: 0 pass, 1 a case failed, 2 usage, 4 the card is not well or a case could not be "
	"made,\n"
	"5 something was skipped, 6 nothing was selected\n";

static const struct option options[] = {
	{"library", required_argument, NULL, 'l'}, {"rootfs", required_argument, NULL, 'r'},
	{"release", required_argument, NULL, 'R'}, {"checkpoint", required_argument, NULL, 'c'},
	{"cases", required_argument, NULL, 'k'},   {"health", no_argument, NULL, 'h'},
	{"self-test", no_argument, NULL, 's'},	   {"bench", no_argument, NULL, 'b'},
	{"repeat", required_argument, NULL, 'n'},  {"jobs", required_argument, NULL, 'j'},
	{"list", no_argument, NULL, 'L'},	   {"json", no_argument, NULL, 'J'},
	{"quiet", no_argument, NULL, 'q'},	   {"help", no_argument, NULL, 'H'},
	{"version", no_argument, NULL, 'V'},	   {NULL, 0, NULL, 0},
};

static int whole(const char *text, int64_t max, unsigned *out)
{
	int64_t value;

	if (units_parse_int(text, 1, max, &value) < 0)
		return -1;
	*out = (unsigned)value;
	return 0;
}

/* 0, or -1 for a mistake; help and version leave at once. */
static int take(struct settings *s, int option)
{
	switch (option) {
	case 'l':
		s->library = optarg;
		return 0;
	case 'r':
		s->rootfs = optarg;
		return 0;
	case 'c':
		s->checkpoint = optarg;
		return 0;
	case 'k':
		if (s->pattern_count == PATTERNS_MAX)
			return -1;
		s->patterns[s->pattern_count++] = optarg;
		return 0;
	case 'R':
		return whole(optarg, LIBRARY_RELEASE_LAST, &s->release);
	case 'n':
		return whole(optarg, REPEAT_MAX, &s->repeat);
	case 'j':
		return whole(optarg, CHILD_JOBS_MAX, &s->jobs);
	case 'h':
		s->health = true;
		return 0;
	case 's':
		s->self_test = true;
		return 0;
	case 'b':
		s->bench = true;
		return 0;
	case 'L':
		s->list = true;
		return 0;
	case 'J':
		s->report.json = true;
		return 0;
	case 'q':
		s->report.quiet = true;
		return 0;
	default:
		return -1;
	}
}

static int parse(int argc, char **argv, struct settings *s)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'H') {
			fputs(usage, stdout);
			exit(0);
		}
		if (option == 'V') {
			puts("assay-gpu " ASSAY_VERSION);
			exit(0);
		}
		if (take(s, option) < 0)
			return -1;
	}
	return optind == argc && !(s->library && s->rootfs) ? 0 : -1;
}

/* The kernel module's: the first word of its line that begins like a version. */
static const char *driver_version(struct arena *arena)
{
	struct buf text;
	const char *out = "";

	buf_init(&text, VERSION_BYTES_MAX);
	if (file_read("/proc/driver/nvidia/version", &text, NULL) == 0)
		for (const char *at = buf_str(&text); *at && *at != '\n' && !*out;
		     at += strcspn(at, " \n"), at += strspn(at, " ")) {
			size_t whole = strspn(at, "0123456789"), all = strspn(at, "0123456789.");

			if (whole && all > whole && strchr(" \n", at[all]))
				out = arena_strndup(arena, at, all);
		}
	buf_done(&text);
	return out;
}

/* --- what is under test ---------------------------------------------------------------------- */

static const char *select_label(enum select_how how)
{
	if (how == SELECT_BAD_OVERRIDE)
		return "kernel/override-invalid";
	return how == SELECT_CPU ? "kernel/cpu-fallback" : "kernel/library-missing";
}

static void report_select(struct settings *s, const struct library_paths *paths,
			  const struct select_output *selected)
{
	const struct gpu_case item = {.name = "load/select"};
	struct case_outcome out = {.finished = true};

	if (paths->library[0] && access(paths->library, R_OK) == 0)
		case_pass(&out, "%s: %s", paths->library, selected->why);
	else if (selected->why[0])
		case_fail(&out, select_label(selected->how),
			  "a library for this CUDA in the package", "%s", selected->why);
	else
		case_fail(&out, "kernel/library-missing", "the file named", "%s cannot be read",
			  paths->library);
	report_case(&s->report, &item, &out);
}

/* An image without a library is a finding, not a mistake of who asks. */
static void report_absent(struct settings *s, const struct err *why)
{
	const struct gpu_case item = {.name = "load/select"};
	struct case_outcome out = {.finished = true};

	case_fail(&out, "kernel/library-missing", "bitsandbytes, and torch with CUDA", "%s",
		  why->msg);
	if (!s->list)
		report_case(&s->report, &item, &out);
}

static int find_library(struct settings *s, struct arena *arena, struct library_paths *paths,
			struct err *err)
{
	struct select_output selected = {.why = ""};
	struct rootfs rootfs;

	if (s->library) {
		(void)snprintf(paths->library, sizeof(paths->library), "%s", s->library);
		paths->cuda_major = library_cuda_major(s->library);
	} else if (s->rootfs) {
		if (rootfs_read(s->rootfs, arena, &rootfs, err) < 0)
			return -1;
		if (rootfs_select(&rootfs, getenv("BNB_CUDA_VERSION"), paths, &selected, err) < 0) {
			report_absent(s, err);
			return 0;
		}
	} else {
		return 0;
	}
	if (s->release)
		paths->release = s->release;
	if (!s->list)
		report_select(s, paths, &selected);
	if (paths->library[0] && access(paths->library, R_OK) != 0)
		paths->library[0] = '\0';
	s->report.cell = arena_printf(
		arena, "%s",
		strrchr(paths->library, '/') ? strrchr(paths->library, '/') + 1 : paths->library);
	return 0;
}

/* --- which cases ----------------------------------------------------------------------------- */

static int fill_groups(const struct settings *s, struct case_list *list, struct err *err)
{
	const bool all = s->pattern_count > 0;
	const bool none = !s->health && !s->self_test && !s->bench;

	if (all || none || s->health)
		cases_health(list);
	if (all || none) {
		cases_load(list);
		cases_library(list);
		cases_reference(list);
	}
	if ((all || none) && s->checkpoint && cases_checkpoint(list, s->checkpoint, err) < 0)
		return -1;
	if (all || s->self_test)
		cases_selftest(list, ALARM_RUNS);
	if (all)
		cases_yardstick(list);
	if (all || s->bench) {
		cases_bench(list);
		cases_yardstick_bench(list);
	}
	return 0;
}

static bool wanted(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->pattern_count; i++)
		if (fnmatch(s->patterns[i], name, 0) == 0)
			return true;
	return s->pattern_count == 0;
}

static void pick(const struct settings *s, const struct case_list *all, struct case_list *out)
{
	for (unsigned round = 0; round < s->repeat; round++)
		for (size_t i = 0; i < all->count; i++)
			if (wanted(s, all->items[i].name) && out->count < CASE_COUNT_MAX) {
				struct gpu_case *item = arena_push(out->arena, &out->items,
								   &out->count, sizeof(*item));

				*item = all->items[i];
			}
}

static int run(struct settings *s, struct arena *arena, struct err *err)
{
	static struct library_paths paths;
	struct case_list all = {arena, NULL, 0}, chosen = {arena, NULL, 0};

	if (fill_groups(s, &all, err) < 0)
		return -1;
	pick(s, &all, &chosen);
	if (s->list) {
		for (size_t i = 0; i < chosen.count; i++)
			puts(chosen.items[i].name);
		return 0;
	}
	s->report.driver = driver_version(arena);
	if (find_library(s, arena, &paths, err) < 0)
		return -1;
	return child_run_all(chosen.items, chosen.count, &paths, s->jobs, report_case, &s->report,
			     err);
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.jobs = JOBS_DEFAULT, .repeat = 1, .report = {.cell = "", .driver = ""}};
	struct arena *arena = arena_new();
	struct err err = {.code = ERR_NONE};
	int code;

	if (parse(argc, argv, &settings) < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	cancel_install();
	if (run(&settings, arena, &err) < 0) {
		fprintf(stderr, "assay-gpu: %s\n", err.msg);
		code = err.code == ERR_CANCELLED ? EXIT_INTERRUPTED
		       : err.code == ERR_INFRA	 ? EXIT_INFRA
						 : EXIT_USAGE;
	} else {
		code = settings.list ? 0 : report_end(&settings.report);
	}
	arena_free(arena);
	return code;
}
