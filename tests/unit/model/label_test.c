/* Labels key history and suppressions for ever: the golden list may only gain lines. */
#include "base/file.h"
#include "model/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_label_ever_published_is_still_there(void **state)
{
	struct err err = {0};
	struct buf text;
	size_t published = 0;

	(void)state;
	buf_init(&text, (size_t)64 * 1024);
	assert_int_equal(file_read(TEST_DATA "/golden/labels.txt", &text, &err), 0);
	for (char *line = text.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (!label_find(line))
			fail_msg("label %s is gone from labels.def", line);
		published++;
	}
	assert_true(published >= 33);
	buf_done(&text);
}

static void every_label_of_the_table_is_published(void **state)
{
	struct err err = {0};
	struct buf text;

	(void)state;
	buf_init(&text, (size_t)64 * 1024);
	buf_addstr(&text, "\n");
	assert_int_equal(file_read(TEST_DATA "/golden/labels.txt", &text, &err), 0);
	for (const struct label *label = label_table; label->name; label++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "\n%s\n", label->name);
		if (!strstr(buf_str(&text), line))
			fail_msg("add %s to tests/golden/labels.txt", label->name);
	}
	buf_done(&text);
}

static void labels_are_sorted_and_unique(void **state)
{
	(void)state;
	for (const struct label *label = label_table; label->name && label[1].name; label++)
		assert_true(strcmp(label->name, label[1].name) < 0);
}

static void names_are_a_kind_and_a_slug(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	(void)state;
	for (const struct label *label = label_table; label->name; label++) {
		size_t kind = strspn(label->name, letters);

		assert_true(kind > 0);
		assert_int_equal(label->name[kind], '/');
		assert_true(strlen(label->name + kind + 1) > 0);
		assert_int_equal(strspn(label->name + kind + 1, letters),
				 strlen(label->name + kind + 1));
	}
}

static void every_label_says_what_it_means_and_what_to_do(void **state)
{
	(void)state;
	for (const struct label *label = label_table; label->name; label++) {
		assert_true(strlen(label->summary) >= 10);
		assert_true(strlen(label->advice) >= 10);
		assert_null(strchr(label->summary, '\n'));
		assert_null(strchr(label->advice, '\n'));
	}
}

static void an_unknown_label_is_not_found(void **state)
{
	(void)state;
	assert_null(label_find("no/such-label"));
	assert_null(label_find(""));
	assert_null(label_find("build/step-faile"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_label_ever_published_is_still_there),
		cmocka_unit_test(every_label_of_the_table_is_published),
		cmocka_unit_test(labels_are_sorted_and_unique),
		cmocka_unit_test(names_are_a_kind_and_a_slug),
		cmocka_unit_test(every_label_says_what_it_means_and_what_to_do),
		cmocka_unit_test(an_unknown_label_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
