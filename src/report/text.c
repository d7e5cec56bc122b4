/* For people at a terminal: one line per case, one more under a failure, then the verdict. */
#include "base/units.h"
#include "report/report_ops.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS_MAX 40

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define RESET "\033[0m"

static const char *color_of(enum outcome outcome)
{
	if (outcome == OUTCOME_PASS)
		return GREEN;
	return outcome_is_failure(outcome) ? RED : YELLOW;
}

static const char *verdict_color(enum verdict verdict)
{
	if (verdict == VERDICT_PASS)
		return GREEN;
	return verdict == VERDICT_FAIL ? RED : YELLOW;
}

static void paint(struct buf *out, const struct report_options *options, const char *code)
{
	if (options->color)
		buf_addstr(out, code);
}

/* Text from outside: control characters become spaces; at most MAX bytes (0: all) on a boundary. */
static void add_plain(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text);
	bool cut = max && len > max;

	if (cut) {
		len = max;
		while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		buf_add(out, c < 0x20 || c == 0x7F ? " " : &text[i], 1);
	}
	if (cut)
		buf_addstr(out, "...");
}

static size_t room_left(const struct report_options *options, size_t used)
{
	if (!options->width)
		return 0;
	return options->width > used + 20 ? options->width - used : 20;
}

static void write_failure(const struct case_result *result, const struct run *run,
			  const struct report_options *options, struct buf *out)
{
	struct arena *arena = arena_new();
	const char *why = case_explain(result, arena);

	(void)run;
	if (why) {
		buf_addstr(out, "           ");
		add_plain(out, why, 0);
		if (result->label)
			buf_printf(out, "  [%s]", result->label);
		buf_addstr(out, "\n");
	}
	if (options->show_output && result->out && *result->out)
		buf_printf(out, "           stdout: %s\n", result->out);
	if (options->show_output && result->errout && *result->errout)
		buf_printf(out, "           stderr: %s\n", result->errout);
	arena_free(arena);
}

static void write_case(const struct case_result *result, const struct run *run, int columns,
		       const struct report_options *options, struct buf *out)
{
	char took[32], upper[16];
	const char *name = outcome_name(result->outcome);
	size_t i;

	for (i = 0; name[i] && i < sizeof(upper) - 1; i++)
		upper[i] = (char)(name[i] - 'a' + 'A');
	upper[i] = '\0';
	paint(out, options, color_of(result->outcome));
	buf_printf(out, "%-10s", upper);
	paint(out, options, RESET);
	buf_printf(out, " %-*s %8s  ", columns, result->name,
		   units_duration(result->duration_ns, took, sizeof(took)));
	if (result->outcome == OUTCOME_PASS && result->actual)
		add_plain(out, result->actual, room_left(options, 24 + (size_t)columns));
	if (result->reused_from)
		buf_printf(out, " (reused)");
	if (result->flip)
		buf_printf(out, " <%s>", flip_name(result->flip));
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	buf_addstr(out, "\n");
	if (result->outcome != OUTCOME_PASS)
		write_failure(result, run, options, out);
}

static void write_names(const struct run *run, enum flip flip, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < run->case_count; i++) {
		if (run->cases[i].flip != flip)
			continue;
		buf_printf(out, "%s%s", first ? "" : ", ", run->cases[i].name);
		first = false;
	}
}

static void write_flips(const struct run *run, struct buf *out)
{
	static const enum flip order[] = {FLIP_REGRESSED, FLIP_FIXED, FLIP_STILL_FAILING, FLIP_NEW};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t before = out->len, start;

		buf_printf(out, "  %-14s", flip_name(order[i]));
		start = out->len;
		write_names(run, order[i], out);
		if (out->len == start)
			out->len = before;
		else
			buf_addstr(out, "\n");
	}
	for (size_t i = 0; i < run->gone.count; i++)
		buf_printf(out, "%s%s%s", i ? ", " : "  gone          ", run->gone.items[i],
			   i + 1 == run->gone.count ? "\n" : "");
}

static void write_baseline(const struct run *run, struct buf *out)
{
	const struct baseline *baseline = &run->baseline;

	if (baseline->run_id)
		buf_printf(out, "  baseline      %.12s, %u commit%s back (run %s)\n",
			   baseline->commit, baseline->distance, baseline->distance == 1 ? "" : "s",
			   baseline->run_id);
	else
		buf_printf(out, "  baseline      none: %s\n",
			   baseline->reason ? baseline->reason : "not looked for");
	write_flips(run, out);
}

static void write_image(const struct run *run, struct buf *out)
{
	const struct build *build = &run->build;

	if (build->image_id)
		buf_printf(out, "  image         %.19s%s%s\n", build->image_id,
			   build->reused ? " of run " : "",
			   build->reused ? build->reused_from : "");
	if (build->same_inputs_as)
		buf_printf(out, "  inputs        no image input changed since %.12s\n",
			   build->same_inputs_as);
	if (run->commit.submodules.count)
		buf_printf(out, "  submodules    %zu, not part of the build context (first: %s)\n",
			   run->commit.submodules.count, run->commit.submodules.items[0]);
}

static void write_verdict(const struct run *run, const struct report_options *options,
			  struct buf *out)
{
	paint(out, options, BOLD);
	paint(out, options, verdict_color(run->verdict));
	buf_addstr(out, verdict_name(run->verdict));
	paint(out, options, RESET);
	buf_addstr(out, "  ");
	add_plain(out, run->reason ? run->reason : "", 0);
	buf_addstr(out, "\n");
}

static int name_columns(const struct run *run)
{
	size_t columns = 5;

	for (size_t i = 0; i < run->case_count; i++)
		if (strlen(run->cases[i].name) > columns)
			columns = strlen(run->cases[i].name);
	return (int)(columns > NAME_COLUMNS_MAX ? NAME_COLUMNS_MAX : columns);
}

static void write_text(const struct run *run, const struct report_options *options, struct buf *out)
{
	int columns = name_columns(run);
	char took[32];

	if (options->quiet) {
		write_verdict(run, options, out);
		return;
	}
	buf_printf(out, "%s on %.12s", run->suite, run->commit.hash);
	if (run->commit.subject) {
		buf_addstr(out, " \"");
		add_plain(out, run->commit.subject, 60);
		buf_addstr(out, "\"");
	}
	buf_addstr(out, "\n\n");
	for (size_t i = 0; i < run->case_count; i++)
		write_case(&run->cases[i], run, columns, options, out);
	buf_addstr(out, "\n");
	write_verdict(run, options, out);
	write_baseline(run, out);
	write_image(run, out);
	buf_printf(out, "  run           %s, %s\n", run->id,
		   units_duration(run->duration_ns, took, sizeof(took)));
}

const struct report_ops report_text = {
	.format = "text",
	.summary = "for people: a line per case, the verdict, what changed",
	.write = write_text,
};
