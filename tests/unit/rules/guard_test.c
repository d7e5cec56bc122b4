/* Assertions of two commits. */
#include "rule_support.h"

#define HEAD "FROM python:3.11@sha256:0\n"

static void now(const char *text)
{
	w.input.file_count = 0;
	dockerfile(text);
}

static void before(const char *text)
{
	w.input.before_file_count = 0;
	file_before("Dockerfile", text);
}

static void reports_an_assertion_that_accepts_more(void **state)
{
	const struct finding *f;

	(void)state;
	before(HEAD "RUN python -c \"import torch; assert torch.version.cuda == '12.4', 'Wrong "
		    "CUDA'\"\n");
	now(HEAD "RUN python -c \"import torch; assert torch.version.cuda in ['12.4', '12.5', "
		 "'12.6'], 'Wrong'\"\n");
	f = expect("guard/widened");
	assert_string_equal(f->subject, "torch.version.cuda");
	assert_non_null(strstr(f->actual, "12.6"));
	assert_string_equal(f->where, "Dockerfile:2");
}

static void reports_other_ways_to_accept_more(void **state)
{
	(void)state;
	before(HEAD "RUN python -c \"assert v in ('12.4',)\"\n");
	now(HEAD "RUN python -c \"assert v in ('12.4', '12.8')\"\n");
	expect("guard/widened");
	before(HEAD "RUN python -c \"assert v == '12.4'\"\n");
	now(HEAD "RUN python -c \"assert v.startswith('12.')\"\n");
	expect("guard/widened");
	now(HEAD "RUN python -c \"assert v >= '12'\"\n");
	expect("guard/widened");
	before(HEAD "RUN python check.py\n");
	now(HEAD "RUN python check.py\n");
	file_before("check.py", "if cuda != '12.4':\n    sys.exit(1)\n");
	file("check.py", "if cuda not in ('12.4', '12.6'):\n    sys.exit(1)\n");
	expect("guard/widened");
}

static void reports_a_pattern_that_matches_more(void **state)
{
	(void)state;
	before(HEAD "RUN nvcc --version | grep -q '12\\.4'\n");
	now(HEAD "RUN nvcc --version | grep -q '12\\.[4-6]'\n");
	expect("guard/widened");
}

static void an_assertion_of_another_version_is_clean(void **state)
{
	(void)state;
	before(HEAD "RUN python -c \"import torch; assert torch.version.cuda == '12.4'\"\n"
		    "RUN nvcc --version | grep -q '12\\.4'\n");
	now(HEAD "RUN python -c \"import torch; assert torch.version.cuda == '12.8'\"\n"
		 "RUN nvcc --version | grep -q '12\\.8'\n");
	expect_clean();
}

static void a_narrower_assertion_is_clean(void **state)
{
	(void)state;
	before(HEAD "RUN python -c \"assert v in ('12.4', '12.6')\"\n");
	now(HEAD "RUN python -c \"assert v in ('12.4',)\"\n");
	expect_clean();
	now(HEAD "RUN python -c \"assert v == '12.4'\"\n");
	expect_clean();
}

static void reports_an_import_check_that_is_gone(void **state)
{
	(void)state;
	before(HEAD "RUN python -c 'import bitsandbytes'\n");
	now(HEAD "RUN pip install bitsandbytes==0.45.0\n");
	assert_string_equal(expect("guard/removed")->subject, "bitsandbytes");
}

static void a_check_of_a_package_that_left_is_clean(void **state)
{
	(void)state;
	before(HEAD "RUN python -c 'import bitsandbytes'\n");
	now(HEAD "RUN pip install flask==3\n");
	expect_clean();
}

static void a_check_that_moved_is_clean(void **state)
{
	(void)state;
	before(HEAD "RUN python -c 'import torch; assert torch.version.cuda == \"12.4\"'\n");
	now(HEAD "RUN true\nRUN python -c 'import torch, os'\n"
		 "RUN python3 <<'EOF'\nimport torch\nassert torch.version.cuda == '12.4'\nEOF\n");
	expect_clean();
}

static void without_a_baseline_nothing_is_compared(void **state)
{
	(void)state;
	now(HEAD "RUN python -c \"assert v in ('12.4', '12.6')\"\n");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_an_assertion_that_accepts_more),
		rule_test(reports_other_ways_to_accept_more),
		rule_test(reports_a_pattern_that_matches_more),
		rule_test(an_assertion_of_another_version_is_clean),
		rule_test(a_narrower_assertion_is_clean),
		rule_test(reports_an_import_check_that_is_gone),
		rule_test(a_check_of_a_package_that_left_is_clean),
		rule_test(a_check_that_moved_is_clean),
		rule_test(without_a_baseline_nothing_is_compared),
	};

	return cmocka_run_group_tests_name("rules/guard", tests, NULL, NULL);
}
