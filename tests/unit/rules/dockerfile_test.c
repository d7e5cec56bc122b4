/* Dockerfiles: the line that breaks, and the line beside it that does not. */
#include "rule_support.h"

#define PYTHON "FROM python:3.11-slim@sha256:0\n"

static void reinstalling_everything_is_an_error(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install torch==2.6.0 --index-url https://x/whl/cu124\n"
			  "RUN pip install --ignore-installed blinker -c constraints.txt \\\n"
			  "    -r requirements.txt\n");
	assert_string_equal(expect("dockerfile/ignore-installed")->where, "Dockerfile:3");
}

static void other_spellings_are_the_same(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install a==1\nRUN python3 -m pip install -qIr r.txt\n");
	expect("dockerfile/ignore-installed");
	w.input.file_count = 0;
	dockerfile(PYTHON
		   "RUN pip install a==1\nRUN cd /x && pip3 install --force-reinstall b==1 c==2\n");
	expect("dockerfile/ignore-installed");
	w.input.file_count = 0;
	dockerfile("FROM pytorch/pytorch:2.6.0\nRUN [\"pip\", \"install\", \"-I\", \"-r\", "
		   "\"r.txt\"]\n");
	expect("dockerfile/ignore-installed");
	w.input.file_count = 0;
	dockerfile(PYTHON
		   "RUN pip install a==1\nRUN <<EOF\nset -e\npip install -I -r r.txt\nEOF\n");
	expect("dockerfile/ignore-installed");
}

static void reinstalling_one_package_alone_is_clean(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install torch==2.6.0 --index-url https://x/whl/cu124\n"
			  "RUN pip install --ignore-installed --no-deps blinker==1.9.0\n"
			  "RUN pip install -I blinker==1.9.0\n"
			  "RUN pip install -r requirements.txt\n");
	expect_clean();
}

static void an_unquoted_bound_is_an_error(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install torch>=2.6.0 torchvision>=0.21.0\n");
	assert_string_equal(expect("dockerfile/unquoted-specifier")->subject, "torch");
	w.input.file_count = 0;
	dockerfile(PYTHON "RUN bash -c 'pip install numpy<2'\n");
	expect("dockerfile/unquoted-specifier");
}

static void quoted_bounds_and_logs_are_clean(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install 'flask>=2.6.0' \"click<2\" > /tmp/log 2>&1\n"
			  "RUN [\"pip\", \"install\", \"jinja2>=2.6\"]\n"
			  "RUN echo a>1.txt\n");
	expect_clean();
}

static void an_extra_pytorch_index_is_a_warning(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install torch==2.6.0 --extra-index-url "
			  "https://download.pytorch.org/whl/cu126\n");
	expect("dockerfile/extra-index");
}

static void one_index_or_a_local_version_is_clean(void **state)
{
	(void)state;
	dockerfile(
		PYTHON
		"RUN pip install torch==2.6.0 --index-url https://download.pytorch.org/whl/cu126\n"
		"RUN pip install torch==2.6.0+cu126 --extra-index-url "
		"https://download.pytorch.org/whl/cu126\n"
		"RUN pip install flask==3 --extra-index-url https://pypi.example.org/simple\n");
	expect_clean();
}

static void moving_bases_are_warnings_and_tags_notes(void **state)
{
	(void)state;
	dockerfile("FROM nvidia/cuda:latest\n");
	assert_string_equal(expect("dockerfile/moving-base")->where, "Dockerfile:1");
	w.input.file_count = 0;
	dockerfile("FROM ghcr.io:443/x/y\n");
	expect("dockerfile/moving-base");
	w.input.file_count = 0;
	dockerfile("FROM python:3.11-slim AS a\nFROM a\n");
	expect_clean();
	assert_non_null(found("dockerfile/base-without-digest"));
	w.input.file_count = 0;
	dockerfile(PYTHON);
	expect_no("dockerfile/base-without-digest");
}

static void secrets_in_variables_are_warnings(void **state)
{
	const struct finding *f;

	(void)state;
	dockerfile(PYTHON "ENV HF_TOKEN=hf_abc\n");
	f = expect("dockerfile/secret-arg");
	assert_null(strstr(f->actual, "hf_abc"));
	w.input.file_count = 0;
	dockerfile(PYTHON "ARG GITHUB_TOKEN\n");
	expect("dockerfile/secret-arg");
	w.input.file_count = 0;
	dockerfile(PYTHON "ARG VERSION=1\nENV GPG_KEY=ABC MAX_TOKENS=5 HF_TOKEN=\n"
			  "RUN --mount=type=secret,id=t true\n");
	expect_clean();
}

static void a_cpu_default_is_a_warning_for_a_gpu(void **state)
{
	static const char text[] =
		PYTHON "ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu\n"
		       "RUN pip install torch==2.8.0 --index-url ${TORCH_INDEX_URL}\n";

	(void)state;
	dockerfile(text);
	expect_clean();
	target("rtx4090");
	expect("dockerfile/cpu-default");
}

static void a_command_is_no_package(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN pip install pip3 install flask==3\n");
	expect("dockerfile/command-as-package");
	w.input.file_count = 0;
	dockerfile(PYTHON "RUN pip install -U pip==24 && pip install flask==3\n");
	expect_clean();
}

static void a_managed_python_needs_its_own_environment(void **state)
{
	(void)state;
	dockerfile("FROM nvidia/cuda:12.8.1-runtime-ubuntu24.04\nRUN pip3 install flask==3\n");
	expect("dockerfile/externally-managed");
	w.input.file_count = 0;
	dockerfile("FROM debian:bookworm-slim\nRUN python3 -m pip install flask==3\n");
	expect("dockerfile/externally-managed");
	w.input.file_count = 0;
	dockerfile("FROM ubuntu:24.04\nRUN python3 -m venv /venv\n"
		   "RUN /venv/bin/pip install flask==3\n");
	expect_clean();
	w.input.file_count = 0;
	dockerfile("FROM ubuntu:22.04\nRUN pip3 install flask==3\n");
	expect_clean();
	w.input.file_count = 0;
	dockerfile("FROM python:3.12-bookworm\nRUN pip3 install flask==3\n");
	expect_clean();
}

static void an_old_pip_does_not_know_the_cure(void **state)
{
	(void)state;
	dockerfile("FROM ubuntu:22.04\nRUN pip3 install --break-system-packages flask==3\n");
	expect("dockerfile/break-system-packages");
	w.input.file_count = 0;
	dockerfile("FROM ubuntu:24.04\nRUN pip3 install --break-system-packages flask==3\n");
	expect_clean();
}

static void the_withdrawn_key_is_a_warning(void **state)
{
	(void)state;
	dockerfile(PYTHON "RUN apt-key adv --fetch-keys https://x/7fa2af80.pub\n");
	expect("dockerfile/apt-key");
	w.input.file_count = 0;
	dockerfile(PYTHON "RUN apt-key adv --fetch-keys https://x/3bf863cc.pub\n");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reinstalling_everything_is_an_error),
		rule_test(other_spellings_are_the_same),
		rule_test(reinstalling_one_package_alone_is_clean),
		rule_test(an_unquoted_bound_is_an_error),
		rule_test(quoted_bounds_and_logs_are_clean),
		rule_test(an_extra_pytorch_index_is_a_warning),
		rule_test(one_index_or_a_local_version_is_clean),
		rule_test(moving_bases_are_warnings_and_tags_notes),
		rule_test(secrets_in_variables_are_warnings),
		rule_test(a_cpu_default_is_a_warning_for_a_gpu),
		rule_test(a_command_is_no_package),
		rule_test(a_managed_python_needs_its_own_environment),
		rule_test(an_old_pip_does_not_know_the_cure),
		rule_test(the_withdrawn_key_is_a_warning),
	};

	return cmocka_run_group_tests_name("rules/dockerfile", tests, NULL, NULL);
}
