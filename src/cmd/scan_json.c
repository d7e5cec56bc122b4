#include "base/clock.h"
#include "cmd/scan.h"

#include <string.h>

static void add_finding(struct json *list, const struct finding *finding)
{
	const struct label *label = label_find(finding->label);
	struct json *item = json_add_object(list, NULL);

	json_add_str(item, "label", finding->label);
	json_add_str(item, "severity", severity_name(finding->severity));
	json_add_str(item, "target", finding->target);
	json_add_str(item, "subject", finding->subject);
	json_add_str(item, "expected", finding->expected);
	json_add_str(item, "actual", finding->actual);
	json_add_str(item, "where", finding->where);
	json_add_str(item, "advice",
		     finding->advice ? finding->advice
		     : label	     ? label->advice
				     : NULL);
}

struct json *scan_json(const struct scan *scan)
{
	struct json *root = json_new_object();
	struct json *facts = facts_json(scan->facts);
	struct json *list;

	json_add_int(root, "assay_scan", 1);
	json_add_str(root, "image", scan->facts->image);
	json_add_str(root, "image_id", scan->facts->image_id);
	list = json_add_array(root, "targets");
	for (size_t i = 0; i < scan->target_count; i++)
		json_add_str(list, NULL, scan->targets[i]->name);
	json_add_str(root, "verdict", scan_failures(scan) ? "fail" : "pass");
	json_add_str(root, "fail_on", severity_name(scan->fail_on));
	json_add_num(root, "duration_ms", (double)scan->duration_ns / 1e6);
	list = json_add_array(root, "findings");
	for (size_t i = 0; i < scan->findings->count; i++)
		add_finding(list, &scan->findings->items[i]);
	json_add_copy(root, "facts", facts);
	json_free(facts);
	return root;
}

static void add_case(struct run *run, const struct finding *finding)
{
	struct arena *arena = run->arena;
	const char *name =
		arena_printf(arena, "%s%s%s%s%s", finding->label, finding->subject ? " " : "",
			     finding->subject ? finding->subject : "", finding->target ? "@" : "",
			     finding->target ? finding->target : "");
	struct case_result *result;

	for (unsigned n = 2; run_find_case(run, name); n++)
		name = arena_printf(arena, "%s %s #%u", finding->label,
				    finding->subject ? finding->subject : "", n);
	result = run_add_case(run, name, "rules");
	result->target = arena_strdup(arena, finding->target);
	case_fail(result, finding->label, arena_strdup(arena, finding->expected),
		  arena_strdup(arena, finding->actual), arena_strdup(arena, finding->where),
		  arena_strdup(arena, finding->advice));
}

static bool topic_failed(const struct scan *scan, const struct rule_ops *topic)
{
	for (size_t i = 0; i < scan->findings->count; i++)
		if (scan->findings->items[i].severity >= scan->fail_on &&
		    rule_topic_of(scan->findings->items[i].label) == topic)
			return true;
	return false;
}

struct run *scan_run(const struct scan *scan)
{
	struct run *run = run_new();
	char stamp[CLOCK_TEXT];

	run->started_at =
		arena_strdup(run->arena, clock_rfc3339(clock_unix_ms(), stamp, sizeof(stamp)));
	run->id = arena_printf(run->arena, "scan-%s", run->started_at);
	run->suite = "scan";
	run->duration_ns = scan->duration_ns;
	run->build.image_id = arena_strdup(run->arena, scan->facts->image_id);
	run->build.image_tag = arena_strdup(run->arena, scan->facts->image);
	for (size_t i = 0; i < scan->findings->count; i++)
		if (scan->findings->items[i].severity >= scan->fail_on)
			add_case(run, &scan->findings->items[i]);
	for (size_t i = 0; rule_topics[i]; i++)
		if (!topic_failed(scan, rule_topics[i]))
			case_pass(run_add_case(run, rule_topics[i]->topic, "rules"), NULL);
	run_decide(run);
	return run;
}
