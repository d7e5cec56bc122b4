#include "cmd/explain.h"

#include <string.h>

#define TARGETS_MAX 32

/* Topics of facts_diff that can explain a failure, the most telling first. */
static const char *const telling[] = {"python",	 "arch", "env",	    "config",
				      "library", "os",	 "package", NULL};

bool explain_needed(const struct run *run)
{
	if (run->build.failed)
		return true;
	for (size_t i = 0; i < run->case_count; i++)
		if (run->cases[i].flip == FLIP_REGRESSED)
			return true;
	return false;
}

static void add_note(struct run *run, const char *note)
{
	const char **item =
		arena_push(run->arena, &run->notes.items, &run->notes.count, sizeof(*item));

	*item = note;
}

static const char *change_text(const struct difference *change, struct arena *arena)
{
	const char *where =
		change->where && *change->where ? arena_printf(arena, " (%s)", change->where) : "";

	if (change->before && change->after)
		return arena_printf(arena, "changed: %s %s: %s -> %s%s", change->topic,
				    change->name, change->before, change->after, where);
	return arena_printf(arena, "%s: %s %s %s%s", change->after ? "added" : "removed",
			    change->topic, change->name,
			    change->after ? change->after : change->before, where);
}

static void add_changes(struct run *run, const struct rule_input *input)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct difference *list = NULL;
	size_t count = 0, said = 0, left = 0;
	bool config;

	if (!input->before)
		return;
	/* The image of a failed build ends before its configuration is written. */
	config = !run->build.failed;
	facts_diff(input->before, input->facts, false, arena, &list, &count);
	for (size_t t = 0; telling[t]; t++)
		for (size_t i = 0; i < count; i++) {
			if (strcmp(list[i].topic, telling[t]) != 0 ||
			    (!config && (strcmp(telling[t], "config") == 0 ||
					 (strcmp(telling[t], "env") == 0 && !list[i].after))))
				continue;
			if (said++ < EXPLAIN_CHANGES_MAX)
				add_note(run, change_text(&list[i], run->arena));
			else
				left++;
		}
	if (left)
		add_note(run,
			 arena_printf(run->arena, "and %zu more differences: assay compare %s %s",
				      left, run->baseline.run_id, run->id));
}

static void add_finding(struct run *run, const struct finding *finding)
{
	const char *where = finding->where && *finding->where
				    ? arena_printf(run->arena, " (%s)", finding->where)
				    : "";
	const char *target = finding->target ? finding->target : "";

	add_note(run,
		 arena_printf(run->arena, "%s: %s%s%s: expected %s, found %s%s", finding->label,
			      finding->subject ? finding->subject : "image", *target ? " @" : "",
			      target, finding->expected ? finding->expected : "otherwise",
			      finding->actual ? finding->actual : "this", where));
}

static int add_findings(struct run *run, const struct rule_input *inspected, struct err *err)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct rule_filter all = {{0}, {0}};
	const struct gpu *targets[TARGETS_MAX];
	struct rule_input input = *inspected;
	struct findings findings = {0};
	size_t said = 0;

	input.targets = targets;
	for (size_t i = 0; i < run->targets.count && input.target_count < TARGETS_MAX; i++) {
		targets[input.target_count] = gpu_find(run->targets.items[i]);
		if (targets[input.target_count])
			input.target_count++;
	}
	if (rules_run(&input, &all, arena, &findings, err) < 0)
		return -1;
	for (size_t i = 0; i < findings.count && said < EXPLAIN_FINDINGS_MAX; i++)
		if (findings.items[i].severity == SEVERITY_ERROR) {
			add_finding(run, &findings.items[i]);
			said++;
		}
	return 0;
}

int explain_run(struct run *run, struct inspection *inspection, struct err *err)
{
	const struct rule_input *input = NULL;
	int rc;

	if (inspection_begin(inspection, &input, err) < 0)
		return -1;
	add_changes(run, input); /* what changed is the likelier cause, so it comes first */
	rc = add_findings(run, input, err);
	inspection_end(inspection);
	return rc;
}
