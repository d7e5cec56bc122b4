/* Help, and the pages of docs/: all of it from the tables that parse, check and judge. */
#include "check/check_ops.h"
#include "cmd/cmd.h"
#include "model/gpu.h"
#include "rules/rules.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *code, *meaning;
} exits[] = {{"0", "pass"},
	     {"1", "a check failed or a metric regressed"},
	     {"2", "usage, configuration or suite error"},
	     {"3", "the image did not build"},
	     {"4", "infrastructure: engine, network, GPU health, history"},
	     {"5", "inconclusive"},
	     {"6", "nothing was selected or measured"},
	     {"130", "interrupted"}};

static const struct {
	const char *name, *meaning;
} variables[] = {
	{"DOCKER_HOST", "container engine: unix:///path or tcp://host:port"},
	{"ASSAY_STATE", "folder for runs and history, instead of .assay in the repository"},
	{"ASSAY_CACHE", "folder for what is known of image layers, instead of ~/.cache/assay"},
	{"ASSAY_SIGNING_KEY", "private key of a gate, PEM text"},
	{"ASSAY_REGISTRY_AUTH",
	 "USER:PASSWORD for the registry of a gate (default: what docker login left)"},
	{"NO_COLOR", "when not empty: no colour"},
	{"GITHUB_STEP_SUMMARY", "file to which -o github appends a summary"}};

static const struct {
	const char *name, *meaning;
} files[] = {{"assay.jsonc", "the suite, in the root of the repository"},
	     {".assay/runs/ID/", "run.json, journal.jsonl, build.log, facts.json, cases/"},
	     {".assay/history.db", "the history, SQLite"}};

#define COUNT(list) (sizeof(list) / sizeof(list[0]))

/* --- roff ------------------------------------------------------------------------------------ */

/* Text as roff: its own characters escaped, line ends kept. */
static void put(const char *text)
{
	bool start = true;

	for (; text && *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		start = *text == '\n';
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void put_item(const char *name, const char *argument, const char *text)
{
	fputs(".TP\n.B ", stdout);
	put(name);
	if (argument) {
		putchar(' ');
		put(argument);
	}
	putchar('\n');
	put(text);
	putchar('\n');
}

static void put_options(const struct option_row *row)
{
	char name[64];

	for (; row->name; row++) {
		if (row->letter)
			(void)snprintf(name, sizeof(name), "-%c, --%s", row->letter, row->name);
		else
			(void)snprintf(name, sizeof(name), "--%s", row->name);
		put_item(name, row->arg, row->help);
	}
}

static void put_fields(const struct field *field)
{
	for (; field->name; field++) {
		char text[600];

		(void)snprintf(text, sizeof(text), "%s%s%s%s%s", field->help,
			       field->required ? " (required)" : "", field->def ? " (default " : "",
			       field->def ? field->def : "", field->def ? ")" : "");
		put_item(field->name, NULL, text);
		if (field->fields) {
			puts(".RS");
			put_fields(field->fields);
			puts(".RE");
		}
	}
}

static void put_section(const char *title, const struct field *fields)
{
	printf(".SS ");
	put(title);
	putchar('\n');
	put_fields(fields);
}

static void print_man(void)
{
	printf(".TH ASSAY 1 \"\" \"assay " ASSAY_VERSION "\"\n.SH NAME\n"
	       "assay \\- take a commit to a verdict\n.SH SYNOPSIS\n");
	for (const struct subcommand *sub = subcommands; sub->name; sub++) {
		fputs(".B assay\n", stdout);
		put(sub->help->usage);
		puts("\n.br");
	}
	puts(".SH DESCRIPTION\nAssay builds a commit's image, reads what is really inside, checks "
	     "it, records the\nresult and compares it with the baseline.\n.SH COMMANDS");
	for (const struct subcommand *sub = subcommands; sub->name; sub++) {
		printf(".SS assay ");
		put(sub->help->usage);
		putchar('\n');
		put(sub->help->summary);
		putchar('\n');
		put_options(sub->help->rows);
	}
	puts(".SH SUITES\nA suite is JSON with comments; unknown keys are errors.");
	put_fields(suite_fields);
	put_section("image", suite_image_fields);
	put_section("every check", suite_check_fields);
	for (size_t i = 0; check_kinds[i]; i++) {
		char title[120];

		(void)snprintf(title, sizeof(title), "kind %s: %s", check_kinds[i]->kind,
			       check_kinds[i]->summary);
		put_section(title, check_kinds[i]->fields);
	}
	puts(".SH EXIT STATUS");
	for (size_t i = 0; i < COUNT(exits); i++)
		put_item(exits[i].code, NULL, exits[i].meaning);
	puts(".SH ENVIRONMENT");
	for (size_t i = 0; i < COUNT(variables); i++)
		put_item(variables[i].name, NULL, variables[i].meaning);
	puts(".SH FILES");
	for (size_t i = 0; i < COUNT(files); i++)
		put_item(files[i].name, NULL, files[i].meaning);
}

/* --- Markdown -------------------------------------------------------------------------------- */

static void print_labels(void)
{
	puts("# Labels\n\nStable keys of failures and findings: they key history, annotations and "
	     "suppressions,\nand the list only grows. `assay suite explain LABEL` prints one. "
	     "Made by `assay help --labels`.\n\n| label | severity of a finding | means | to do "
	     "|\n|---|---|---|---|");
	for (const struct label *label = label_table; label->name; label++)
		printf("| `%s` | %s | %s | %s |\n", label->name,
		       rule_topic_of(label->name) ? severity_name(rule_severity(label->name)) : "",
		       label->summary, label->advice);
}

static void print_targets(void)
{
	puts("# Targets\n\nGPUs that `--target` and a suite's `targets` may name; `sm_120` or "
	     "`12.0` names a card\nwithout a row. Made by `assay help --targets`.\n\n"
	     "| name | card | compute capability | memory, MiB | driver from | source "
	     "|\n|---|---|---|---|---|---|");
	for (const struct gpu *gpu = gpu_table; gpu->name; gpu++)
		printf("| `%s` | %s | %u.%u | %llu | %u | %s |\n", gpu->name, gpu->title,
		       gpu->cc / 10, gpu->cc % 10, (unsigned long long)gpu->memory_mib,
		       gpu->driver_min, gpu->source);
}

/* --- the command ----------------------------------------------------------------------------- */

struct help_options {
	struct common_options common;
	bool man;
	bool labels;
	bool targets;
};

#define AT(member) offsetof(struct help_options, member)
static const struct option_row help_rows[] = {
	{"man", 0, OPTION_FLAG, AT(man), NULL, NULL, "the man page (docs/assay.1)"},
	{"labels", 0, OPTION_FLAG, AT(labels), NULL, NULL, "every label (docs/labels.md)"},
	{"targets", 0, OPTION_FLAG, AT(targets), NULL, NULL,
	 "every GPU that can be a target (docs/targets.md)"},
	COMMON_OPTIONS};
#undef AT

const struct command_help help_help = {"help [COMMAND] [OPTION]...",
				       "Help on a command, or a page of docs/ as it is made.",
				       help_rows};

static void print_overview(void)
{
	printf("Usage: assay COMMAND [OPTION]...\n\n"
	       "Takes a commit to a verdict: builds its image, looks inside, records, "
	       "compares.\n\n");
	for (const struct subcommand *sub = subcommands; sub->name; sub++)
		printf("  %-10s %s\n", sub->name, sub->summary);
	printf("\nEvery command has --help. Exit codes: ");
	for (size_t i = 0; i < COUNT(exits); i++)
		printf("%s%s %s", i ? ",\n" : "", exits[i].code, exits[i].meaning);
	puts(".");
}

static int help_on(const char *name, struct err *err)
{
	for (const struct subcommand *sub = subcommands; sub->name; sub++)
		if (strcmp(sub->name, name) == 0) {
			options_help(sub->help);
			return 0;
		}
	return err_set(err, ERR_USAGE, "help: no command '%s' (see assay --help)", name);
}

int cmd_help(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct help_options options = {0};
	struct strings words = {0};
	struct err err = {0};
	int rc = options_parse(help_rows, argc, argv, arena, &options, &words, &err);

	if (rc == 0 && options.common.help)
		options_help(&help_help);
	else if (rc == 0 && options.man)
		print_man();
	else if (rc == 0 && options.labels)
		print_labels();
	else if (rc == 0 && options.targets)
		print_targets();
	else if (rc == 0 && words.count)
		rc = help_on(words.items[0], &err);
	else if (rc == 0)
		print_overview();
	arena_free(arena);
	return rc < 0 ? cmd_fail(&err) : EXIT_PASS;
}
