#include "gpu/case.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct gpu_case *case_add(struct case_list *list, unsigned timeout_s,
			  int (*run)(struct case_env *, const struct case_params *, struct err *),
			  const char *fmt, ...)
{
	struct gpu_case *item =
		arena_push(list->arena, &list->items, &list->count, sizeof(*list->items));
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(item->name, sizeof(item->name), fmt, ap);
	va_end(ap);
	item->timeout_ns = (uint64_t)timeout_s * 1000000000u;
	item->run = run;
	return item;
}

void case_pass(struct case_outcome *out, const char *fmt, ...)
{
	va_list ap;

	out->verdict = CASE_PASS;
	va_start(ap, fmt);
	(void)vsnprintf(out->actual, sizeof(out->actual), fmt, ap);
	va_end(ap);
}

void case_fail(struct case_outcome *out, const char *label, const char *expected, const char *fmt,
	       ...)
{
	va_list ap;

	out->verdict = CASE_FAIL;
	(void)snprintf(out->label, sizeof(out->label), "%s", label);
	(void)snprintf(out->expected, sizeof(out->expected), "%s", expected);
	va_start(ap, fmt);
	(void)vsnprintf(out->actual, sizeof(out->actual), fmt, ap);
	va_end(ap);
}

void case_undecided(struct case_outcome *out, enum verdict_of verdict, const char *fmt, ...)
{
	va_list ap;

	out->verdict = verdict;
	va_start(ap, fmt);
	(void)vsnprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
}

void case_stage(struct case_outcome *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out->stage, sizeof(out->stage), fmt, ap);
	va_end(ap);
}

struct case_metric *case_metric(struct case_outcome *out, const char *name, const char *unit,
				bool higher_is_better, const char *cell)
{
	struct case_metric *metric;

	if (out->metric_count == CASE_METRICS_MAX)
		return NULL;
	metric = &out->metrics[out->metric_count++];
	(void)snprintf(metric->name, sizeof(metric->name), "%s", name);
	(void)snprintf(metric->unit, sizeof(metric->unit), "%s", unit);
	(void)snprintf(metric->cell, sizeof(metric->cell), "%s", cell);
	metric->higher_is_better = higher_is_better;
	return metric;
}

void case_sample(struct case_metric *metric, double value)
{
	if (metric && metric->count < CASE_SAMPLES_MAX)
		metric->samples[metric->count++] = value;
}

const char *case_verdict_name(enum verdict_of verdict)
{
	static const char *const names[] = {"pass", "fail", "skip", "broken", "infra"};

	return names[verdict];
}

const char *case_error_label(int error)
{
	switch (error) {
	case 209: /* no kernel image for the device */
	case 500: /* named symbol not found: what newer runtimes say instead */
	case 98:  /* the runtime's "invalid device function" */
		return "kernel/no-image";
	case 221: /* the runtime's "PTX JIT compilation was disabled" */
	case 223: /* the driver's */
		return "kernel/jit-disabled";
	default:
		return "kernel/fault";
	}
}

void case_failed(struct case_outcome *out, const struct err *err)
{
	if (out->calling[0] == '\0') {
		case_undecided(out, err->code == ERR_NOTFOUND ? CASE_SKIP : CASE_INFRA, "%s",
			       err->msg);
		return;
	}
	case_fail(out, case_error_label(err->sys), "the kernel runs on this card", "%s: %s (%s)",
		  out->calling, err->msg, out->stage);
}

/* What a library prints before it calls exit(1). */
static const struct {
	const char *text;
	const char *label;
} messages[] = {
	{"no kernel image", "kernel/no-image"},
	{"named symbol not found", "kernel/no-image"},
	{"invalid device function", "kernel/no-image"},
	{"JIT compilation was disabled", "kernel/jit-disabled"},
};

static const char *label_by_output(const char *output)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (strstr(output, messages[i].text))
			return messages[i].label;
	return NULL;
}

/* The last line that is not blank. */
static void last_line(const char *output, char *line, size_t size)
{
	size_t end = strlen(output), start;

	while (end && strchr(" \r\n\t", output[end - 1]))
		end--;
	for (start = end; start && output[start - 1] != '\n';)
		start--;
	(void)snprintf(line, size, "%.*s", (int)(end - start), output + start);
}

void case_lost(struct case_outcome *out, const struct gpu_case *item, int status, bool timed_out)
{
	const char *what = out->calling[0] ? out->calling : out->stage;
	const char *label = label_by_output(out->output);
	char line[256];

	if (label && item->jit_off && !strcmp(label, "kernel/jit-disabled"))
		label = "kernel/jit-only";
	last_line(out->output, line, sizeof(line));
	if (!out->calling[0] && !label) {
		case_undecided(out, CASE_INFRA, "the case ended during \"%s\" (%s)", out->stage,
			       timed_out ? "deadline" : line);
		return;
	}
	if (timed_out)
		case_fail(out, "kernel/timeout", "the kernel ends", "%s: no end after %.0f s (%s)",
			  what, (double)item->timeout_ns / 1e9, out->stage);
	else if (WIFSIGNALED(status))
		case_fail(out, "kernel/crashed", "the call returns", "%s: %s (%s)", what,
			  strsignal(WTERMSIG(status)), out->stage);
	else
		case_fail(out, label ? label : "kernel/called-exit", "the call returns",
			  "%s ended the process with exit(%d): %s", what, WEXITSTATUS(status),
			  line);
}
