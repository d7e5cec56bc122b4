/* The registry of kinds: what lists, schema and documentation rely on. */
#include "check/check_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS_MAX 100 /* a table without an end would run on into other data */

static void kinds_are_unique_and_sorted(void **state)
{
	(void)state;
	assert_non_null(check_kinds[0]);
	for (size_t i = 1; check_kinds[i]; i++)
		assert_true(strcmp(check_kinds[i - 1]->kind, check_kinds[i]->kind) < 0);
}

static void a_kind_is_found_by_its_name_alone(void **state)
{
	(void)state;
	for (size_t i = 0; check_kinds[i]; i++)
		assert_ptr_equal(check_find(check_kinds[i]->kind), check_kinds[i]);
	assert_null(check_find("nosuch"));
	assert_null(check_find("version2"));
	assert_null(check_find(""));
}

static void a_kind_describes_and_judges(void **state)
{
	(void)state;
	for (size_t i = 0; check_kinds[i]; i++) {
		const struct check_ops *ops = check_kinds[i];

		assert_true(ops->summary && *ops->summary);
		assert_null(strchr(ops->summary, '\n'));
		assert_non_null(ops->run);
		assert_non_null(ops->fields);
		assert_true(ops->spec_size > 0);
		assert_true(ops->needs & (NEED_IMAGE | NEED_SERVICE | NEED_GPU));
	}
}

/* "-" is no letter of a C name: there it is "_". */
static void a_kind_is_the_file_of_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; check_kinds[i]; i++) {
		char path[512];

		(void)snprintf(path, sizeof(path), TEST_DATA "/../src/check/%s.c",
			       check_kinds[i]->kind);
		for (char *at = strrchr(path, '/'); *at; at++)
			if (*at == '-')
				*at = '_';
		assert_int_equal(access(path, R_OK), 0);
	}
}

static void every_kind_has_a_label(void **state)
{
	(void)state;
	for (size_t i = 0; check_kinds[i]; i++) {
		size_t len = strlen(check_kinds[i]->kind), found = 0;

		if (strcmp(check_kinds[i]->kind, "rules") == 0)
			continue; /* fails with the labels of its findings */
		for (const struct label *label = label_table; label->name; label++)
			found += strncmp(label->name, check_kinds[i]->kind, len) == 0 &&
				 label->name[len] == '/';
		assert_true(found > 0);
	}
}

/* Rows have a help, stay inside the struct, are unique, and end with a NULL name. */
static void walk(const char *kind, const struct field *fields, size_t size)
{
	size_t rows = 0;

	for (const struct field *field = fields; field->name; field++) {
		assert_true(++rows < ROWS_MAX);
		if (!field->help || !*field->help || strchr(field->help, '\n'))
			fail_msg("%s.%s: no help in one line", kind, field->name);
		if (field->offset >= size)
			fail_msg("%s.%s: outside of its struct", kind, field->name);
		if ((field->type == FIELD_ENUM) != (field->choices != NULL))
			fail_msg("%s.%s: choices", kind, field->name);
		for (const struct field *other = fields; other < field; other++)
			assert_string_not_equal(other->name, field->name);
		if (field->type == FIELD_OBJECT || field->type == FIELD_OBJECTS) {
			assert_non_null(field->fields);
			walk(field->name, field->fields, field->size);
		}
	}
	assert_true(rows > 0);
}

static void every_key_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; check_kinds[i]; i++)
		walk(check_kinds[i]->kind, check_kinds[i]->fields, check_kinds[i]->spec_size);
}

/* A suite's own keys stand beside the kind's: none may hide the other. */
static void no_key_is_one_of_the_suite(void **state)
{
	static const char *const taken[] = {"name",    "kind",	     "tags",	 "targets", "needs",
					    "timeout", "output_max", "isolated", "optional"};

	(void)state;
	for (size_t i = 0; check_kinds[i]; i++)
		for (const struct field *field = check_kinds[i]->fields; field->name; field++)
			for (size_t n = 0; n < sizeof(taken) / sizeof(*taken); n++)
				assert_string_not_equal(field->name, taken[n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_unique_and_sorted),
		cmocka_unit_test(a_kind_is_found_by_its_name_alone),
		cmocka_unit_test(a_kind_describes_and_judges),
		cmocka_unit_test(a_kind_is_the_file_of_its_name),
		cmocka_unit_test(every_kind_has_a_label),
		cmocka_unit_test(every_key_is_described),
		cmocka_unit_test(no_key_is_one_of_the_suite),
	};

	return cmocka_run_group_tests_name("check/registry", tests, NULL, NULL);
}
