/* Python distributions that do not hold together, and known pairs. */
#include "rule_support.h"

static void two_versions(void)
{
	size_t old = dist("torch", "2.6.0+cu124"), new = dist("torch", "2.7.1");

	w.facts.dists[old].shadowed = true;
	w.facts.dists[old].duplicate_of = new;
}

static void reports_two_metadata_folders(void **state)
{
	const struct finding *f;

	(void)state;
	two_versions();
	f = expect("python/duplicate-metadata");
	assert_string_equal(f->subject, "torch");
	assert_non_null(strstr(f->actual, "2.6.0+cu124"));
	assert_non_null(strstr(f->actual, "2.7.1"));
}

static void left_over_files_count_only_where_something_was_overwritten(void **state)
{
	(void)state;
	dist("torch", "2.7.1");
	push(&w.facts.dists[0].files.orphan_paths, "/site-packages/torch/_inductor/old.py");
	expect_clean();
	w.facts.torch.replaced.layer = 2;
	expect("python/stale-files");
}

static void left_over_files_of_a_duplicate_are_reported(void **state)
{
	(void)state;
	two_versions();
	push(&w.facts.dists[1].files.orphan_paths, "/site-packages/torch/_inductor/old.py");
	expect("python/stale-files");
}

static void left_over_data_is_clean(void **state)
{
	(void)state;
	dist("torch", "2.7.1");
	w.facts.torch.replaced.layer = 2;
	push(&w.facts.dists[0].files.orphan_paths, "/site-packages/torch/cache.json");
	expect_clean();
}

static void reports_code_that_is_gone(void **state)
{
	(void)state;
	dist("flask", "3.0");
	push(&w.facts.dists[0].files.missing_paths, "/site-packages/flask/tests/test_a.py");
	push(&w.facts.dists[0].files.missing_paths,
	     "/site-packages/flask/__pycache__/app.cpython-311.pyc");
	expect_clean();
	push(&w.facts.dists[0].files.missing_paths, "/site-packages/flask/app.py");
	expect("python/files-missing");
}

static void reports_requirements_that_do_not_hold(void **state)
{
	(void)state;
	requirement_unmet(dist("torch", "2.6.0"), "triton==3.2.0", "2.3.1");
	expect("python/requirement-broken");
	w.facts.broken[0].found = NULL;
	expect("python/requirement-missing");
	w.facts.dists[0].site = "/usr/lib/python3/dist-packages";
	expect_clean();
}

static void requirements_of_overwritten_metadata_do_not_count(void **state)
{
	(void)state;
	two_versions();
	requirement_unmet(0, "triton==3.2.0", "3.3.1");
	expect_no("python/requirement-broken");
}

static void knows_pairs_that_do_not_work(void **state)
{
	(void)state;
	dist("torch", "2.1.2");
	dist("numpy", "2.0.0");
	expect("known/numpy-2-abi");
	w.facts.dists[1].version = "1.26.4";
	expect_clean();
	w.facts.dists[0].version = "2.3.0";
	w.facts.dists[1].version = "2.0.0";
	expect_clean();
}

static void knows_a_release_that_breaks_jobs(void **state)
{
	(void)state;
	dist("runpod", "1.7.3");
	expect("known/runpod-jobs");
	w.facts.dists[0].version = "1.7.2";
	expect_clean();
}

static void knows_arguments_that_are_gone(void **state)
{
	(void)state;
	dist("transformers", "5.0.1");
	file("handler.py", "m = AutoModel.from_pretrained(name(1),\n   load_in_4bit=True)\n");
	expect("known/load-in-4bit");
	w.facts.dists[0].version = "4.46.0";
	expect_clean();
}

static void the_argument_in_its_new_place_is_clean(void **state)
{
	(void)state;
	dist("transformers", "5.0.1");
	file("handler.py", "c = BitsAndBytesConfig(load_in_4bit=True)\n"
			   "m = AutoModel.from_pretrained(n, quantization_config=c)\n");
	expect_no("known/load-in-4bit");
}

static void knows_names_that_are_gone(void **state)
{
	(void)state;
	image_file("/app/old.py", 0644, "from huggingface_hub import cached_download\n");
	image_file("/app/settings.py", 0644, "import os\nfrom pydantic import BaseSettings\n");
	open_image();
	dist("huggingface-hub", "0.25.2");
	dist("pydantic", "1.10.0");
	expect_clean();
	w.facts.dists[0].version = "0.26.0";
	assert_non_null(strstr(expect("known/cached-download")->where, "/app/old.py:1"));
	w.facts.dists[1].version = "2.0";
	expect("known/pydantic-settings");
}

static void knows_a_release_that_calls_home(void **state)
{
	(void)state;
	dist("transformers", "4.40.1");
	expect_clean();
	env("HF_HUB_OFFLINE=1");
	expect("known/offline-calls-home");
	w.facts.dists[0].version = "4.42.0";
	expect_clean();
}

static void knows_a_module_that_triton_lost(void **state)
{
	(void)state;
	dist("bitsandbytes", "0.45.0");
	dist("triton", "3.2.0");
	expect("known/triton-ops");
	w.facts.dists[0].version = "0.45.1";
	expect_clean();
}

static void reports_files_named_like_a_version(void **state)
{
	(void)state;
	w.config.workdir = "/app";
	image_file("/data/2.6", 0644, "kept");
	image_file("/app/v2.6.txt", 0644, "kept");
	open_image();
	expect_clean();
	image_close(w.image);
	image_file("/app/=2.6.0", 0644, "Collecting torch\n");
	open_image();
	assert_string_equal(expect("python/specifier-file")->subject, "=2.6.0");
}

static void files_of_another_size_are_noted(void **state)
{
	(void)state;
	dist("opencv-python", "4.10");
	push(&w.facts.dists[0].files.resized_paths, "/site-packages/cv2/__init__.py");
	expect_clean();
	assert_non_null(found("python/files-changed"));
}

static void files_of_another_distribution_in_their_place_are_a_warning(void **state)
{
	(void)state;
	dist("onnxruntime", "1.32.0");
	dist("onnxruntime-gpu", "1.22.0");
	push(&w.facts.dists[0].files.resized_paths, "onnxruntime/__init__.py");
	push(&w.facts.dists[0].files.overwritten_paths, "onnxruntime/__init__.py");
	w.facts.dists[0].files.overwriter = 1;
	assert_string_equal(expect("python/files-overwritten")->subject, "onnxruntime");
	assert_null(found("python/files-changed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_two_metadata_folders),
		rule_test(left_over_files_count_only_where_something_was_overwritten),
		rule_test(left_over_files_of_a_duplicate_are_reported),
		rule_test(left_over_data_is_clean),
		rule_test(reports_code_that_is_gone),
		rule_test(reports_requirements_that_do_not_hold),
		rule_test(requirements_of_overwritten_metadata_do_not_count),
		rule_test(knows_pairs_that_do_not_work),
		rule_test(knows_a_release_that_breaks_jobs),
		rule_test(knows_arguments_that_are_gone),
		rule_test(the_argument_in_its_new_place_is_clean),
		rule_test(knows_names_that_are_gone),
		rule_test(knows_a_release_that_calls_home),
		rule_test(knows_a_module_that_triton_lost),
		rule_test(reports_files_named_like_a_version),
		rule_test(files_of_another_size_are_noted),
		rule_test(files_of_another_distribution_in_their_place_are_a_warning),
	};

	return cmocka_run_group_tests_name("rules/python", tests, NULL, NULL);
}
