#include "base/cancel.h"
#include "base/file.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/report_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORT_RUNS_DEFAULT 500
#define REPORT_RUNS_MAX 100000

struct report_options_of_command {
	struct common_options common;
	const char *html;
	const char *repo;
	const char *history;
	const char *suite;
	const char *since;
	const char *title;
	int64_t runs;
};

#define AT(member) offsetof(struct report_options_of_command, member)
static const struct option_row report_rows[] = {
	{"html", 0, OPTION_STRING, AT(html), "DIR", NULL,
	 "folder for the site; an earlier report there is replaced (required)"},
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db)"},
	{"suite", 0, OPTION_STRING, AT(suite), "NAME", NULL, "only runs of this suite"},
	{"runs", 'n', OPTION_COUNT, AT(runs), "N", NULL, "the newest N runs (default: 500)"},
	{"since", 0, OPTION_STRING, AT(since), "DATE|REV", NULL,
	 "only runs since then, 2026-11-23 or the time of a commit"},
	{"title", 0, OPTION_STRING, AT(title), "TEXT", NULL, "title (default: Assay report)"},
	COMMON_OPTIONS};
#undef AT

int report_write_page(struct report *report, const char *path, struct buf *page, struct err *err)
{
	int rc = 0;

	if (page->truncated)
		rc = err_set(err, ERR_LIMIT, "%s would be larger than %zu MiB", path,
			     SITE_PAGE_BYTES_MAX >> 20);
	if (rc == 0)
		rc = report_folder_write(&report->folder, path, page->data, page->len, err);
	page->len = 0;
	return rc;
}

/* The end of build.log of a run, and how long all of it is. */
static void read_log(const struct report *report, const char *run_id, struct arena *arena,
		     struct site_run *page)
{
	const char *path = arena_printf(arena, "%s/runs/%s/build.log", report->state, run_id);
	int fd = report->state ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat status;
	off_t from = 0;
	ssize_t got = 0;
	char *text;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		if (status.st_size > (off_t)SITE_LOG_MAX)
			from = status.st_size - (off_t)SITE_LOG_MAX;
		text = arena_alloc(arena, SITE_LOG_MAX + 1);
		got = pread(fd, text, SITE_LOG_MAX, from);
		if (got > 0)
			*page = (struct site_run){.log = text,
						  .log_len = (size_t)got,
						  .log_bytes = (uint64_t)status.st_size};
	}
	if (fd >= 0)
		(void)close(fd);
}

static bool has_page(const struct report *report, const char *run_id)
{
	for (size_t i = 0; run_id && i < report->row_count; i++)
		if (strcmp(report->rows[i].id, run_id) == 0)
			return true;
	return false;
}

static int write_run(struct report *report, size_t index, struct buf *page, struct err *err)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct run *run CLEANUP(run_freep) = NULL;
	const struct run_row *rows = report->rows;
	struct site_run content = {0};

	if (report->store->ops->load(report->store, rows[index].id, &run, err) < 0)
		return -1;
	read_log(report, run->id, arena, &content);
	content.run = run;
	content.newer = index ? rows[index - 1].id : NULL;
	content.older = index + 1 < report->row_count ? rows[index + 1].id : NULL;
	content.has_baseline_page = has_page(report, run->baseline.run_id);
	report_compare_facts(report, run, arena, &content);
	site_grid_add(report->grid, run, content.has_image);
	site_metrics_add(report->metrics, run);
	site_run_write(&content, &report->frame, page);
	return report_write_page(report, site_run_path(run->id, arena), page, err);
}

static int write_runs(struct report *report, struct buf *page, struct err *err)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (cancel_check(err) < 0 || write_run(report, i, page, err) < 0 ||
		    report_write_image(report, i, page, err) < 0)
			return -1;
	return 0;
}

static int write_grid(struct report *report, struct buf *page, struct err *err)
{
	for (size_t i = 0; i < site_grid_pages(report->grid); i++) {
		site_grid_write(report->grid, i, &report->frame, page);
		if (report_write_page(report, site_grid_path(i, report->arena), page, err) < 0)
			return -1;
	}
	return 0;
}

static int write_metrics(struct report *report, struct buf *page, struct err *err)
{
	if (report_add_life(report, err) < 0)
		return -1;
	for (size_t i = 0; i < site_metrics_count(report->metrics); i++) {
		site_metric_write(report->metrics, i, &report->frame, page);
		if (cancel_check(err) < 0 ||
		    report_write_page(report, site_metrics_path(report->metrics, i), page, err) < 0)
			return -1;
	}
	site_metrics_write(report->metrics, &report->frame, page);
	return report_write_page(report, "metrics.html", page, err);
}

static int write_images(struct report *report, struct buf *page, struct err *err)
{
	site_images_write(report->images, report->image_count, &report->frame, page);
	return report_write_page(report, "images.html", page, err);
}

static int write_assets(struct report *report, struct err *err)
{
	for (const struct site_asset *asset = site_assets; asset->path; asset++)
		if (report_folder_write(&report->folder, asset->path, asset->data,
					(size_t)(asset->end - asset->data), err) < 0)
			return -1;
	return 0;
}

static int write_all(struct report *report, struct err *err)
{
	struct buf page;
	int rc;

	buf_init(&page, SITE_PAGE_BYTES_MAX);
	rc = write_assets(report, err);
	if (rc == 0)
		rc = write_runs(report, &page, err);
	if (rc == 0)
		rc = write_grid(report, &page, err);
	if (rc == 0)
		rc = write_metrics(report, &page, err);
	if (rc == 0)
		rc = write_images(report, &page, err);
	if (rc == 0)
		rc = report_write_bisects(report, &page, err);
	buf_done(&page);
	return rc == 0 ? report_folder_commit(&report->folder, err) : -1;
}

/* --- what is asked for ----------------------------------------------------------------------- */

static int find_rows(struct report *report, const struct report_options_of_command *options,
		     struct err *err)
{
	const struct store_filter filter = {.suite = options->suite,
					    .limit = (size_t)options->runs};

	if (report->store->ops->runs(report->store, &filter, report->arena, &report->rows,
				     &report->row_count, err) < 0)
		return -1;
	/* Times of runs are RFC 3339 in UTC: their order is that of their bytes. */
	for (size_t i = 0; report->since && i < report->row_count; i++)
		if (strcmp(report->rows[i].started_at, report->since) < 0)
			report->row_count = i;
	return 0;
}

static void say(const struct report *report, const struct report_options_of_command *options,
		size_t files, uint64_t bytes)
{
	char size[32];
	struct json *root;

	if (options->common.json) {
		root = json_new_object();
		json_add_int(root, "assay_report", 1);
		json_add_str(root, "folder", options->html);
		json_add_int(root, "runs", (int64_t)report->row_count);
		json_add_int(root, "files", (int64_t)files);
		json_add_int(root, "bytes", (int64_t)bytes);
		cmd_print_json(root);
	} else if (!options->common.quiet) {
		printf("%zu run%s, %zu files, %s: %s/index.html\n", report->row_count,
		       report->row_count == 1 ? "" : "s", files,
		       units_size(bytes, size, sizeof(size)), options->html);
	}
}

static int make_report(struct report *report, const struct report_options_of_command *options,
		       struct err *err)
{
	int rc;

	if (find_rows(report, options, err) < 0 ||
	    report_folder_begin(options->html, &report->folder, err) < 0)
		return -1;
	report->frame.title = options->title;
	report->grid = site_grid_new();
	report->metrics = site_metrics_new();
	report_find_bisects(report);
	rc = write_all(report, err);
	if (rc == 0)
		say(report, options, report->folder.files, report->folder.bytes);
	site_grid_free(report->grid);
	site_metrics_free(report->metrics);
	report_bisects_done(report);
	report_facts_done(report);
	report_folder_end(&report->folder);
	return rc;
}

static int check_options(const struct report_options_of_command *options,
			 const struct strings *words, struct err *err)
{
	if (words->count)
		return err_set(err, ERR_USAGE, "report: unexpected '%s'", words->items[0]);
	if (!options->html)
		return err_set(err, ERR_USAGE, "report: say where to: --html DIR");
	if (options->runs > REPORT_RUNS_MAX)
		return err_set(err, ERR_USAGE, "--runs: at most %d", REPORT_RUNS_MAX);
	return 0;
}

/* The folder whose runs/ and bisect/ belong to the history: its own when one lies beside it, else
 * that of the repository. NULL: neither; a history is enough for most of a report. */
static const char *find_state(const struct report_options_of_command *options,
			      const struct source *source, struct arena *arena)
{
	const char *slash = options->history ? strrchr(options->history, '/') : NULL;
	const char *beside = ".";

	if (slash)
		beside = arena_strndup(arena, options->history,
				       (size_t)(slash - options->history) + 1);
	if (options->history && (access(arena_printf(arena, "%s/runs", beside), F_OK) == 0 ||
				 access(arena_printf(arena, "%s/bisect", beside), F_OK) == 0))
		return beside;
	return source ? cmd_state_dir(source, arena) : NULL;
}

const struct command_help help_report = {
	"report --html DIR [OPTION]...",
	"Write recorded runs as a static site: a grid of commits and checks, a page per run, "
	"metrics,\n"
	"images. It needs no server and asks nothing of the network.",
	report_rows};

int cmd_report(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct report_options_of_command options = {
		.repo = ".", .title = "Assay report", .runs = REPORT_RUNS_DEFAULT};
	struct report report = {.arena = arena};
	struct strings words = {0};
	struct source *source = NULL;
	struct err err = {0}, ignored;
	int code = EXIT_PASS;

	if (options_parse(report_rows, argc, argv, arena, &options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_report);
	} else if (check_options(&options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else {
		(void)source_open(options.repo, &source, options.history ? &ignored : &err);
		report.state = find_state(&options, source, arena);
		if ((!source && !options.history) ||
		    cmd_since(options.since, source, arena, &report.since, &err) < 0 ||
		    cmd_history_open(options.history, report.state, &report.store, &err) < 0 ||
		    make_report(&report, &options, &err) < 0)
			code = cmd_fail(&err);
	}
	store_close(report.store);
	source_close(source);
	arena_free(arena);
	return code;
}
