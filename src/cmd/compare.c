#include "cmd/compare_metrics.h"
#include "cmd/output.h"
#include "cmd/subject.h"

#include <stdio.h>
#include <string.h>

struct compare_options {
	struct common_options common;
	const char *repo;
	const char *engine;
	bool files;
	bool no_cache;
};

#define AT(member) offsetof(struct compare_options, member)
static const struct option_row compare_rows[] = {
	{"files", 0, OPTION_FLAG, AT(files), NULL, NULL, "list every file that differs too"},
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL,
	 "repository whose runs A and B may name (default: .)"},
	{"engine", 0, OPTION_STRING, AT(engine), "HOST", NULL,
	 "container engine (default: DOCKER_HOST, then the usual sockets)"},
	{"no-cache", 0, OPTION_FLAG, AT(no_cache), NULL, NULL, "read every layer again"},
	COMMON_OPTIONS};
#undef AT

static void print_differences(const struct difference *list, size_t count, bool quiet)
{
	const char *topic = "";

	for (size_t i = 0; !quiet && i < count; i++) {
		if (strcmp(topic, list[i].topic) != 0)
			printf("%s%s\n", i ? "\n" : "", list[i].topic);
		topic = list[i].topic;
		if (list[i].before && list[i].after)
			printf("  ~ %s: %s -> %s", list[i].name, list[i].before, list[i].after);
		else if (list[i].after)
			printf("  + %s: %s", list[i].name, list[i].after);
		else
			printf("  - %s: %s", list[i].name, list[i].before ? list[i].before : "");
		if (list[i].where && *list[i].where)
			printf("   (%s)", list[i].where);
		printf("\n");
	}
	printf("%s%zu difference%s\n", count && !quiet ? "\n" : "", count, count == 1 ? "" : "s");
}

static void print_json(const struct facts *a, const struct facts *b, const struct difference *list,
		       size_t count, const struct metric_change *changes, size_t change_count)
{
	struct json *root = json_new_object();
	struct json *items;

	json_add_int(root, "assay_compare", 1);
	json_add_str(root, "before", a->image);
	json_add_str(root, "after", b->image);
	items = json_add_array(root, "differences");
	for (size_t i = 0; i < count; i++) {
		struct json *item = json_add_object(items, NULL);

		json_add_str(item, "topic", list[i].topic);
		json_add_str(item, "name", list[i].name);
		json_add_str(item, "before", list[i].before);
		json_add_str(item, "after", list[i].after);
		json_add_str(item, "where", list[i].where);
	}
	json_metric_changes(changes, change_count, json_add_array(root, "metrics"));
	cmd_print_json(root);
}

/* Runs are known by name only inside a repository; outside of one the rest still works. */
static const char *find_state(const char *repo, struct arena *arena)
{
	struct source *source CLEANUP(source_closep) = NULL;
	struct err ignored;

	return source_open(repo, &source, &ignored) == 0 ? cmd_state_dir(source, arena) : NULL;
}

static int open_sides(const struct compare_options *options, const struct strings *words,
		      const char *state, struct subject sides[2], struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		const struct subject_request request = {.word = words->items[i],
							.engine = options->engine,
							.state = state,
							.no_cache = options->no_cache};

		if (subject_open(&request, &sides[i], err) < 0)
			return -1;
	}
	if (options->files && !(sides[0].image && sides[1].image))
		return err_set(err, ERR_USAGE,
			       "--files: kept facts name no files; give images for both sides");
	return 0;
}

static int compare(const struct compare_options *options, const struct strings *words,
		   struct arena *arena, struct err *err)
{
	struct subject sides[2] = {{0}, {0}};
	struct difference *list = NULL;
	struct metric_change *changes = NULL;
	const char *state = find_state(options->repo, arena);
	size_t count = 0, change_count = 0;
	int rc;

	if (words->count != 2)
		return err_set(err, ERR_USAGE,
			       "compare takes two images, archives, folders or "
			       "runs (see assay compare --help)");
	rc = open_sides(options, words, state, sides, err);
	if (rc == 0)
		rc = compare_metrics(state, words->items[0], words->items[1], arena, &changes,
				     &change_count, err);
	if (rc == 0) {
		facts_diff(sides[0].facts, sides[1].facts, options->files, arena, &list, &count);
		if (options->common.json)
			print_json(sides[0].facts, sides[1].facts, list, count, changes,
				   change_count);
		else
			print_differences(list, count, options->common.quiet);
		if (!options->common.json && !options->common.quiet)
			print_metric_changes(changes, change_count);
	}
	for (size_t i = 0; i < 2; i++)
		if (sides[i].arena)
			subject_close(&sides[i]);
	return rc;
}

const struct command_help help_compare = {
	"compare A B [OPTION]...",
	"What differs between two images: packages, libraries, GPU code, environment, sizes, by "
	"build\nstep. A and B are images of the engine, archives, folders, facts.json files or "
	"runs. Of two runs also what both measured in the same cell.",
	compare_rows};

int cmd_compare(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct compare_options options = {.repo = "."};
	struct strings words = {0};
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(compare_rows, argc, argv, arena, &options, &words, &err) < 0)
		code = cmd_fail(&err);
	else if (options.common.help)
		options_help(&help_compare);
	else if (compare(&options, &words, arena, &err) < 0)
		code = cmd_fail(&err);
	arena_free(arena);
	return cmd_finish_output(code);
}
