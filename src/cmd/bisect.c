#include "cmd/bisect_private.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "bisect/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_DEFAULT 4 /* 1 where checks measure: side by side they would disturb each other */
#define CONFIRM_DEFAULT 2
#define PROBES_MAX 1000
#define BUILD_S_DEFAULT 600 /* of an image, until one was built */
#define TEST_S_DEFAULT 60
#define TIMED_RUNS_MAX 20 /* looked at for the times that are usual */
#define NO_BUILD_S .001	  /* a command without a build: only tests count */
/* Of ranges between a pass and a failure, 40 % had no culprit at Google (2023): the failure was a
 * flake. An older failure is rare: somebody saw the good end pass. */
#define NO_CULPRIT_PRIOR .4
#define OLDER_PRIOR .02
/* A rate that the user gives counts as if seen in so many tests: one that is wrong by half is soon
 * corrected, one that is right saves little less than if it were certain. */
#define GIVEN_STRENGTH 10
/* What a metric varies by from pair to pair, until that is learned, and a slowdown that matters. */
#define NOISE_GUESS .02
#define MARGIN_DEFAULT .01
#define GIVEN_MIN .01

/* Until something is learned: flakes are not frequent, and bad code mostly fails. A rate of flakes
 * that is too high costs a test or two, one that is too low the answer: so it is one in eight. */
static const struct rate rare = {.yes = 1, .no = 7}, often = {.yes = 9.5, .no = .5};

static const char *const build_failures[] = {"skip", "bad", NULL};

#define AT(member) offsetof(struct bisect_options, member)
static const struct option_row bisect_rows[] = {
	{"good", 0, OPTION_STRING, AT(good), "REV", NULL, "commit that passes"},
	{"bad", 0, OPTION_STRING, AT(bad), "REV", NULL, "commit that fails (default: HEAD)"},
	{"suite", 0, OPTION_STRING, AT(suite), "FILE", NULL,
	 "suite for all commits (default: assay.jsonc of the bad one)"},
	{"only", 0, OPTION_LIST, AT(only), "NAME|TAG", NULL,
	 "only checks of this name or tag (* and ? allowed); repeatable"},
	{"target", 0, OPTION_LIST, AT(targets), "GPU", NULL, "replace the suite's targets"},
	{"var", 0, OPTION_LIST, AT(vars), "NAME=VALUE", NULL, "value for ${NAME} in the suite"},
	{"build-failure", 0, OPTION_CHOICE, AT(build_failure), "skip|bad", build_failures,
	 "what a failed build means (default: skip)"},
	{"command", 0, OPTION_STRING, AT(command), "CMD", NULL,
	 "no suite: run CMD in a copy of each commit; exit codes as `git bisect run`"},
	{"build", 0, OPTION_STRING, AT(build_command), "CMD", NULL,
	 "with --command: run once in each copy before; its failure is a failed build"},
	{"workers", 'w', OPTION_COUNT, AT(workers), "N", NULL, "probes side by side (default: 1)"},
	{"confidence", 0, OPTION_STRING, AT(confidence), "P", NULL,
	 "probability that is enough for an answer (default: 0.99)"},
	{"confirm", 0, OPTION_COUNT, AT(confirm), "N", NULL,
	 "failures at the culprit and passes at its parent (default: 2)"},
	{"flake-rate", 0, OPTION_STRING, AT(flake_rate), "P", NULL,
	 "how often a good commit fails (default: learned)"},
	{"fail-rate", 0, OPTION_STRING, AT(fail_rate), "P", NULL,
	 "how often a bad commit fails (default: learned)"},
	{"no-culprit", 0, OPTION_STRING, AT(no_culprit), "P", NULL,
	 "prior probability that no commit is to blame (default: 0.4)"},
	{"deterministic", 0, OPTION_FLAG, AT(deterministic), NULL, NULL,
	 "tests never lie: nothing is tested twice, ends are trusted"},
	{"likely", 0, OPTION_LIST, AT(likely), "PATH", NULL,
	 "commits that change PATH are four times as likely; repeatable"},
	{"first-parent", 0, OPTION_FLAG, AT(first_parent), NULL, NULL,
	 "a merge stands for all that it brought"},
	{"metric", 0, OPTION_STRING, AT(metric), "NAME", NULL,
	 "look for the commit that made this metric worse; each probe is compared with the good "
	 "end"},
	{"margin", 0, OPTION_STRING, AT(margin), "P", NULL,
	 "with --metric: the smallest change that matters, 0.01 is 1 % (default: 0.01)"},
	{"fix", 0, OPTION_FLAG, AT(fix), NULL, NULL,
	 "look for the commit that mended it: --good fails, --bad passes"},
	{"terms", 0, OPTION_STRING, AT(terms), "OLD,NEW", NULL,
	 "words for the two ends (default: good,bad; with --fix: broken,fixed)"},
	{"trust-images", 0, OPTION_FLAG, AT(trust_images), NULL, NULL,
	 "do not build the culprit's parent anew to see whether a dependency moved"},
	{"all", 0, OPTION_FLAG, AT(all), NULL, NULL,
	 "look on after the culprit: checks that it does not break, other steps of a metric"},
	{"dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, NULL, "show plan and expected cost"},
	{"again", 0, OPTION_FLAG, AT(again), NULL, NULL,
	 "forget what earlier calls of the same question observed"},
	{"output", 'o', OPTION_LIST, AT(outputs), "FORMAT=FILE", NULL,
	 "also write json, or log for `git bisect replay`; FILE - is standard output; repeatable"},
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db)"},
	{"engine", 0, OPTION_STRING, AT(engine), "HOST", NULL,
	 "container engine (default: DOCKER_HOST, then the usual sockets)"},
	{"jobs", 'j', OPTION_COUNT, AT(jobs), "N", NULL,
	 "checks of one probe at once (default: 4, with --metric 1)"},
	COMMON_OPTIONS};
#undef AT

/* --- options --------------------------------------------------------------------------------- */

static int parse_rate(const char *name, const char *text, struct rate *out, struct err *err)
{
	double value = 0;

	if (!text)
		return 0;
	if (cmd_parse_share(name, text, &value, err) < 0)
		return -1;
	value = fmin(fmax(value, GIVEN_MIN), 1 - GIVEN_MIN);
	*out = (struct rate){.yes = GIVEN_STRENGTH * value, .no = GIVEN_STRENGTH * (1 - value)};
	return 0;
}

static int set_search(struct hunt *hunt, struct err *err)
{
	const struct bisect_options *options = hunt->options;
	struct search_options *search = &hunt->search_options;

	*search = (struct search_options){
		.model = {.tests = {.fail = often, .flake = rare},
			  .no_culprit = NO_CULPRIT_PRIOR,
			  .older = OLDER_PRIOR},
		.confidence = .99,
		.workers = (unsigned)options->workers,
		.confirm = (unsigned)options->confirm,
		.probes_max = PROBES_MAX,
		.build_s = BUILD_S_DEFAULT,
		.test_s = TEST_S_DEFAULT,
		.good_artefact = GRAPH_NOWHERE,
	};
	if (options->command && !options->build_command)
		search->build_s = NO_BUILD_S;
	if (options->deterministic) {
		search->model = (struct posterior_model){
			.tests = {.fail = {.known = true, .value = 1}, .flake = {.known = true}}};
		search->confirm = 0;
		search->trust_ends = true;
	}
	if (options->metric) {
		search->model.tests.noise = NOISE_GUESS;
		search->model.tests.margin = MARGIN_DEFAULT;
		search->model.older = 0; /* the good end is what is compared with */
	}
	return cmd_parse_share("margin", options->margin, &search->model.tests.margin, err) < 0 ||
			       cmd_parse_share("confidence", options->confidence,
					       &search->confidence, err) < 0 ||
			       cmd_parse_share("no-culprit", options->no_culprit,
					       &search->model.no_culprit, err) < 0 ||
			       parse_rate("flake-rate", options->flake_rate,
					  &search->model.tests.flake, err) < 0 ||
			       parse_rate("fail-rate", options->fail_rate,
					  &search->model.tests.fail, err) < 0
		       ? -1
		       : 0;
}

static int set_terms(struct hunt *hunt, struct err *err)
{
	const char *terms = hunt->options->terms, *comma;

	hunt->old = hunt->options->fix ? "broken" : "good";
	hunt->new = hunt->options->fix ? "fixed" : "bad";
	if (!terms)
		return 0;
	comma = strchr(terms, ',');
	if (!comma || comma == terms || !comma[1] || strpbrk(terms, " \t\n'\""))
		return err_set(err, ERR_USAGE, "--terms %s: write OLD,NEW", terms);
	hunt->old = arena_strndup(hunt->arena, terms, (size_t)(comma - terms));
	hunt->new = comma + 1;
	return 0;
}

static int check_options(const struct bisect_options *options, const struct strings *words,
			 struct err *err)
{
	if (words->count)
		return err_set(err, ERR_USAGE,
			       "bisect takes no argument '%s' (see assay bisect --help)",
			       words->items[0]);
	if (!options->good)
		return err_set(err, ERR_USAGE, "--good REV: name a commit that passes");
	if (options->command && (options->suite || options->only.count))
		return err_set(err, ERR_USAGE, "--command and --suite contradict each other");
	if (options->build_command && !options->command)
		return err_set(err, ERR_USAGE, "--build needs --command: a suite names its image");
	if (options->metric && options->command)
		return err_set(err, ERR_USAGE, "--metric needs a suite that measures it");
	if (options->metric && (options->deterministic || options->workers > 1))
		return err_set(err, ERR_USAGE,
			       "--metric: measurements vary, and side by side they would disturb "
			       "each other (no --deterministic, one worker)");
	if (options->all && (options->command || options->dry_run))
		return err_set(err, ERR_USAGE,
			       "--all needs a suite: a command tells one failure from no other, "
			       "and no --dry-run");
	if (options->margin && !options->metric)
		return err_set(err, ERR_USAGE, "--margin needs --metric");
	if (options->workers > SEARCH_WORKERS_MAX)
		return err_set(err, ERR_USAGE, "--workers: at most %d", SEARCH_WORKERS_MAX);
	return bisect__check_outputs(&options->outputs, err);
}

/* --- opening --------------------------------------------------------------------------------- */

/* All commits are judged by one suite: a file, or, kept beside the journal, the bad end's own. */
static int load_suite(struct hunt *hunt, struct err *err)
{
	const struct bisect_options *options = hunt->options;
	struct file_reader files;
	struct pairs vars = {0};
	struct buf text;
	int rc;

	buf_init(&text, SUITE_BYTES_MAX);
	if (options->suite) {
		hunt->suite_path = options->suite;
		rc = file_read(hunt->suite_path, &text, err);
	} else {
		hunt->suite_path = arena_printf(hunt->arena, "%s/bisect/suites/%s.jsonc",
						hunt->state, hunt->bad.hash);
		rc = source_read(hunt->source, hunt->bad.hash, "assay.jsonc", &text, err);
		if (rc < 0 && err->code == ERR_NOTFOUND)
			err_set(err, ERR_USAGE,
				"commit %.12s has no assay.jsonc: give --suite FILE",
				hunt->bad.hash);
		if (rc == 0)
			rc = file_mkdirs(arena_printf(hunt->arena, "%s/bisect/suites", hunt->state),
					 err);
		if (rc == 0)
			rc = file_write(hunt->suite_path, buf_str(&text), text.len, err);
	}
	files = cmd_files_beside(hunt->suite_path);
	if (rc == 0)
		rc = cmd_parse_vars(&options->vars, hunt->arena, &vars, err);
	if (rc == 0)
		rc = suite_parse(hunt->suite_path, buf_str(&text), text.len, &vars, &files,
				 cmd_kind_lookup, cmd_kind_names(), NULL, &hunt->suite, err);
	buf_done(&text);
	if (rc == 0 && options->only.count &&
	    suite_select(hunt->suite, options->only.items, options->only.count) == 0)
		return err_set(err, ERR_USAGE, "no check of suite %s has the name or tag %s",
			       hunt->suite->name, options->only.items[0]);
	return rc;
}

static int open_suite(struct hunt *hunt, struct err *err)
{
	struct err none;

	if (hunt->options->command)
		return 0;
	if (load_suite(hunt, err) < 0 ||
	    cmd_history_open(hunt->options->history, hunt->state, &hunt->store, err) < 0)
		return -1;
	if (engine_open(hunt->options->engine, &hunt->engine,
			hunt->options->dry_run ? &none : err) < 0 &&
	    !hunt->options->dry_run)
		return -1;
	return 0;
}

/* The images of earlier runs that are still there. */
static void find_images(struct hunt *hunt)
{
	for (uint32_t v = 0; hunt->engine && v <= graph_count(hunt->graph); v++) {
		uint32_t position = v == graph_count(hunt->graph) ? GRAPH_NOWHERE : v;
		struct store_filter filter = {.with_image = true, .limit = 1};
		struct image_config config;
		struct run_row *rows = NULL;
		struct err ignored;
		size_t count = 0;

		if (position != GRAPH_NOWHERE && search_face(hunt->search, v) != v)
			continue;
		filter.input_hash =
			position == GRAPH_NOWHERE ? hunt->good_artefact : hunt->artefacts[v];
		if (filter.input_hash &&
		    hunt->store->ops->runs(hunt->store, &filter, hunt->arena, &rows, &count,
					   &ignored) == 0 &&
		    count &&
		    engine_image(hunt->engine, rows[0].image_id, hunt->arena, &config, &ignored) ==
			    0)
			search_cached(hunt->search, position);
	}
}

/* What a build and a test took in the newest run that built an image. */
static int find_usual_times(struct hunt *hunt, struct err *err)
{
	struct store_filter filter = {
		.with_image = true, .completed = true, .limit = TIMED_RUNS_MAX};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (!hunt->suite)
		return 0;
	filter.suite = hunt->suite->name;
	if (hunt->store->ops->runs(hunt->store, &filter, hunt->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && hunt->usual_build_s <= 0; i++) {
		struct run *run = NULL;

		if (hunt->store->ops->load(hunt->store, rows[i].id, &run, err) < 0)
			return -1;
		if (!run->build.reused && run->duration_ns > run->build.duration_ns) {
			hunt->usual_build_s = (double)run->build.duration_ns / 1e9;
			hunt->usual_test_s =
				(double)(run->duration_ns - run->build.duration_ns) / 1e9;
		}
		run_free(run);
	}
	if (hunt->usual_build_s > 0) { /* a --dry-run searches with these */
		hunt->search_options.build_s = hunt->usual_build_s;
		hunt->search_options.test_s = hunt->usual_test_s;
	}
	return 0;
}

static int open_all(struct hunt *hunt, struct err *err)
{
	if (set_search(hunt, err) < 0 || set_terms(hunt, err) < 0 ||
	    bisect__find_suspects(hunt, err) < 0)
		return -1;
	hunt->state = cmd_state_dir(hunt->source, hunt->arena);
	if (open_suite(hunt, err) < 0 || bisect__find_artefacts(hunt, err) < 0 ||
	    bisect__find_weights(hunt, &hunt->search_options.model.weights, err) < 0)
		return -1;
	if (find_usual_times(hunt, err) < 0)
		return -1;
	hunt->search_options.artefacts = hunt->numbers;
	if (search_open(hunt->graph, &hunt->search_options, &hunt->search, err) < 0)
		return -1;
	find_images(hunt);
	return hunt->options->dry_run ? 0 : bisect__journal_open(hunt, err);
}

static void close_all(struct hunt *hunt)
{
	bisect__journal_close(hunt);
	search_free(hunt->search);
	graph_free(hunt->graph);
	engine_close(hunt->engine);
	store_close(hunt->store);
	suite_free(hunt->suite);
	source_close(hunt->source);
	progress_stop(hunt->progress);
}

/* --- hunting --------------------------------------------------------------------------------- */

/* What builds and tests took so far stands for those to come. */
static void learn_times(struct hunt *hunt)
{
	double build = 0, test = 0;
	unsigned builds = 0, tests = 0;

	for (size_t i = 0; i < hunt->sighting_count; i++) {
		const struct sighting *one = &hunt->sightings[i];

		builds += one->build_s > 0;
		build += one->build_s;
		tests += one->sight != SIGHT_BROKEN;
		test += one->sight != SIGHT_BROKEN ? one->test_s : 0;
	}
	search_times(hunt->search, builds ? build / builds : hunt->usual_build_s,
		     tests ? fmax(test / tests, NO_BUILD_S) : 0);
}

/* Bits that are not known yet about the culprit. */
static double bits_left(const struct hunt *hunt)
{
	const struct posterior *posterior = search_posterior(hunt->search);
	double bits = 0;

	for (uint32_t v = 0; v < graph_count(hunt->graph); v++) {
		double mass = posterior_mass(posterior, v);

		bits -= mass > 0 ? mass * log2(mass) : 0;
	}
	return bits;
}

/* As long for each bit that is left as for each one gained so far. */
static uint64_t time_left(const struct hunt *hunt)
{
	double left = bits_left(hunt), all = log2(graph_count(hunt->graph) + 1.0);
	double took = (double)(clock_ns() - hunt->start_ns);

	return all - left > 1 && !hunt->resumed ? (uint64_t)(took * left / (all - left))
						: UINT64_MAX;
}

static void show(struct hunt *hunt, size_t probes)
{
	char line[240];
	struct buf bars;

	buf_init(&bars, 512);
	bisect__bars(hunt, 24, &bars);
	(void)snprintf(line, sizeof(line), "%zu of %u suspects left  %s  %zu probe%s",
		       search_left(hunt->search), graph_count(hunt->graph), buf_str(&bars), probes,
		       probes == 1 ? "" : "s");
	progress_say(hunt->progress, line);
	progress_left(hunt->progress, time_left(hunt));
	buf_done(&bars);
}

static int check_bad_end(const struct hunt *hunt, struct err *err)
{
	if (!search_is_broken(hunt->search, graph_count(hunt->graph) - 1))
		return 0;
	return err_set(err, ERR_USAGE,
		       "%.12s cannot be judged: %s; if the build is what broke, say "
		       "--build-failure=bad",
		       hunt->bad.hash, hunt->sightings[hunt->sighting_count - 1].note);
}

static int search_on(struct hunt *hunt, struct err *err)
{
	struct probe probes[SEARCH_PROBES_MAX];
	size_t count;

	for (;;) {
		learn_times(hunt);
		if (bisect__learn_flakes(hunt, err) < 0)
			return -1;
		count = search_next(hunt->search, probes);
		if (!count)
			return 0;
		show(hunt, count);
		if (bisect__report_open(hunt, probes, count, time_left(hunt), err) < 0)
			return -1;
		if (bisect__probe(hunt, probes, count, err) < 0 || check_bad_end(hunt, err) < 0)
			return -1;
	}
}

static int drop_copies(const struct hunt *hunt, struct err *err)
{
	return hunt->options->command
		       ? file_remove_tree(arena_printf(hunt->arena, "%s/copies", hunt->folder), err)
		       : 0;
}

/* Answer one question; what it leaves open is appended to LIST. */
static int go(struct hunt *hunt, struct questions *list, struct json **out, int *code,
	      struct err *err)
{
	struct verdict_of_search answer;
	struct cause cause = {0};

	if (open_all(hunt, err) < 0)
		return -1;
	if (hunt->options->dry_run)
		return bisect__report_plan(hunt, err);
	if (search_on(hunt, err) < 0)
		return -1;
	search_answer(hunt->search, &answer);
	if (bisect__find_cause(hunt, &answer, &cause, err) < 0)
		return -1;
	progress_stop(hunt->progress);
	hunt->progress = NULL;
	search_answer(hunt->search, &answer); /* the arrays are the search's */
	*code = answer.ending == ENDING_CULPRIT && !cause.external ? EXIT_PASS : EXIT_INCONCLUSIVE;
	if (bisect__report(hunt, &answer, &cause, out, err) < 0)
		return -1;
	if (hunt->options->all)
		bisect__ask_further(hunt, &answer, &cause, list);
	return drop_copies(hunt, err);
}

static int hunt_down(const struct bisect_options *options, struct arena *arena,
		     struct questions *list, struct json **out)
{
	struct hunt hunt = {.options = options,
			    .arena = arena,
			    .progress = progress_start(options->common.quiet),
			    .journal = -1,
			    .lock = -1,
			    .start_ns = clock_ns()};
	struct err err = {0};
	int code = EXIT_PASS;

	if (go(&hunt, list, out, &code, &err) < 0) {
		progress_stop(hunt.progress);
		hunt.progress = NULL;
		code = cmd_fail(&err);
		if (hunt.sighting_count && (code == EXIT_INTERRUPTED || code == EXIT_INFRA))
			fprintf(stderr,
				"assay: %zu observations are kept: the same command goes on\n",
				hunt.sighting_count);
	}
	close_all(&hunt);
	return code;
}

static void announce(const struct bisect_options *options)
{
	if (options->common.json)
		return;
	printf("\n%.12s..%.12s", options->good, options->bad);
	for (size_t i = 0; i < options->only.count; i++)
		printf(" %s", options->only.items[i]);
	printf("\n");
}

/* The exit code is that of the user's own question; an error ends it all. */
static int answer_all(const struct bisect_options *options, struct arena *arena)
{
	struct json *first = NULL, *further = NULL;
	struct questions list = {0};
	struct err err = {0};
	int code = hunt_down(options, arena, &list, &first), later = EXIT_PASS;

	if (first && options->all)
		further = json_add_array(first, "further");
	for (size_t i = 0; i < list.count; i++) {
		const struct bisect_options next = list.items[i]; /* the list grows */
		struct json *json = NULL;

		announce(&next);
		later = hunt_down(&next, arena, &list, &json);
		if (!json)
			break;
		json_add_copy(further, NULL, json);
		json_free(json);
	}
	if (first && bisect__write_json(options, first, &err) < 0)
		later = cmd_fail(&err);
	if (first && options->common.json)
		cmd_print_json(first);
	else
		json_free(first);
	return later == EXIT_PASS || later == EXIT_INCONCLUSIVE ? code : later;
}

const struct command_help help_bisect = {
	"bisect --good REV [OPTION]...",
	"Name the commit that broke a check, with few builds and in spite of flaky tests, and say "
	"what\nit changed in the image. Exits 0 when a commit is named, 5 when none is to blame or "
	"it cannot\nbe told. Interrupted, the same command goes on where it was.",
	bisect_rows};

int cmd_bisect(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct bisect_options options = {
		.repo = ".", .bad = "HEAD", .workers = 1, .confirm = CONFIRM_DEFAULT};
	struct strings words = {0};
	struct err err = {0};
	int code;

	if (options_parse(bisect_rows, argc, argv, arena, &options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_bisect);
		code = EXIT_PASS;
	} else if (check_options(&options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else {
		if (!options.jobs)
			options.jobs = options.metric ? 1 : JOBS_DEFAULT;
		code = cmd_finish_output(answer_all(&options, arena));
	}
	arena_free(arena);
	return code;
}
