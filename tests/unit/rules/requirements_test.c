/* Requirements and constraints. */
#include "rule_support.h"

#define HEAD "FROM python:3.11@sha256:0\n"

static void what_moves_must_be_bound(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install -r requirements.txt\n");
	file("requirements.txt", "flask\nrunpod>=1.3.0\n");
	assert_string_equal(expect("requirements/unpinned")->where, "requirements.txt:2");
	assert_string_equal(found("requirements/open")->subject, "flask");
}

static void bounds_pins_and_constraints_bind(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install -r requirements.txt -c constraints.txt 'torch==2.8.0'\n");
	file("requirements.txt", "runpod>=1.3.0\npydantic<2\ntransformers\n");
	file("constraints.txt", "runpod==1.7.2\ntransformers==4.46.0\n");
	expect_clean();
	assert_null(found("requirements/open"));
}

static void a_constraint_of_the_environment_binds(void **state)
{
	(void)state;
	dockerfile(HEAD "ENV PIP_CONSTRAINT=/app/constraints.txt\nRUN pip install runpod\n");
	file("constraints.txt", "runpod==1.7.2\n");
	expect_clean();
}

static void a_constraints_file_must_be_used(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install -r requirements.txt\n");
	file("requirements.txt", "torch==2.8.0\n");
	file("constraints.txt", "torch==2.8.0\n");
	expect("requirements/constraint-unused");
	w.files[1] =
		(struct repo_file){"requirements.txt", "-c constraints.txt\ntorch==2.8.0\n", 31};
	expect_clean();
}

static void pins_of_one_command_must_agree(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install -r requirements.txt -c constraints.txt\n");
	file("requirements.txt", "torch==2.6.0\n");
	file("constraints.txt", "torch<2.6\n");
	expect("requirements/contradiction");
	w.files[2] = (struct repo_file){"constraints.txt", "torch==2.6.0+cu124\n", 19};
	expect_clean();
}

static void pins_of_different_commands_may_differ(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install -r a/requirements.txt\nRUN pip install flask==2\n");
	file("a/requirements.txt", "flask==3\n");
	expect_no("requirements/contradiction");
}

static void pins_must_agree_with_what_installed_packages_pin(void **state)
{
	(void)state;
	dist("torch", "2.6.0");
	push(&w.facts.dists[0].requires, "triton==3.2.0; platform_system == \"Linux\"");
	dockerfile(HEAD "RUN pip install torch==2.6.0 'triton<3.0.0'\n");
	expect("requirements/contradiction");
	w.input.file_count = 0;
	dockerfile(HEAD "RUN pip install torch==2.6.0 'triton<4'\n");
	expect_clean();
}

static void torch_from_an_earlier_step_is_noted(void **state)
{
	(void)state;
	dockerfile(HEAD "RUN pip install torch==2.6.0\nRUN pip install -r requirements.txt\n");
	file("requirements.txt", "accelerate==1.0\n");
	expect_clean();
	assert_non_null(found("requirements/torch-unbound"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(what_moves_must_be_bound),
		rule_test(bounds_pins_and_constraints_bind),
		rule_test(a_constraint_of_the_environment_binds),
		rule_test(a_constraints_file_must_be_used),
		rule_test(pins_of_one_command_must_agree),
		rule_test(pins_of_different_commands_may_differ),
		rule_test(pins_must_agree_with_what_installed_packages_pin),
		rule_test(torch_from_an_earlier_step_is_noted),
	};

	return cmocka_run_group_tests_name("rules/requirements", tests, NULL, NULL);
}
