/* assay: from a commit to a verdict. */
#include "base/cancel.h"
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct subcommand subcommands[] = {
	{"run", "build a commit's image, check it, record the verdict", cmd_run},
	{"scan", "read what is really inside an image, and judge it", cmd_scan},
	{"history", "look at recorded runs and what changed between them", cmd_history},
	{"compare", "what differs between two images or runs", cmd_compare},
	{"suite", "check, list and explain suites", cmd_suite},
	{"doctor", "what works here, what does not, how to get it", cmd_doctor},
	{"init", "write a starter suite and a CI workflow for this repository", cmd_init},
	{NULL, NULL, NULL},
};

static void print_help(void)
{
	printf("Usage: assay COMMAND [OPTION]...\n\n"
	       "Takes a commit to a verdict: builds its image, looks inside, records, "
	       "compares.\n\n");
	for (const struct subcommand *sub = subcommands; sub->name; sub++)
		printf("  %-10s %s\n", sub->name, sub->summary);
	printf("\nEvery command has --help. Exit codes: 0 pass, 1 fail, 2 usage or suite error, "
	       "3 the image\ndid not build, 4 infrastructure, 5 inconclusive, 6 nothing "
	       "selected or measured, 130 interrupted.\n");
}

static int unknown(const char *word)
{
	const char *names[sizeof(subcommands) / sizeof(subcommands[0])] = {NULL};
	const char *near;

	for (size_t i = 0; subcommands[i].name; i++)
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
	if (argc < 2) {
		print_help();
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help();
		return EXIT_PASS;
	}
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
