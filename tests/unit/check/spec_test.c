/* Specs that assert nothing, contradict themselves or are malformed are refused when loaded. */
#include "check/check_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *kind;
	const char *spec;
	const char *why; /* part of the message; NULL: accepted */
};

static const struct row rows[] = {
	{"version", "{\"command\": [\"v\"]}", "asserts nothing"},
	{"version", "{\"require\": \">=1\"}", "exactly one of"},
	{"version", "{\"command\": [\"v\"], \"file\": \"/v\", \"require\": \">=1\"}",
	 "exactly one"},
	{"version", "{\"value\": \"1\", \"require\": \">=1\"}", "unknown key"},
	{"version", "{\"command\": [], \"require\": \">=1\"}", "exactly one of"},
	{"version", "{\"command\": [\"\"], \"require\": \">=1\"}", "names no program"},
	{"version", "{\"file\": \"v\", \"require\": \">=1\"}", "not absolute"},
	{"version", "{\"env\": \"V\", \"require\": \"=>2\"}", "=>2"},
	{"version", "{\"env\": \"V\", \"require\": \">=1\", \"scheme\": \"rpm\"}",
	 "none of pep440"},
	{"version", "{\"env\": \"V\", \"require\": \">=1\", \"pattern\": \"(\"}", "bad pattern"},
	{"version", "{\"env\": \"V\", \"equals\": {}}", "\"equals\" needs exactly one of"},
	{"version", "{\"env\": \"V\", \"equals\": {\"env\": \"W\", \"value\": \"1\"}}",
	 "exactly one of"},
	{"version", "{\"env\": \"V\", \"equals\": {\"value\": \"latest\"}}", "\"equals\": "},
	{"version",
	 "{\"env\": \"V\", \"equals\": {\"value\": \"cuda-12.4\", \"pattern\": \"-(.*)\"}}", NULL},
	{"version", "{\"command\": [\"v\", \"\"], \"require\": \">=1\"}", NULL},

	{"env", "{}", "variable"},
	{"env", "{\"variable\": \"\"}", "empty"},
	{"env", "{\"variable\": \"A=1\"}", "no \"=\""},
	{"env", "{\"variable\": \"A\", \"present\": false, \"value\": \"1\"}",
	 "contradicts itself"},
	{"env", "{\"variable\": \"A\", \"present\": false, \"pattern\": \"1\"}",
	 "contradicts itself"},
	{"env", "{\"variable\": \"A\", \"present\": false, \"equals\": {\"env\": \"B\"}}",
	 "contradicts"},
	{"env", "{\"variable\": \"A\", \"value\": \"1\", \"pattern\": \"2\"}",
	 "contradicts itself"},
	{"env", "{\"variable\": \"A\", \"equals\": {\"env\": \"A\"}}", "asserts nothing"},
	{"env", "{\"variable\": \"A\", \"equals\": {}}", "exactly one of"},
	{"env", "{\"variable\": \"A\", \"pattern\": [\"[\"]}", "bad pattern"},
	{"env", "{\"variable\": \"A\", \"value\": \"\", \"present\": true}", NULL},

	{"gpu-health", "{}", NULL},
	{"gpu-health", "{\"device\": \"nvidia.com/gpu=all\"}", NULL},
	{"gpu-health", "{\"device\": \"all\"}", "vendor.com/class=name"},
	{"gpu-health", "{\"device\": \"/gpu=0\"}", "vendor.com/class=name"},
	{"gpu-health", "{\"device\": \"a.b/gpu=\"}", "vendor.com/class=name"},
	{"gpu-health", "{\"device\": \"a.b/gpu=0\", \"host\": true}", "contradicts itself"},

	{"kernel", "{}", NULL},
	{"kernel", "{\"device\": \"0\"}", "vendor.com/class=name"},
	{"kernel", "{\"rootfs\": \"/r\"}", "needs \"host\""},
	{"kernel", "{\"host\": true, \"rootfs\": \"/r\", \"library\": \"/l\"}", "no \"library\""},
	{"kernel", "{\"host\": true}", "there is no image"},
	{"kernel", "{\"host\": true, \"library\": \"/l\"}", NULL},
	{"kernel", "{\"limits\": [{\"cases\": \"bench/*\", \"share\": 0.5}]}", "need \"cases\""},
	{"kernel", "{\"cases\": \"bench/*\", \"limits\": [{\"cases\": \"bench/*\", \"share\": 0}]}",
	 "asserts nothing"},
	{"kernel", "{\"cases\": \"bench/*\", \"limits\": [{\"cases\": \"b\", \"share\": 1.5}]}",
	 "share"},

	{"file", "{\"exists\": true}", "path"},
	{"file", "{\"path\": \"f\"}", "not absolute"},
	{"file", "{\"path\": \"/f\", \"mode\": \"0999\"}", "not octal"},
	{"file", "{\"path\": \"/f\", \"mode\": \"17777\"}", "not octal"},
	{"file", "{\"path\": \"/f\", \"mode\": 644}", "expected a string"},
	{"file", "{\"path\": \"/f\", \"uid\": -1}", "out of range"},
	{"file", "{\"path\": \"/f\", \"sha256\": \"abc\"}", "64 hex digits"},
	{"file", "{\"path\": \"/f\", \"type\": \"directory\"}", "none of file, folder, symlink"},
	{"file", "{\"path\": \"/f\", \"exists\": false, \"type\": \"file\"}", "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"exists\": false, \"uid\": 0}", "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"exists\": false, \"max_size\": 0}", "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"exists\": false, \"not_contains\": \"x\"}",
	 "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"link\": \"/g\", \"type\": \"file\"}", "only a symlink"},
	{"file", "{\"path\": \"/f\", \"link\": \"/g\", \"contains\": \"x\"}", "no content"},
	{"file", "{\"path\": \"/f\", \"type\": \"folder\", \"contains\": \"x\"}", "no content"},
	{"file", "{\"path\": \"/f\", \"min_size\": 2, \"max_size\": 1}", "above"},
	{"file", "{\"path\": \"/f\", \"contains\": \"ab\", \"not_contains\": \"b\"}",
	 "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"contains\": \"x\", \"equals\": \"y\"}",
	 "contradicts itself"},
	{"file", "{\"path\": \"/f\", \"contains\": [\"\"]}", "empty"},
	{"file", "{\"path\": \"/f\", \"exists\": true}", NULL},

	{"structure", "{}", "files"},
	{"structure", "{\"files\": []}", "empty"},

	{"metadata", "{}", "asserts nothing"},
	{"metadata", "{\"env\": {}, \"ports\": []}", "asserts nothing"},
	{"metadata", "{\"ports\": [\"http\"]}", "no port"},
	{"metadata", "{\"ports\": [\"0\"]}", "no port"},
	{"metadata", "{\"ports\": [\"65536/tcp\"]}", "no port"},
	{"metadata", "{\"unset_ports\": [\"80/icmp\"]}", "no port"},
	{"metadata", "{\"ports\": [\"80\"], \"unset_ports\": [\"80/tcp\"]}", "contradicts itself"},
	{"metadata", "{\"env\": {\"A\": \"1\"}, \"unset_env\": [\"A\"]}", "contradicts itself"},
	{"metadata", "{\"env_patterns\": {\"A\": \"1\"}, \"unset_env\": [\"A\"]}",
	 "contradicts itself"},
	{"metadata", "{\"env_patterns\": {\"A\": \"(\"}}", "bad pattern"},
	{"metadata", "{\"healthcheck\": false, \"healthcheck_matches\": \"x\"}",
	 "contradicts itself"},
	{"metadata", "{\"entrypoint\": []}", "empty"},
	{"metadata", "{\"user\": \"\"}", NULL},
	{"metadata", "{\"ports\": [\"80/tcp\", \"65535/sctp\"], \"unset_ports\": [\"80/udp\"]}",
	 NULL},

	{"command", "{}", "command"},
	{"command", "{\"command\": []}", "names no program"},
	{"command", "{\"command\": [\"\", \"x\"]}", "names no program"},
	{"command", "{\"command\": [\"a\"], \"exit\": 256}", "out of range"},
	{"command", "{\"command\": [\"a\"], \"exit\": -1}", "out of range"},
	{"command", "{\"command\": [\"a\"], \"env\": {\"A=B\": \"1\"}}", "no name of a variable"},
	{"command", "{\"command\": [\"a\"], \"workdir\": \"app\"}", "not absolute"},
	{"command", "{\"command\": [\"a\"], \"stdout\": {}}", "stdout asserts nothing"},
	{"command", "{\"command\": [\"a\"], \"stderr\": {\"contains\": []}}", "must not be empty"},
	{"command", "{\"command\": [\"a\"], \"stdout\": {\"empty\": true, \"contains\": \"x\"}}",
	 "contradicts"},
	{"command", "{\"command\": [\"a\"], \"stdout\": {\"empty\": false, \"equals\": \"\"}}",
	 "contradicts"},
	{"command",
	 "{\"command\": [\"a\"], \"stdout\": {\"equals\": \"xy\", \"not_contains\": \"y\"}}",
	 "contradicts"},
	{"command",
	 "{\"command\": [\"a\"], \"stdout\": {\"empty\": true}, \"json\": [{\"path\": \"$\", "
	 "\"type\": \"null\"}]}",
	 "contradicts"},
	{"command", "{\"command\": [\"a\"], \"json\": []}", "empty"},
	{"command", "{\"command\": [\"a\"], \"json\": [{\"path\": \"$.n\"}]}", "asserts nothing"},
	{"command", "{\"command\": [\"a\"], \"json\": [{\"path\": \"$.\", \"exists\": true}]}",
	 "path"},
	{"command",
	 "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"exists\": false, \"min\": 1}]}",
	 "contradicts"},
	{"command", "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"min\": 2, \"max\": 1}]}",
	 "above"},
	{"command",
	 "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"type\": \"string\", \"min\": 1}]}",
	 "only a number"},
	{"command",
	 "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"type\": \"number\", \"equals\": "
	 "\"1\"}]}",
	 "another type"},
	{"command",
	 "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"type\": \"number\", \"contains\": "
	 "\"1\"}]}",
	 "for strings"},
	{"command", "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\"}]}",
	 "exactly one of path, pattern"},
	{"command",
	 "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\", \"path\": \"$\", \"pattern\": "
	 "\"x\"}]}",
	 "exactly one"},
	{"command", "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\", \"path\": \"$[\"}]}",
	 "path"},
	{"command",
	 "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\", \"path\": \"$\", \"min\": 1, "
	 "\"max\": 0}]}",
	 "above"},
	{"command",
	 "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\", \"path\": \"$\", \"better\": "
	 "\"bigger\"}]}",
	 "higher"},
	{"command",
	 "{\"command\": [\"a\"], \"metrics\": [{\"name\": \"m\", \"path\": \"$.a\"}, {\"name\": "
	 "\"m\", \"path\": \"$.b\"}]}",
	 "two metrics"},
	{"command",
	 "{\"command\": \"c\", \"metrics\": [{\"name\": \"n\", \"path\": \"$\", \"per\": \"m\"}]}",
	 "no metric of this check"},
	{"command",
	 "{\"command\": \"c\", \"metrics\": [{\"name\": \"n\", \"path\": \"$\", \"per\": \"n\"}]}",
	 "itself per another"},
	{"command", "{\"command\": \"a\"}", NULL},
	{"command", "{\"command\": [\"test\", \"-z\", \"\"]}", NULL},
	{"command", "{\"command\": [\"a\"], \"json\": [{\"path\": \"$\", \"equals\": null}]}",
	 NULL},

	{"load", "{}", "prompts"},
	{"load", "{\"prompts\": [{\"prompt\": \"x\"}], \"rate\": 1}", "asserts nothing"},
	{"load", "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}}",
	 "needs \"rate\""},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"arrival\": "
	 "\"closed\", \"rate\": 1}",
	 "for constant, poisson and ramp"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"arrival\": "
	 "\"closed\"}",
	 "needs \"concurrency\""},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"arrival\": "
	 "\"trace\"}",
	 "go together"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"arrival\": "
	 "\"ramp\", \"rate\": 1}",
	 "rate_end"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"rate\": 1, "
	 "\"duration\": \"0s\"}",
	 "longer than 0"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"rate\": 1, "
	 "\"limits\": [{\"max\": \"0s\"}]}",
	 "longer than 0"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"rate\": 1, "
	 "\"limits\": [{\"of\": \"first_token\", \"max\": \"1s\"}]}",
	 "needs request.stream"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"rate\": 1, "
	 "\"slo\": {\"inter_token\": \"1s\"}}",
	 "need request.stream"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"sweep\": {}}",
	 "needs \"slo\""},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"sweep\": "
	 "{\"from\": 9, \"to\": 2}, \"slo\": {}}",
	 "at most"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"sweep\": {}, "
	 "\"slo\": {}, \"error_budget\": 0.1}",
	 "judged by its knee"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"rate\": 1, \"expect\": {\"golden\": true}}",
	 "kind prompt"},
	{"load",
	 "{\"prompts\": [{\"prompt\": \"x\"}], \"expect\": {\"status\": 200}, \"rate\": 1, "
	 "\"request\": {\"template\": \"runpod-async\"}}",
	 "polled"},
	{"prompt", "{}", "cases"},
	{"prompt", "{\"cases\": []}", "empty"},
	{"prompt", "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}]}", "asserts nothing"},
	{"prompt", "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\", \"expect\": {}}]}",
	 "asserts nothing"},
	{"prompt", "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": {}}",
	 "asserts nothing"},
	{"prompt", "{\"cases\": [{\"name\": \"a\"}], \"expect\": {\"status\": 200}}",
	 "nothing to send"},
	{"prompt",
	 "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}, {\"name\": \"a\", \"prompt\": "
	 "\"y\"}], \"expect\": {\"status\": 200}}",
	 "named twice"},
	{"prompt",
	 "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": {\"golden\": true}}",
	 "needs the file"},
	{"prompt",
	 "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": {\"similar\": {\"min\": "
	 "0.5}}}",
	 "needs the file"},
	{"prompt",
	 "{\"request\": {\"temperature\": 0.7}, \"golden\": \"g\", \"cases\": [{\"name\": \"a\", "
	 "\"prompt\": \"x\"}], \"expect\": {\"golden\": true}}",
	 "temperature 0"},
	{"prompt",
	 "{\"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": {\"deterministic\": "
	 "true}}",
	 "needs \"repeat\""},
	{"prompt",
	 "{\"at_least\": 2, \"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": "
	 "{\"status\": 200}}",
	 "above"},
	{"prompt",
	 "{\"answer_max\": 0, \"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], \"expect\": "
	 "{\"status\": 200}}",
	 "answer_max"},
	{"prompt",
	 "{\"request\": {\"stream\": true}, \"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], "
	 "\"expect\": {\"schema\": {}}}",
	 "no JSON document"},
	{"prompt",
	 "{\"request\": {\"url\": \"nowhere\"}, \"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], "
	 "\"expect\": {\"status\": 200}}",
	 "url"},
	{"prompt",
	 "{\"repeat\": 3, \"at_least\": 2, \"cases\": [{\"name\": \"a\", \"prompt\": \"x\"}], "
	 "\"expect\": {\"status\": 401}}",
	 NULL},
};

static void the_spec_is_judged_when_it_is_loaded(void **state)
{
	const struct row *row = *state;
	const struct check_ops *ops = check_find(row->kind);
	const struct field_source source = {"suite", row->spec, strlen(row->spec), false};
	struct arena *arena = arena_new();
	void *spec = arena_alloc(arena, ops->spec_size);
	struct json *root = NULL;
	struct err err = {0};
	int rc;

	assert_int_equal(json_parse(row->spec, source.len, false, &root, &err), 0);
	rc = field_load(ops->fields, root, "", &source, NULL, arena, spec, &err);
	if (rc == 0)
		rc = ops->validate(spec, &err);
	json_free(root);
	arena_free(arena);
	if (!row->why) {
		if (rc < 0)
			fail_msg("refused: %s", err.msg);
		return;
	}
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, row->why))
		fail_msg("'%s' does not say '%s'", err.msg, row->why);
}

#define ROWS (sizeof(rows) / sizeof(*rows))

int main(void)
{
	static struct CMUnitTest tests[ROWS];
	static char names[ROWS][200];

	for (size_t i = 0; i < ROWS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%s %s %s",
			       rows[i].why ? "refuses" : "accepts", rows[i].kind, rows[i].spec);
		tests[i] = (struct CMUnitTest){.name = names[i],
					       .test_func = the_spec_is_judged_when_it_is_loaded,
					       .initial_state = (void *)(uintptr_t)&rows[i]};
	}
	return cmocka_run_group_tests_name("check/spec", tests, NULL, NULL);
}
