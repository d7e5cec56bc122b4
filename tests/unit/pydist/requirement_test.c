#include "pydist/requirement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../parse/table.h"

static const struct {
	const char *line, *normalised, *specifier, *url, *marker, *extra;
} good[] = {
	{"torch", "torch", "", NULL, NULL, NULL},
	{"Flask_SQL.Alchemy >= 2.0 , < 3", "flask-sql-alchemy", ">=2.0,<3", NULL, NULL, NULL},
	{"uvicorn[standard, http2]==0.30", "uvicorn", "==0.30", NULL, NULL, "standard"},
	{"a (>=1)", "a", ">=1", NULL, NULL, NULL},
	{"a>=1 ; python_version < '3.8'", "a", ">=1", NULL, "python_version < '3.8'", NULL},
	{"a @ https://x/y;z.whl ; extra == 'b'", "a", "", "https://x/y;z.whl", "extra == 'b'",
	 NULL},
	{"torch==2.6.0+cu124", "torch", "==2.6.0+cu124", NULL, NULL, NULL},
};
static const char *const bad[] = {"", "==1", "-a", "a[b", "a (>=1", "a>=x", "a @ ", "a ;", "a[!]"};

static void requirements_are_read_as_pep_508_has_them(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct requirement r;
		struct err err = {0};

		if (requirement_parse(good[i].line, arena, &r, &err) < 0)
			fail_msg("%s: %s", good[i].line, err.msg);
		assert_string_equal(r.normalised, good[i].normalised);
		assert_string_equal(r.specifier, good[i].specifier);
		assert_int_equal(!r.url, !good[i].url);
		if (r.url)
			assert_string_equal(r.url, good[i].url);
		assert_int_equal(!r.marker, !good[i].marker);
		if (r.marker)
			assert_string_equal(r.marker, good[i].marker);
		assert_int_equal(r.extras.count > 0, good[i].extra != NULL);
		if (good[i].extra)
			assert_string_equal(r.extras.items[0], good[i].extra);
	}
	arena_free(arena);
}

static void what_is_no_requirement_is_refused(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct requirement r = {.name = "untouched"};
		struct err err = {0};

		if (requirement_parse(bad[i], arena, &r, &err) == 0)
			fail_msg("'%s' was taken for a requirement", bad[i]);
		assert_string_equal(r.name, "untouched");
		assert_true(*err.msg);
	}
	arena_free(arena);
}

/* As the Python package "packaging" decides for Python 3.11.2 on Linux x86_64. */
static const struct {
	const char *marker;
	bool holds, known;
} markers[] = {
	{"python_version >= '3.8'", true, true},
	{"python_version >= '3.8' and python_version < '3.11'", false, true},
	{"python_version == '3.11.*'", true, true},
	{"python_version in '3.11,3.12'", true, true},
	{"'3.9' < python_version", true, true},
	{"sys_platform == 'win32' or platform_machine == 'x86_64'", true, true},
	{"(sys_platform == 'linux' and extra == 'gpu') or os_name == 'nt'", false, true},
	{"platform_system not in 'Windows'", true, true},
	{"sys_platform > 'darwin'", false, true},
	{"implementation_name == 'cpython'", true, true},
	{"python_version", false, false},
	{"python_version >= ", false, false},
	{"(python_version >= '3'", false, false},
	{"nosuch == '1'", false, false},
	{"python_version >= '3' trailing", false, false},
};

static void markers_hold_as_pip_decides(void **state)
{
	const struct py_environment environment = {"3.11", "3.11.2", "x86_64", "linux", NULL};
	struct py_environment gpu = environment;
	bool known;

	(void)state;
	for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
		bool holds = requirement_applies(markers[i].marker, &environment, &known);

		if (holds != markers[i].holds || known != markers[i].known)
			fail_msg("%s: %d, known %d", markers[i].marker, holds, known);
	}
	gpu.extra = "GPU_all";
	assert_true(requirement_applies("extra == 'gpu-all'", &gpu, NULL));
	assert_true(requirement_applies(NULL, &environment, NULL));
}

static const char *joined(const struct strings *list, struct arena *arena)
{
	const char *out = "-";

	for (size_t i = 0; i < list->count; i++)
		out = i ? arena_printf(arena, "%s,%s", out, list->items[i]) : list->items[i];
	return out;
}

static bool row_is_read(char **column, struct arena *arena)
{
	struct requirement r;
	struct err err;

	if (requirement_parse(column[0], arena, &r, &err) < 0)
		return strcmp(column[1], "bad") == 0;
	return strcmp(column[1], "ok") == 0 && strcmp(r.normalised, column[2]) == 0 &&
	       strcmp(joined(&r.extras, arena), column[3]) == 0 &&
	       strcmp(*r.specifier ? r.specifier : "-", column[4]) == 0 &&
	       strcmp(r.url ? r.url : "-", column[5]) == 0;
}

static void requirements_agree_with_packaging(void **state)
{
	struct arena *arena = arena_new();
	struct table table;
	unsigned rows = 0;

	(void)state;
	assert_int_equal(table_open(&table, TEST_DATA "/unit/pydist/requirements.tsv"), 0);
	for (; table_next(&table); rows++)
		if (!row_is_read(table.column, arena))
			fail_msg("line %u: %s", table.line, table.column[0]);
	assert_true(rows >= 200);
	arena_free(arena);
}

static void markers_agree_with_packaging(void **state)
{
	struct py_environment environment = {"3.11", "3.11.2", "x86_64", "linux", NULL};
	struct table table;
	unsigned rows = 0;

	(void)state;
	assert_int_equal(table_open(&table, TEST_DATA "/unit/pydist/markers.tsv"), 0);
	for (; table_next(&table); rows++) {
		bool known, holds;

		environment.extra = strcmp(table.column[0], "-") != 0 ? table.column[0] : NULL;
		holds = requirement_applies(table.column[1], &environment, &known);
		if (strcmp(!known ? "unknown" : holds ? "true" : "false", table.column[2]) != 0)
			fail_msg("line %u: %s", table.line, table.column[1]);
	}
	assert_true(rows >= 300);
}

static void a_requirements_file_is_read_as_pip_reads_it(void **state)
{
	static const char text[] = "# comment\n"
				   "torch==2.6.0 # why\n"
				   "-r more.txt\n"
				   "--extra-index-url=https://x/cu124\n"
				   "bits\\\nandbytes>=0.45 \\\n  --hash=sha256:aa\n"
				   "git+https://h/r.git#egg=x\n"
				   "a @ https://h/a.whl\n"
				   "not a requirement\n"
				   "--no-such-option 1\n"
				   "-e .\n";
	struct arena *arena = arena_new();
	struct requirements r;

	(void)state;
	requirements_parse(text, sizeof(text) - 1, arena, &r);
	assert_int_equal(r.count, 4);
	assert_string_equal(r.items[0].name, "torch");
	assert_int_equal(r.items[0].line, 2);
	assert_string_equal(r.items[1].name, "bitsandbytes");
	assert_int_equal(r.items[1].line, 5);
	assert_true(r.items[1].hashed);
	assert_string_equal(r.items[2].url, "git+https://h/r.git#egg=x");
	assert_string_equal(r.items[3].name, "a");
	assert_int_equal(r.option_count, 3);
	assert_string_equal(r.options[0].name, "--requirement");
	assert_string_equal(r.options[0].value, "more.txt");
	assert_string_equal(r.options[1].value, "https://x/cu124");
	assert_string_equal(r.options[2].name, "--editable");
	assert_int_equal(r.bad.count, 2);
	assert_string_equal(r.bad.items[0], "10: not a requirement");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requirements_are_read_as_pep_508_has_them),
		cmocka_unit_test(what_is_no_requirement_is_refused),
		cmocka_unit_test(markers_hold_as_pip_decides),
		cmocka_unit_test(requirements_agree_with_packaging),
		cmocka_unit_test(markers_agree_with_packaging),
		cmocka_unit_test(a_requirements_file_is_read_as_pip_reads_it),
	};

	return cmocka_run_group_tests_name("pydist/requirement", tests, NULL, NULL);
}
