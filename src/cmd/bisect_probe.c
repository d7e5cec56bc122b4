/* Probes are child processes: `assay run` of one commit, which records it in the history itself, or
 * the user's commands in a copy of the commit. So several go side by side, one that is killed takes
 * nothing with it, and an observation is what anybody gets who runs the same by hand. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd/bisect_private.h"
#include "model/run_json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES_MAX 3    /* of a probe that infrastructure broke */
#define WORDS_MAX 256  /* of a child's command line */
#define POLL_MS 200    /* how soon Ctrl-C is seen */
#define SKIP_CODE 125  /* of a command: cannot tell; as git has it */
#define ABORT_CODE 128 /* and above: stop; as git has it */
#define ERROR_TAIL 400 /* bytes of a child's last words */
#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)

enum phase { PHASE_WAITING, PHASE_BUILD, PHASE_TEST, PHASE_DONE };

struct child {
	struct hunt *hunt;
	uint32_t position;
	const char *commit;
	const char *folder; /* command mode: the copy */
	const char *out, *errors;
	struct fresh_build fresh; /* nothing set: an image as usual */
	enum phase phase;
	unsigned tries;
	pid_t pid;
	int pidfd;
	uint64_t start_ns;
	double build_s;
	unsigned part;		     /* of a pair that measures: the first run or the second */
	struct measured measured[2]; /* good end, probe */
};

/* --- one process ----------------------------------------------------------------------------- */

static void run_child(const struct child *child, char *const *words)
{
	int out = open(child->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int errors = open(child->errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody would take its answer */
	(void)setpgid(0, 0);			/* Ctrl-C reaches it through us, once */
	if (out < 0 || errors < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(errors, 2) < 0 || (child->folder && chdir(child->folder) < 0))
		_exit(ABORT_CODE);
	(void)execv(words[0], words);
	_exit(ABORT_CODE);
}

static int start_process(struct child *child, char *const *words, struct err *err)
{
	child->start_ns = clock_ns();
	child->pid = fork();
	if (child->pid == 0)
		run_child(child, words);
	if (child->pid < 0)
		return err_sys(err, ERR_INFRA, "fork");
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0) {
		err_sys(err, ERR_INFRA, "pidfd_open");
		(void)kill(child->pid, SIGTERM);
		(void)waitpid(child->pid, NULL, 0);
		return -1;
	}
	(void)fcntl(child->pidfd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Exit code of the ended process, 128 and more for a signal as shells have it. */
static int reap(struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)close(child->pidfd);
	child->pidfd = -1;
	child->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ABORT_CODE + WTERMSIG(status);
}

/* --- starting -------------------------------------------------------------------------------- */

struct words {
	char *items[WORDS_MAX];
	size_t count;
};

static void add_word(struct words *words, const char *word)
{
	if (word && words->count + 1 < WORDS_MAX)
		words->items[words->count++] = (char *)word;
}

static void add_option(struct words *words, const char *name, const char *value)
{
	if (!value)
		return;
	add_word(words, name);
	add_word(words, value);
}

static void add_options(struct words *words, const char *name, const struct strings *values)
{
	for (size_t i = 0; i < values->count; i++)
		add_option(words, name, values->items[i]);
}

/* Which of a pair goes first changes from pair to pair: what drifts in time evens out. */
static bool is_base(const struct child *child)
{
	return child->hunt->options->metric && child->part == child->hunt->sighting_count % 2;
}

static int start_run(struct child *child, struct err *err)
{
	const struct hunt *hunt = child->hunt;
	const struct bisect_options *options = hunt->options;
	struct words words = {.count = 0};

	add_word(&words, "/proc/self/exe");
	add_word(&words, "run");
	add_option(&words, "--repo", options->repo);
	add_option(&words, "--commit", is_base(child) ? hunt->good.hash : child->commit);
	add_option(&words, "--suite", hunt->suite_path);
	add_options(&words, "--only", &options->only);
	add_options(&words, "--target", &options->targets);
	add_options(&words, "--var", &options->vars);
	/* What a commit does on the layers of another is nothing that others should build on. */
	add_option(&words, "--history", child->fresh.layers_of ? "memory:" : options->history);
	add_option(&words, "--cache-from", child->fresh.layers_of);
	add_option(&words, "--engine", options->engine);
	add_option(&words, "--jobs", arena_printf(hunt->arena, "%lld", (long long)options->jobs));
	add_word(&words, "--no-reruns"); /* the search says what is tested again */
	add_word(&words, "--json");
	add_word(&words, "--quiet");
	if (child->fresh.rebuild)
		add_word(&words, "--no-cache");
	if (words.count + 1 >= WORDS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d words for a run", WORDS_MAX);
	child->phase = PHASE_TEST; /* it builds what has to be built */
	return start_process(child, words.items, err);
}

static int start_command(struct child *child, const char *command, enum phase phase,
			 struct err *err)
{
	struct words words = {.count = 0};

	add_word(&words, "/bin/sh");
	add_option(&words, "-c", command);
	child->phase = phase;
	return start_process(child, words.items, err);
}

/* A copy of the commit stays until the bisection has ended: it holds what was built. */
static int start_in_copy(struct child *child, struct err *err)
{
	struct hunt *hunt = child->hunt;
	const struct bisect_options *options = hunt->options;
	const char *copies = arena_printf(hunt->arena, "%s/copies", hunt->folder);
	const char *built;

	child->folder = arena_printf(hunt->arena, "%s/%s", copies, child->commit);
	built = arena_printf(hunt->arena, "%s.built", child->folder);
	(void)setenv("ASSAY_COMMIT", child->commit, 1);
	if (access(built, F_OK) == 0)
		return start_command(child, options->command, PHASE_TEST, err);
	if (file_remove_tree(child->folder, err) < 0 || file_mkdirs(copies, err) < 0 ||
	    source_export(hunt->source, child->commit, child->folder, err) < 0)
		return -1;
	if (options->build_command)
		return start_command(child, options->build_command, PHASE_BUILD, err);
	if (file_write_quick(built, "", 0, err) < 0)
		return -1;
	return start_command(child, options->command, PHASE_TEST, err);
}

static int start(struct child *child, struct err *err)
{
	struct hunt *hunt = child->hunt;
	char line[200];

	child->tries++;
	child->commit = bisect__hash_at(hunt, child->position);
	child->out = arena_printf(hunt->arena, "%s/%.12s.out", hunt->folder, child->commit);
	child->errors = arena_printf(hunt->arena, "%s/%.12s.err", hunt->folder, child->commit);
	(void)snprintf(line, sizeof(line), "%s %.12s \"%.60s\"",
		       child->fresh.layers_of ? "building on older layers"
		       : child->fresh.rebuild ? "building anew"
					      : "probing",
		       child->commit, bisect__subject(hunt, child->commit));
	progress_say(hunt->progress, line);
	return hunt->suite ? start_run(child, err) : start_in_copy(child, err);
}

/* --- ending ---------------------------------------------------------------------------------- */

static int last_words(const struct child *child, int code, struct err *err)
{
	struct buf text;
	struct err ignored;
	size_t from;

	buf_init(&text, OUTPUT_MAX);
	(void)file_read(child->errors, &text, &ignored);
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	from = text.len > ERROR_TAIL ? text.len - ERROR_TAIL : 0;
	err_set(err, code == EXIT_INTERRUPTED ? ERR_CANCELLED : ERR_INFRA, "%.12s: %s",
		child->commit, text.len ? text.data + from : "ended without a word");
	buf_done(&text);
	return -1;
}

static int read_run(const struct child *child, struct run **out, struct err *err)
{
	struct json *json CLEANUP(json_freep) = NULL;
	struct buf text;
	int rc;

	buf_init(&text, OUTPUT_MAX);
	rc = file_read(child->out, &text, err);
	if (rc == 0)
		rc = json_parse(buf_str(&text), text.len, false, &json, err);
	buf_done(&text);
	return rc == 0 ? run_from_json(json, out, err) : -1;
}

/* The first run of a pair is followed by the second; that makes the observation. */
static int end_measuring(struct child *child, const struct run *run, struct sighting *out,
			 struct err *err)
{
	struct hunt *hunt = child->hunt;

	if (bisect__see_metric(hunt, run, &child->measured[!is_base(child)], err) < 0)
		return -1;
	if (child->part++ == 0)
		return start_run(child, err);
	child->phase = PHASE_DONE;
	return bisect__compare_measured(hunt, child->commit, &child->measured[0],
					&child->measured[1], out, err);
}

static int end_run(struct child *child, int code, struct sighting *out, struct err *err)
{
	struct run *run = NULL;
	struct err ignored;
	int rc;

	if (code == EXIT_USAGE || code == EXIT_INTERRUPTED || code >= ABORT_CODE) {
		last_words(child, code, err);
		if (code == EXIT_USAGE)
			err->code = ERR_USAGE;
		return -1;
	}
	if (read_run(child, &run, &ignored) < 0)
		return last_words(child, code, err);
	if (child->hunt->options->metric) {
		rc = end_measuring(child, run, out, err);
	} else {
		rc = bisect__see_run(child->hunt, run, out, err);
		child->phase = PHASE_DONE;
	}
	run_free(run);
	return rc;
}

static int end_command(struct child *child, int code, struct sighting *out, struct err *err)
{
	struct hunt *hunt = child->hunt;
	double took = (double)(clock_ns() - child->start_ns) / 1e9;
	bool fails = code != 0;

	if (child->phase == PHASE_BUILD && code == 0) {
		child->build_s = took;
		if (file_write_quick(arena_printf(hunt->arena, "%s.built", child->folder), "", 0,
				     err) < 0)
			return -1;
		return start_command(child, hunt->options->command, PHASE_TEST, err);
	}
	if (code >= ABORT_CODE)
		return err_set(err, ERR_USAGE,
			       "%.12s: the command ended with %d: from %d on the "
			       "bisection stops",
			       child->commit, code, ABORT_CODE);
	*out = (struct sighting){.commit = child->commit,
				 .build_s = child->phase == PHASE_BUILD ? took : child->build_s,
				 .test_s = child->phase == PHASE_BUILD ? 0 : took};
	if (child->phase == PHASE_BUILD && hunt->options->build_failure == 0)
		code = SKIP_CODE;
	if (hunt->options->fix)
		fails = !fails;
	out->sight = code == SKIP_CODE ? SIGHT_BROKEN : fails ? SIGHT_FAIL : SIGHT_PASS;
	out->note = arena_printf(hunt->arena, "the %s ends with %d",
				 child->phase == PHASE_BUILD ? "build" : "command", code);
	child->phase = PHASE_DONE;
	return 0;
}

/* A probe that infrastructure broke is no evidence: it is made again. */
static int end(struct child *child, struct err *err)
{
	struct hunt *hunt = child->hunt;
	struct sighting sighting = {0};
	int code = reap(child), rc;
	char line[300];

	rc = hunt->suite ? end_run(child, code, &sighting, err)
			 : end_command(child, code, &sighting, err);
	if (rc < 0 && err->code == ERR_INFRA && child->tries < TRIES_MAX) {
		(void)snprintf(line, sizeof(line), "%.200s, trying again", err->msg);
		progress_say(hunt->progress, line);
		hunt->retries++;
		return start(child, err);
	}
	if (rc < 0 || child->phase != PHASE_DONE)
		return rc;
	sighting.artefact = child->position == GRAPH_NOWHERE ? hunt->good_artefact
							     : hunt->artefacts[child->position];
	(void)snprintf(line, sizeof(line), "%.12s %s", child->commit, sighting.note);
	progress_say(hunt->progress, line);
	return bisect__journal_add(hunt, &sighting, err);
}

/* --- a round --------------------------------------------------------------------------------- */

static void stop_all(struct child *children, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0)
			(void)kill(children[i].folder ? -children[i].pid : children[i].pid,
				   SIGTERM);
	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0)
			(void)reap(&children[i]);
}

static bool is_busy(const struct child *children, size_t count, uint32_t position)
{
	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0 && children[i].position == position)
			return true;
	return false;
}

/* As many as there are workers, and never two of one commit: the second finds what was built. */
static int start_more(struct child *children, size_t count, struct err *err)
{
	int64_t running = 0;

	for (size_t i = 0; i < count; i++)
		running += children[i].pid > 0;
	for (size_t i = 0; i < count; i++) /* what its twin showed not to build */
		if (children[i].phase == PHASE_WAITING &&
		    search_is_broken(children->hunt->search, children[i].position))
			children[i].phase = PHASE_DONE;
	for (size_t i = 0; i < count && running < children->hunt->options->workers; i++)
		if (children[i].phase == PHASE_WAITING &&
		    !is_busy(children, count, children[i].position)) {
			if (start(&children[i], err) < 0)
				return -1;
			running++;
		}
	return 0;
}

/* Wait until one of them ends, or a moment. */
static int wait_any(struct child *children, size_t count, struct err *err)
{
	struct pollfd fds[SEARCH_PROBES_MAX];
	size_t owner[SEARCH_PROBES_MAX], used = 0;

	for (size_t i = 0; i < count; i++)
		if (children[i].pid > 0) {
			owner[used] = i;
			fds[used++] = (struct pollfd){children[i].pidfd, POLLIN, 0};
		}
	if (poll(fds, used, POLL_MS) < 0 && errno != EINTR)
		return err_sys(err, ERR_INFRA, "poll");
	for (size_t i = 0; i < used; i++)
		if (fds[i].revents && end(&children[owner[i]], err) < 0)
			return -1;
	return cancel_check(err);
}

int bisect__probe(struct hunt *hunt, const struct probe *probes, size_t count, struct err *err)
{
	struct child children[SEARCH_PROBES_MAX] = {{0}};
	bool left = true;
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		children[i] =
			(struct child){.hunt = hunt, .position = probes[i].position, .pidfd = -1};
	while (left && rc == 0) {
		rc = start_more(children, count, err);
		if (rc == 0)
			rc = wait_any(children, count, err);
		left = false;
		for (size_t i = 0; i < count; i++)
			left |= children[i].phase != PHASE_DONE;
	}
	if (rc < 0)
		stop_all(children, count);
	return rc;
}

int bisect__probe_fresh(struct hunt *hunt, const char *commit, const struct fresh_build *build,
			struct sighting *sighting, struct err *err)
{
	struct child child = {.hunt = hunt,
			      .position = bisect__position_of(hunt, commit),
			      .fresh = *build,
			      .pidfd = -1};
	struct pollfd fd;

	if (start(&child, err) < 0)
		return -1;
	fd = (struct pollfd){child.pidfd, POLLIN, 0};
	while (!fd.revents) {
		if ((poll(&fd, 1, POLL_MS) < 0 && errno != EINTR) || cancel_check(err) < 0) {
			stop_all(&child, 1);
			return cancel_requested() ? -1 : err_sys(err, ERR_INFRA, "poll");
		}
	}
	if (end_run(&child, reap(&child), sighting, err) < 0)
		return -1;
	sighting->fresh = true;
	sighting->layers_of = build->layers_of;
	return bisect__journal_add(hunt, sighting, err);
}
