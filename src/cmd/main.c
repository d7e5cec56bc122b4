/* assay: from a commit to a verdict. */
#include "base/cancel.h"
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#define SUBCOMMANDS_MAX 32

const struct subcommand subcommands[] = {
	{"run", "build a commit's image, check it, record the verdict", cmd_run, &help_run},
	{"scan", "read what is really inside an image, and judge it", cmd_scan, &help_scan},
	{"gate", "may this image be deployed? by a policy, provably", cmd_gate, &help_gate},
	{"key", "make keys, sign waivers", cmd_key, &help_key},
	{"bisect", "name the commit that broke a check, and what it changed", cmd_bisect,
	 &help_bisect},
	{"history", "look at recorded runs and what changed between them", cmd_history,
	 &help_history},
	{"report", "write recorded runs as a static site", cmd_report, &help_report},
	{"compare", "what differs between two images or runs", cmd_compare, &help_compare},
	{"suite", "check, list and explain suites", cmd_suite, &help_suite},
	{"doctor", "what works here, what does not, how to get it", cmd_doctor, &help_doctor},
	{"init", "write a starter suite and a CI workflow for this repository", cmd_init,
	 &help_init},
	{"help", "this page, or those of docs/", cmd_help, &help_help},
	{NULL, NULL, NULL, NULL},
};

static int unknown(const char *word)
{
	const char *names[SUBCOMMANDS_MAX] = {NULL};
	const char *near;

	for (size_t i = 0; subcommands[i].name && i < SUBCOMMANDS_MAX - 1; i++)
		names[i] = subcommands[i].name;
	near = field_nearest(word, names);
	if (near)
		fprintf(stderr, "assay: unknown command '%s', did you mean '%s'?\n", word, near);
	else
		fprintf(stderr, "assay: unknown command '%s' (see assay --help)\n", word);
	return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	static char help[] = "help";
	char *words[] = {help, NULL};

	if (argc < 2) {
		(void)cmd_help(1, words);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cmd_help(1, words);
	if (strcmp(argv[1], "--version") == 0) {
		puts("assay " ASSAY_VERSION);
		return EXIT_PASS;
	}
	for (const struct subcommand *sub = subcommands; sub->name; sub++)
		if (strcmp(sub->name, argv[1]) == 0)
			return sub->run(argc - 1, argv + 1);
	return unknown(argv[1]);
}

int main(int argc, char **argv)
{
	cancel_install();
	return cmd_finish_output(dispatch(argc, argv));
}
