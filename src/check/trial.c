#include "check/trial.h"

#include "base/units.h"
#include "model/secret.h"
#include "parse/output.h"

#include <stdio.h>
#include <string.h>

/* Room for the largest text that still may be added to FINDINGS_BYTES_MAX, and for the count. */
#define COLLECT_BYTES_MAX (FINDINGS_BYTES_MAX + FINDING_BYTES_MAX + 100)

#define UTF8_BYTES_MAX 4

void check_trial_begin(struct trial *trial, struct check_ctx *ctx, const struct pairs *env,
		       struct case_result *out)
{
	*trial = (struct trial){.ctx = ctx, .out = out};
	buf_init(&trial->expected, COLLECT_BYTES_MAX);
	buf_init(&trial->actual, COLLECT_BYTES_MAX);
	secret_collect(ctx->target->image, env, ctx->arena, &trial->secrets);
}

static const char *one_line(const struct trial *trial, const char *text, size_t len, size_t max)
{
	struct arena *arena = trial->ctx->arena;
	/* Whoever calls may hold the beginning of a longer text: its end may be half a secret. */
	const char *clean = secret_redact(&trial->secrets, text, len, true, arena);
	const char *line = output_oneline(clean, strlen(clean), max + UTF8_BYTES_MAX, arena);

	if (strlen(line) <= max)
		return line;
	return arena_printf(arena, "%s…", output_oneline(clean, strlen(clean), max, arena));
}

const char *check_trial_show(const struct trial *trial, const char *text, size_t len)
{
	return one_line(trial, text ? text : "", text ? len : 0, QUOTE_BYTES_MAX);
}

const char *check_trial_quote(const struct trial *trial, const char *text, size_t len)
{
	const char *line = check_trial_show(trial, text, len);

	return *line ? arena_printf(trial->ctx->arena, "'%s'", line) : "nothing";
}

/* A word that a shell takes as it stands, or one between single quotes. */
static void add_word(struct buf *line, const char *word)
{
	static const char special[] = " \t\n'\"\\$;&|<>()*?[]#~`{}!";

	if (*word && !strpbrk(word, special)) {
		buf_addstr(line, word);
		return;
	}
	buf_addstr(line, "'");
	for (; *word; word++)
		buf_add(line, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
	buf_addstr(line, "'");
}

const char *check_trial_argv(const struct trial *trial, const struct strings *argv)
{
	struct buf line;
	const char *out;

	buf_init(&line, JSON_BYTES_MAX);
	for (size_t i = 0; i < argv->count; i++) {
		buf_addstr(&line, i ? " " : "");
		add_word(&line, argv->items[i]);
	}
	out = check_trial_show(trial, buf_str(&line), line.len);
	buf_done(&line);
	return out;
}

void check_trial_fail(struct trial *trial, const char *label, const char *where,
		      const char *expected, const char *actual)
{
	const char *between = trial->label ? "; " : "";

	expected = one_line(trial, expected, strlen(expected), FINDING_BYTES_MAX);
	actual = one_line(trial, actual, strlen(actual), FINDING_BYTES_MAX);
	if (!trial->label) {
		trial->label = label;
		trial->where = where;
	}
	if (trial->expected.len > FINDINGS_BYTES_MAX || trial->actual.len > FINDINGS_BYTES_MAX) {
		trial->omitted++;
		return;
	}
	buf_printf(&trial->expected, "%s%s", between, expected);
	if (!trial->last || strcmp(trial->last, actual) != 0)
		buf_printf(&trial->actual, "%s%s", between, actual);
	trial->last = actual;
}

void check_trial_log(struct trial *trial, const struct target_service_state *state)
{
	if (secret_told(&trial->secrets, state->log, state->log_len))
		check_trial_fail(trial, "service/secret-in-log", "the service's log", "no secret",
				 "one of the image, of the suite, or that was sent");
}

/* The message of a broken case reaches reports like any other text. */
static void redact_error(const struct trial *trial, struct err *err)
{
	const char *clean = secret_redact(&trial->secrets, err->msg, strlen(err->msg), false,
					  trial->ctx->arena);

	(void)snprintf(err->msg, sizeof(err->msg), "%s", clean);
}

static void close_failed(struct trial *trial)
{
	struct arena *arena = trial->ctx->arena;

	if (trial->omitted)
		buf_printf(&trial->actual, "; and %zu more", trial->omitted);
	case_fail(trial->out, trial->label, arena_strdup(arena, buf_str(&trial->expected)),
		  arena_strdup(arena, buf_str(&trial->actual)),
		  check_trial_show(trial, trial->where, strlen(trial->where)), NULL);
}

int check_trial_end(struct trial *trial, int rc, const char *where, const char *actual,
		    struct err *err)
{
	if (rc == 0 && trial->label) {
		close_failed(trial);
	} else if (rc == 0) {
		case_pass(trial->out, check_trial_show(trial, actual, strlen(actual)));
		trial->out->where = check_trial_show(trial, where, strlen(where));
	} else if (err) {
		redact_error(trial, err);
	}
	buf_done(&trial->expected);
	buf_done(&trial->actual);
	return rc;
}

/* --- commands -------------------------------------------------------------------------------- */

const char *check_trial_reason(const struct trial *trial)
{
	const struct case_result *out = trial->out;
	struct arena *arena = trial->ctx->arena;
	const char *said =
		out->errout ? output_reason(out->errout, strlen(out->errout), arena) : NULL;

	if (!said && out->out)
		said = output_reason(out->out, strlen(out->out), arena);
	return said;
}

/* The executor says "timeout"; what was seen until then is the check's to tell. */
static int timed_out(struct trial *trial, const struct command *command, struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	const char *line = check_trial_argv(trial, &command->argv);
	const char *said = check_trial_reason(trial);
	char limit[32];

	units_duration(command->timeout_ns, limit, sizeof(limit));
	case_fail(trial->out, "command/timed-out", arena_printf(arena, "an end within %s", limit),
		  said ? arena_printf(arena, "still running, last words: %s", said)
		       : "still running, without a word",
		  arena_printf(arena, "command %s", line), NULL);
	return err_set(err, ERR_TIMEOUT, "still running after %s: %s", limit, line);
}

int check_trial_run(struct trial *trial, struct command *command, struct command_result *result,
		    struct err *err)
{
	const struct check_ctx *ctx = trial->ctx;
	struct case_result *out = trial->out;

	command->timeout_ns = ctx->timeout_ns;
	command->output_max = ctx->output_max;
	command->isolated = ctx->isolated;
	if (ctx->target->ops->run(ctx->target->self, command, ctx->arena, result, err) < 0)
		return -1;
	out->out = secret_redact(&trial->secrets, result->out, result->out_len,
				 result->out_truncated, ctx->arena);
	out->errout = secret_redact(&trial->secrets, result->errout, result->errout_len,
				    result->errout_truncated, ctx->arena);
	return result->timed_out ? timed_out(trial, command, err) : 0;
}
