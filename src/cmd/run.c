#include "cmd/chain.h"

#include "base/cancel.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "stats/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define JOBS_DEFAULT 4

struct run_options {
	struct common_options common;
	const char *repo;
	const char *commit;
	struct strings suites;
	struct strings only;
	struct strings targets;
	struct strings outputs;
	struct strings vars;
	const char *history;
	const char *engine;
	const char *baseline;
	const char *against;
	struct strings metrics;
	const char *margin;
	int64_t pairs;
	int64_t jobs;
	bool rerun_failures;
	bool no_reruns;
	bool reuse;
	bool changed;
	bool rebuild;
	bool no_cache;
	const char *cache_from;
	bool verbose;
	int exit_style;
	int build_failure;
};

static const char *const exit_styles[] = {"plain", "bisect", NULL};
static const char *const build_failures[] = {"skip", "bad", NULL};

#define AT(member) offsetof(struct run_options, member)
static const struct option_row run_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"commit", 0, OPTION_STRING, AT(commit), "REV", NULL, "commit to judge (default: HEAD)"},
	{"suite", 0, OPTION_LIST, AT(suites), "FILE", NULL,
	 "suite file; repeatable (default: assay.jsonc of the commit)"},
	{"only", 0, OPTION_LIST, AT(only), "NAME|TAG", NULL,
	 "only checks of this name or tag (* and ? allowed); repeatable"},
	{"target", 0, OPTION_LIST, AT(targets), "GPU", NULL, "replace the suite's targets"},
	{"output", 'o', OPTION_LIST, AT(outputs), "FORMAT=FILE", NULL,
	 "also write a report; FILE - is standard output; repeatable"},
	{"var", 0, OPTION_LIST, AT(vars), "NAME=VALUE", NULL, "value for ${NAME} in the suite"},
	{"rerun-failures", 0, OPTION_FLAG, AT(rerun_failures), NULL, NULL,
	 "make failed checks again, as often as their history asks for: one that then passes is "
	 "flaky"},
	{"no-reruns", 0, OPTION_FLAG, AT(no_reruns), NULL, NULL,
	 "make no check again, whatever the suite says"},
	{"reuse", 0, OPTION_FLAG, AT(reuse), NULL, NULL,
	 "take over results of a run with equal suite and image inputs"},
	{"changed", 0, OPTION_FLAG, AT(changed), NULL, NULL,
	 "run only what the change can affect: with the image's inputs equal to those of an "
	 "earlier "
	 "run, its results stand for every check that asserts the same"},
	{"rebuild", 0, OPTION_FLAG, AT(rebuild), NULL, NULL,
	 "build even when an image with equal inputs exists"},
	{"no-cache", 0, OPTION_FLAG, AT(no_cache), NULL, NULL,
	 "with --rebuild: without the builder's layer cache"},
	{"cache-from", 0, OPTION_STRING, AT(cache_from), "IMAGE", NULL,
	 "with --rebuild: take the layers of this image for the steps that it shares"},
	{"baseline", 0, OPTION_STRING, AT(baseline), "REV", NULL,
	 "compare with this commit (default: nearest ancestor with a run)"},
	{"against", 0, OPTION_STRING, AT(against), "REV|IMAGE", NULL,
	 "measure every metric against that image, pair by pair, until a loss is shown or ruled "
	 "out"},
	{"metric", 0, OPTION_LIST, AT(metrics), "NAME", NULL,
	 "with --against: only this metric (* and ? allowed); repeatable"},
	{"margin", 0, OPTION_STRING, AT(margin), "P", NULL,
	 "with --against: the loss that must be ruled out, 0.02 is 2 % (default: 0.02)"},
	{"pairs", 0, OPTION_COUNT, AT(pairs), "N", NULL,
	 "with --against: pairs at most (default: 48)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db)"},
	{"engine", 0, OPTION_STRING, AT(engine), "HOST", NULL,
	 "container engine (default: DOCKER_HOST, then the usual sockets)"},
	{"jobs", 'j', OPTION_COUNT, AT(jobs), "N", NULL, "checks at once (default: 4)"},
	{"verbose", 'v', OPTION_FLAG, AT(verbose), NULL, NULL, "show the output of failed checks"},
	{"exit-style", 0, OPTION_CHOICE, AT(exit_style), "plain|bisect", exit_styles,
	 "bisect: exit codes for `git bisect run`"},
	{"build-failure", 0, OPTION_CHOICE, AT(build_failure), "skip|bad", build_failures,
	 "with --exit-style=bisect: what a failed build means"},
	COMMON_OPTIONS};
#undef AT

static int write_reports(const struct run *run, const struct run_options *options, struct err *err)
{
	const struct report_options plain = {0};
	const struct report_options screen = {.color = cmd_color(&options->common),
					      .quiet = options->common.quiet,
					      .width = output_width(),
					      .show_output = options->verbose};
	const struct report_ops *ops;
	const char *file;

	ops = options->common.json ? &report_json : &report_text;
	if (output_run(run, ops, "-", &screen, err) < 0)
		return -1;
	for (size_t i = 0; i < options->outputs.count; i++)
		if (output_find(options->outputs.items[i], NULL, &ops, NULL, &file, err) < 0 ||
		    output_run(run, ops, file, &plain, err) < 0)
			return -1;
	return 0;
}

static int check_against(const struct run_options *options, double *margin, struct err *err)
{
	if (!options->against && (options->metrics.count || options->margin))
		return err_set(err, ERR_USAGE, "--metric and --margin need --against");
	if (options->pairs < STATS_GATE_PAIRS_MIN || options->pairs > STATS_GATE_PAIRS_MAX)
		return err_set(err, ERR_USAGE, "--pairs %lld: from %d to %d",
			       (long long)options->pairs, STATS_GATE_PAIRS_MIN,
			       STATS_GATE_PAIRS_MAX);
	if (cmd_parse_share("margin", options->margin, margin, err) < 0)
		return -1;
	return *margin > 0 && *margin < 1
		       ? 0
		       : err_set(err, ERR_USAGE, "--margin %s: more than 0 and less than 1",
				 options->margin);
}

/* One suite; returns the exit code. */
static int run_suite(const struct run_options *options, const char *suite, struct arena *arena)
{
	struct progress *progress = progress_start(options->common.quiet);
	struct chain_request request = {
		.repo = options->repo,
		.commit = options->commit,
		.suite_file = suite,
		.only = options->only,
		.targets = options->targets,
		.history = options->history,
		.engine = options->engine,
		.baseline = options->baseline,
		.against = options->against,
		.metrics = options->metrics,
		.margin = STATS_GATE_MARGIN,
		.pairs = options->pairs,
		.jobs = options->jobs,
		.rerun_failures = options->rerun_failures,
		.once = options->no_reruns,
		.reuse = options->reuse,
		.changed = options->changed,
		.rebuild = options->rebuild || options->no_cache || options->cache_from,
		.no_cache = options->no_cache,
		.cache_from = options->cache_from,
		.say = progress_say,
		.left = progress_is_live(progress) ? progress_left : NULL,
		.payload = progress,
	};
	struct run *run = NULL;
	struct err err = {0}, report_err = {0};
	char folder[4096] = "";
	int rc, code;

	rc = cmd_parse_vars(&options->vars, arena, &request.vars, &err);
	if (rc == 0)
		rc = check_against(options, &request.margin, &err);
	if (rc == 0)
		rc = chain_run(&request, &run, folder, sizeof(folder), &err);
	progress_stop(progress);
	if (!run)
		return cmd_fail(&err);
	code = rc < 0 ? cmd_fail(&err) : exit_of_run(run);
	if (write_reports(run, options, &report_err) < 0)
		code = cmd_fail(&report_err);
	run_free(run);
	return code;
}

/* The worse of two exit codes: interrupted, infrastructure, usage, then what the image did. */
static int worse(int a, int b)
{
	static const int order[] = {EXIT_PASS,	EXIT_EMPTY, EXIT_INCONCLUSIVE, EXIT_FAIL,
				    EXIT_BUILD, EXIT_USAGE, EXIT_INFRA,	       EXIT_INTERRUPTED};
	size_t ia = 0, ib = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		ia = order[i] == a ? i : ia;
		ib = order[i] == b ? i : ib;
	}
	return ia > ib ? a : b;
}

static int run_suites(const struct run_options *options, struct arena *arena)
{
	struct err err = {0};
	int code = EXIT_PASS;

	if (options->no_cache && options->cache_from) {
		err_set(&err, ERR_USAGE,
			"--no-cache and --cache-from contradict each other: choose one");
		return cmd_fail(&err);
	}
	if ((options->reuse || options->changed) &&
	    (options->rebuild || options->no_cache || options->cache_from)) {
		err_set(&err, ERR_USAGE, "--%s and --rebuild contradict each other: choose one",
			options->reuse ? "reuse" : "changed");
		return cmd_fail(&err);
	}
	if (options->rerun_failures && options->no_reruns) {
		err_set(&err, ERR_USAGE,
			"--rerun-failures and --no-reruns contradict each other: choose one");
		return cmd_fail(&err);
	}
	if (output_check(&options->outputs, NULL, &err) < 0)
		return cmd_fail(&err);
	if (!options->suites.count)
		return run_suite(options, NULL, arena);
	for (size_t i = 0; i < options->suites.count && !cancel_requested(); i++)
		code = worse(code, run_suite(options, options->suites.items[i], arena));
	return code;
}

const struct command_help help_run = {
	"run [OPTION]...",
	"Build a commit's image, check it, record the verdict and compare it with the\nbaseline.",
	run_rows};

int cmd_run(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct run_options options = {
		.repo = ".", .commit = "HEAD", .pairs = STATS_GATE_PAIRS, .jobs = JOBS_DEFAULT};
	struct strings words = {0};
	struct err err = {0};
	int code;

	if (options_parse(run_rows, argc, argv, arena, &options, &words, &err) < 0 ||
	    (words.count && err_set(&err, ERR_USAGE,
				    "run takes no argument '%s' (see assay run "
				    "--help)",
				    words.items[0]) < 0)) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_run);
		code = EXIT_PASS;
	} else {
		code = cmd_finish_output(run_suites(&options, arena));
	}
	arena_free(arena);
	return options.exit_style == EXIT_STYLE_BISECT && !options.common.help
		       ? exit_as_bisect(code, options.build_failure == 1)
		       : code;
}
