/*
 * Every scenario of tests/golden/report in every format, byte for byte. GOLDEN_WRITE=1 in the
 * environment writes the files instead; read the difference before committing it.
 */
#include "base/file.h"
#include "model/run_json.h"
#include "report/report_ops.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN TEST_DATA "/golden/report"
#define TESTS_MAX 128

struct golden {
	char scenario[64];
	const struct report_ops *ops;
	char name[96];
};

/* U+F8FF stands for a byte that is no UTF-8; JSON cannot hold one. */
static void spoil(const char *text)
{
	char *at = (char *)text; /* the arena's, ours to change */

	while (at && (at = strstr(at, "\xEF\xA3\xBF")) != NULL) {
		*at = '\xFF';
		memmove(at + 1, at + 3, strlen(at + 3) + 1);
	}
}

static void spoil_run(struct run *run)
{
	spoil(run->suite);
	spoil(run->reason);
	spoil(run->commit.subject);
	spoil(run->baseline.reason);
	for (size_t i = 0; i < run->gone.count; i++)
		spoil(run->gone.items[i]);
	for (size_t i = 0; i < run->notes.count; i++)
		spoil(run->notes.items[i]);
	for (size_t i = 0; i < run->case_count; i++) {
		spoil(run->cases[i].name);
		spoil(run->cases[i].expected);
		spoil(run->cases[i].actual);
		spoil(run->cases[i].where);
		spoil(run->cases[i].advice);
		spoil(run->cases[i].reason);
		spoil(run->cases[i].out);
	}
}

static struct run *load(const char *scenario)
{
	char path[512];
	struct json *json = NULL;
	struct run *run = NULL;
	struct err err = {0};
	struct buf text;

	(void)snprintf(path, sizeof(path), GOLDEN "/%s/run.json", scenario);
	buf_init(&text, JSON_BYTES_MAX);
	if (file_read(path, &text, &err) < 0 ||
	    json_parse_file(path, buf_str(&text), text.len, false, &json, &err) < 0 ||
	    run_from_json(json, &run, &err) < 0)
		fail_msg("%s", err.msg);
	json_free(json);
	buf_done(&text);
	spoil_run(run);
	return run;
}

/* Say where two texts part. */
static void same(const struct golden *golden, const char *wanted, const char *got)
{
	size_t at = 0, line = 1;

	if (strcmp(wanted, got) == 0)
		return;
	for (; wanted[at] && wanted[at] == got[at]; at++)
		line += wanted[at] == '\n';
	fail_msg("%s/expected.%s, line %zu: wanted\n%.300s\ngot\n%.300s", golden->scenario,
		 golden->ops->format, line, wanted + at, got + at);
}

static void is_written_as_expected(void **state)
{
	const struct golden *golden = *state;
	const struct report_options options = {.width = 100, .show_output = true};
	struct run *run = load(golden->scenario);
	struct buf out, wanted;
	struct err err = {0};
	char path[512];

	(void)snprintf(path, sizeof(path), GOLDEN "/%s/expected.%s", golden->scenario,
		       golden->ops->format);
	buf_init(&out, REPORT_BYTES_MAX);
	buf_init(&wanted, REPORT_BYTES_MAX);
	golden->ops->write(run, &options, &out);
	if (getenv("GOLDEN_WRITE"))
		assert_int_equal(file_write(path, buf_str(&out), out.len, &err), 0);
	if (file_read(path, &wanted, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(strlen(buf_str(&out)), out.len); /* no NUL inside */
	same(golden, buf_str(&wanted), buf_str(&out));
	buf_done(&out);
	buf_done(&wanted);
	run_free(run);
}

static void no_scenario_is_missing(void **state)
{
	(void)state;
	for (const char *const *name = (const char *const[]){"pass", "build-failed", "regressed",
							     "infra", "empty", "hostile", NULL};
	     *name; name++) {
		struct run *run = load(*name);

		assert_true(run->case_count > 0);
		run_free(run);
	}
}

int main(void)
{
	static struct CMUnitTest tests[TESTS_MAX] = {cmocka_unit_test(no_scenario_is_missing)};
	static struct golden goldens[TESTS_MAX];
	struct dirent *entry;
	size_t count = 1;
	DIR *folder = opendir(GOLDEN);

	while (folder && (entry = readdir(folder)) != NULL) {
		for (size_t i = 0; *entry->d_name != '.' && report_kinds[i] && count < TESTS_MAX;
		     i++, count++) {
			struct golden *golden = &goldens[count];

			golden->ops = report_kinds[i];
			(void)snprintf(golden->scenario, sizeof(golden->scenario), "%.60s",
				       entry->d_name);
			(void)snprintf(golden->name, sizeof(golden->name), "%.60s as %s",
				       entry->d_name, golden->ops->format);
			tests[count] = (struct CMUnitTest){golden->name, is_written_as_expected,
							   NULL, NULL, golden};
		}
	}
	if (folder)
		closedir(folder);
	return _cmocka_run_group_tests("golden", tests, count, NULL, NULL);
}
