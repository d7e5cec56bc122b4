#include "gpu/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_INFRA = 4, EXIT_INCONCLUSIVE = 5, EXIT_EMPTY = 6 };

void report_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c < 0x7f ? c : '?');
	}
	putchar('"');
}

static void field(const char *key, const char *text)
{
	if (!*text)
		return;
	printf(", \"%s\": ", key);
	report_string(text);
}

static void number(double value)
{
	if (isfinite(value))
		printf("%.9g", value);
	else
		printf("null");
}

static void metrics(const struct case_outcome *out)
{
	printf(", \"metrics\": [");
	for (size_t i = 0; i < out->metric_count; i++) {
		const struct case_metric *metric = &out->metrics[i];

		printf("%s{\"name\": ", i ? ", " : "");
		report_string(metric->name);
		field("unit", metric->unit);
		field("direction", metric->higher_is_better ? "higher" : "lower");
		field("shape", metric->cell);
		printf(", \"samples\": [");
		for (size_t n = 0; n < metric->count; n++) {
			printf("%s", n ? ", " : "");
			number(metric->samples[n]);
		}
		printf("]}");
	}
	printf("]");
}

static void cell(const struct report *report, const struct case_outcome *out)
{
	char text[CASE_TEXT_MAX];

	if (!out->card.name[0])
		return;
	(void)snprintf(text, sizeof(text), "%s, sm_%u%u, driver %s%sCUDA %d.%d%s%s", out->card.name,
		       out->card.card.major, out->card.card.minor, report->driver,
		       report->driver[0] ? " " : "", out->card.driver_cuda / 1000,
		       out->card.driver_cuda % 1000 / 10, report->cell[0] ? ", " : "",
		       report->cell);
	field("cell", text);
}

static void as_json(const struct report *report, const struct gpu_case *item,
		    const struct case_outcome *out)
{
	printf("{\"name\": ");
	report_string(item->name);
	field("outcome", case_verdict_name(out->verdict));
	field("label", out->label);
	field("expected", out->expected);
	field("actual", out->actual);
	field("reason", out->reason);
	printf(", \"duration_ms\": ");
	number((double)out->duration_ns / 1e6);
	cell(report, out);
	metrics(out);
	if (out->verdict != CASE_PASS)
		field("output", out->output);
	printf("}\n");
}

static void as_text(const struct report *report, const struct gpu_case *item,
		    const struct case_outcome *out)
{
	if (report->quiet && out->verdict == CASE_PASS)
		return;
	printf("%-6s %-34s %s%s%s%s\n", case_verdict_name(out->verdict), item->name,
	       out->label[0] ? out->label : "", out->label[0] ? ": " : "",
	       out->actual[0] ? out->actual : "", out->reason);
}

void report_case(void *payload, const struct gpu_case *item, const struct case_outcome *out)
{
	struct report *report = payload;

	report->counts[out->verdict]++;
	if (out->verdict == CASE_INFRA && !strncmp(item->name, "health/", 7))
		report->sick = true;
	if (report->json)
		as_json(report, item, out);
	else
		as_text(report, item, out);
	(void)fflush(stdout);
}

int report_end(const struct report *report)
{
	const size_t *n = report->counts;

	if (!report->json)
		printf("%zu passed, %zu failed, %zu skipped, %zu broken, %zu infrastructure\n",
		       n[CASE_PASS], n[CASE_FAIL], n[CASE_SKIP], n[CASE_BROKEN], n[CASE_INFRA]);
	if (report->sick)
		return EXIT_INFRA;
	if (n[CASE_FAIL])
		return EXIT_FAIL;
	if (n[CASE_BROKEN] || n[CASE_INFRA])
		return EXIT_INFRA;
	if (n[CASE_SKIP])
		return EXIT_INCONCLUSIVE;
	return n[CASE_PASS] ? EXIT_PASS : EXIT_EMPTY;
}
