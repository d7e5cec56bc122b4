/* What a gate says: text, JSON, Markdown, GitHub's commands, a commit status. */
#include "cmd/gate_private.h"
#include "cmd/output.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX 140 /* GitHub's limit of a status description, characters */

typedef void writer(const struct gate *gate, struct buf *out);

static const char *state_of(const struct gate *gate)
{
	if (gate->decision.open)
		return "open";
	return gate->decision.advisory ? "would be closed" : "closed";
}

static const char *summary_of(const struct gate *gate)
{
	const struct policy_decision *decision = &gate->decision;

	if (decision->open)
		return arena_printf(gate->arena, "%s may be deployed, by policy %s",
				    gate->input.subject, gate->policy->name);
	return arena_printf(gate->arena, "%s: %zu reason%s, by policy %s", gate->input.subject,
			    decision->reason_count, decision->reason_count == 1 ? "" : "s",
			    gate->policy->name);
}

/* --- text ------------------------------------------------------------------------------------ */

static void write_text(const struct gate *gate, struct buf *out)
{
	const struct policy_decision *decision = &gate->decision;

	buf_printf(out, "%s: %s\n", state_of(gate), summary_of(gate));
	for (size_t i = 0; i < decision->reason_count; i++)
		buf_printf(out, "  %s: %s\n    to open: %s\n", decision->reasons[i].rule,
			   decision->reasons[i].text, decision->reasons[i].command);
	for (size_t i = 0; i < decision->waived.count; i++)
		buf_printf(out, "  waived: %s\n", decision->waived.items[i]);
	if (gate->options->common.quiet)
		return;
	if (gate->input.digest)
		buf_printf(out, "  manifest %s\n", gate->input.digest);
	if (gate->input.image_id)
		buf_printf(out, "  image    %s\n", gate->input.image_id);
	if (decision->run_count)
		buf_printf(out, "  newest of %zu runs: %s\n", decision->run_count,
			   decision->runs[0]->id);
	if (gate->signer)
		buf_printf(out, "  signed by %s%s%s\n", gate->signer,
			   gate->attested_at ? " at " : "",
			   gate->attested_at ? gate->attested_at : "");
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void add_reasons(struct json *list, const struct policy_decision *decision)
{
	for (size_t i = 0; i < decision->reason_count; i++) {
		const struct policy_reason *reason = &decision->reasons[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "rule", reason->rule);
		json_add_str(item, "check", reason->check);
		json_add_str(item, "text", reason->text);
		json_add_str(item, "command", reason->command);
		json_add_str(item, "run", reason->run_id);
		json_add_str(item, "where", reason->where);
	}
}

static void write_json(const struct gate *gate, struct buf *out)
{
	const struct policy_decision *decision = &gate->decision;
	struct json *json = json_new_object(), *item;
	char time[CLOCK_TEXT];

	json_add_int(json, "assay_gate", 1);
	json_add_bool(json, "open", decision->open);
	json_add_bool(json, "advisory", decision->advisory);
	json_add_str(json, "subject", gate->input.subject);
	json_add_str(json, "manifest", gate->input.digest);
	json_add_str(json, "image_id", gate->input.image_id);
	json_add_str(json, "commit", gate->input.commit);
	json_add_str(json, "time", clock_rfc3339(gate->input.now_ms, time, sizeof(time)));
	item = json_add_object(json, "policy");
	json_add_str(item, "name", gate->policy->name);
	json_add_str(item, "file", gate->policy->file);
	json_add_str(item, "sha256", gate->policy->hash);
	add_reasons(json_add_array(json, "reasons"), decision);
	item = json_add_array(json, "waived");
	for (size_t i = 0; i < decision->waived.count; i++)
		json_add_str(item, NULL, decision->waived.items[i]);
	item = json_add_array(json, "runs");
	for (size_t i = 0; i < decision->run_count; i++)
		json_add_str(item, NULL, decision->runs[i]->id);
	json_add_str(json, "signer", gate->signer);
	json_add_str(json, "attested_at", gate->attested_at);
	json_print(json, true, out);
	buf_addstr(out, "\n");
	json_free(json);
}

/* The body of GitHub's "create a commit status"; GitLab takes the same words but "failed". */
static void write_status(const struct gate *gate, struct buf *out)
{
	struct json *json = json_new_object();
	bool good = gate->decision.open || gate->decision.advisory;
	const char *text =
		gate->decision.reason_count ? gate->decision.reasons[0].text : summary_of(gate);
	size_t len = strlen(text);

	if (len > STATUS_MAX)
		for (len = STATUS_MAX - 3; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
			len--;
	json_add_str(json, "state", good ? "success" : "failure");
	json_add_str(json, "context",
		     arena_printf(gate->arena, "assay/gate/%s", gate->policy->name));
	json_add_str(json, "description",
		     arena_printf(gate->arena, "%.*s%s", (int)len, text,
				  strlen(text) > STATUS_MAX ? "..." : ""));
	json_print(json, true, out);
	buf_addstr(out, "\n");
	json_free(json);
}

/* --- Markdown and GitHub --------------------------------------------------------------------- */

/* In a table cell: no line ends, no bars that would end it, no tags. */
static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '\\' || *text == '`')
			buf_addstr(out, "\\");
		if (*text == '<')
			buf_addstr(out, "&lt;");
		else
			buf_add(out, *text == '\n' ? " " : text, 1);
	}
}

static void write_markdown(const struct gate *gate, struct buf *out)
{
	const struct policy_decision *decision = &gate->decision;

	buf_printf(out, "### Gate %s: ", state_of(gate));
	add_cell(out, summary_of(gate));
	buf_addstr(out, "\n\n");
	if (decision->reason_count)
		buf_addstr(out, "| rule | why | to open |\n|---|---|---|\n");
	for (size_t i = 0; i < decision->reason_count; i++) {
		buf_printf(out, "| %s | ", decision->reasons[i].rule);
		add_cell(out, decision->reasons[i].text);
		buf_addstr(out, " | ");
		add_cell(out, decision->reasons[i].command);
		buf_addstr(out, " |\n");
	}
	for (size_t i = 0; i < decision->waived.count; i++) {
		buf_addstr(out, "\n- waived: ");
		add_cell(out, decision->waived.items[i]);
	}
	buf_addstr(out, "\n");
}

/* As a workflow command's message takes it. */
static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '%')
			buf_addstr(out, "%25");
		else if (*text == '\n' || *text == '\r')
			buf_addstr(out, *text == '\n' ? "%0A" : "%0D");
		else
			buf_add(out, text, 1);
	}
}

static void write_github(const struct gate *gate, struct buf *out)
{
	const struct policy_decision *decision = &gate->decision;

	for (size_t i = 0; i < decision->reason_count; i++) {
		buf_printf(out,
			   "::%s title=assay gate %s::", decision->advisory ? "warning" : "error",
			   decision->reasons[i].rule);
		add_escaped(out, decision->reasons[i].text);
		buf_addstr(out, "%0Ato open: ");
		add_escaped(out, decision->reasons[i].command);
		buf_addstr(out, "\n");
	}
	if (decision->open) {
		buf_addstr(out, "::notice title=assay gate open::");
		add_escaped(out, summary_of(gate));
		buf_addstr(out, "\n");
	}
}

/* --- where it goes --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	writer *write;
} formats[] = {{"json", write_json},
	       {"github", write_github},
	       {"markdown", write_markdown},
	       {"status", write_status}};

/* Split FORMAT=FILE. A format alone goes to standard output. */
static writer *find_format(const char *word, const char **file)
{
	size_t len = strcspn(word, "=");

	*file = word[len] && word[len + 1] ? word + len + 1 : "-";
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strlen(formats[i].name) == len && memcmp(formats[i].name, word, len) == 0)
			return formats[i].write;
	return NULL;
}

int gate_check_outputs(const struct gate_options *options, struct err *err)
{
	const char *file;

	for (size_t i = 0; i < options->outputs.count; i++)
		if (!find_format(options->outputs.items[i], &file))
			return err_set(err, ERR_USAGE,
				       "-o %s: formats are json, github, markdown, status",
				       options->outputs.items[i]);
	return 0;
}

static int append_summary(const struct gate *gate, struct err *err)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	struct buf text;
	FILE *file;
	int rc = 0;

	if (!path || !*path)
		return 0;
	file = fopen(path, "ae");
	if (!file)
		return err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	buf_init(&text, JSON_BYTES_MAX);
	write_markdown(gate, &text);
	if (fwrite(buf_str(&text), 1, text.len, file) != text.len)
		rc = err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	buf_done(&text);
	if (fclose(file) != 0 && rc == 0)
		rc = err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	return rc;
}

static int write_one(const struct gate *gate, writer *write, const char *file, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX);
	write(gate, &text);
	rc = output_text(file, &text, err);
	buf_done(&text);
	return rc == 0 && write == write_github ? append_summary(gate, err) : rc;
}

int gate_report(const struct gate *gate, struct err *err)
{
	const struct strings *words = &gate->options->outputs;
	bool said = gate->options->common.json;
	const char *file;

	if (said && write_one(gate, write_json, "-", err) < 0)
		return -1;
	for (size_t i = 0; i < words->count; i++) {
		writer *write = find_format(words->items[i], &file);

		said = said || strcmp(file, "-") == 0;
		if (write_one(gate, write, file, err) < 0)
			return -1;
	}
	return said ? 0 : write_one(gate, write_text, "-", err);
}
