/* The registry, the filter and the order of findings. */
#include "rule_support.h"

static void every_label_is_published_with_a_severity(void **state)
{
	(void)state;
	for (size_t i = 0; rule_topics[i]; i++) {
		const struct rule_ops *topic = rule_topics[i];
		size_t len = strlen(topic->topic);

		assert_true(topic->summary && strlen(topic->summary) > 10);
		assert_non_null(topic->run);
		assert_non_null(topic->labels[0].label);
		if (i)
			assert_true(strcmp(rule_topics[i - 1]->topic, topic->topic) < 0);
		for (const struct rule_label *row = topic->labels; row->label; row++) {
			if (!label_find(row->label))
				fail_msg("%s is not in labels.def", row->label);
			assert_int_equal(strncmp(row->label, topic->topic, len), 0);
			assert_int_equal(row->label[len], '/');
			assert_true(row->severity <= SEVERITY_ERROR);
			assert_ptr_equal(rule_topic_of(row->label), topic);
			assert_int_equal(rule_severity(row->label), row->severity);
			if (row != topic->labels && strcmp(row[-1].label, row->label) >= 0)
				fail_msg("%s is out of order", row->label);
		}
	}
	assert_null(rule_topic_of("nothing/such"));
}

static void an_empty_image_and_no_image_are_clean(void **state)
{
	(void)state;
	judge();
	assert_int_equal(w.found.count, 0);
	w.input.facts = NULL;
	target("rtx5090");
	judge();
	assert_int_equal(w.found.count, 0);
}

static void the_filter_takes_labels_and_topics_and_ignore_wins(void **state)
{
	struct rule_filter filter = {0};
	struct err err = {0};

	(void)state;
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.6.0";
	target("rtx5090");
	push(&filter.select, "arch");
	assert_int_equal(rules_run(&w.input, &filter, w.arena, &w.found, &err), 0);
	assert_int_equal(w.found.count, 1);
	assert_string_equal(w.found.items[0].label, "arch/missing-sm");
	push(&filter.select, "torch/metadata-lies");
	assert_int_equal(rules_run(&w.input, &filter, w.arena, &w.found, &err), 0);
	assert_int_equal(w.found.count, 2);
	push(&filter.ignore, "arch/missing-sm");
	assert_int_equal(rules_run(&w.input, &filter, w.arena, &w.found, &err), 0);
	assert_int_equal(w.found.count, 1);
}

static void the_filter_refuses_unknown_words_and_names_the_nearest(void **state)
{
	struct rule_filter filter = {0};
	struct err err = {0};

	(void)state;
	push(&filter.ignore, "arch/mising-sm");
	assert_int_equal(rules_run(&w.input, &filter, w.arena, &w.found, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "arch/missing-sm"));
}

static void the_worst_comes_first_and_the_order_is_stable(void **state)
{
	struct findings first;

	(void)state;
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.6.0";
	device_code(library("/s/ext.so", dist("ext", "1")), "+90", 1);
	target("rtx5090");
	target("b200");
	judge();
	first = w.found;
	assert_true(first.count >= 5);
	for (size_t i = 1; i < first.count; i++)
		assert_true(first.items[i - 1].severity >= first.items[i].severity);
	judge();
	assert_int_equal(w.found.count, first.count);
	for (size_t i = 0; i < first.count; i++)
		assert_string_equal(w.found.items[i].label, first.items[i].label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(every_label_is_published_with_a_severity),
		rule_test(an_empty_image_and_no_image_are_clean),
		rule_test(the_filter_takes_labels_and_topics_and_ignore_wins),
		rule_test(the_filter_refuses_unknown_words_and_names_the_nearest),
		rule_test(the_worst_comes_first_and_the_order_is_stable),
	};

	return cmocka_run_group_tests_name("rules/rules", tests, NULL, NULL);
}
