/* The identity of torch. */
#include "rule_support.h"

static void reports_a_cpu_build_for_a_card(void **state)
{
	(void)state;
	torch("2.8.0+cpu", NULL, "");
	target("rtx4090");
	assert_string_equal(expect("torch/cpu-only")->target, "rtx4090");
}

static void a_cpu_build_on_purpose_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cpu", NULL, "");
	expect_clean();
}

static void reports_metadata_of_another_version(void **state)
{
	(void)state;
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.6.0+cu124";
	expect("torch/metadata-lies");
	w.facts.torch.metadata_version = "2.7.1+cu128";
	expect("torch/metadata-lies");
}

static void metadata_of_pypi_has_no_local_part(void **state)
{
	(void)state;
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.7.1";
	expect_clean();
}

static void reports_another_cuda_runtime(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	push(&w.facts.dists[0].requires, "nvidia-cuda-runtime-cu12==12.8.90");
	w.facts.torch.cudart_needed = "libcudart.so.12";
	w.facts.torch.cudart_dist = "12.8.90";
	expect_clean();
	w.facts.torch.cudart_dist = "12.6.77";
	expect("torch/cudart-mismatch");
	w.facts.torch.cudart_dist = "12.8.90";
	w.facts.torch.cudart_needed = "libcudart.so.13";
	expect("torch/cudart-mismatch");
}

static void the_incident(void)
{
	torch("2.7.1+cu126", "12.6", "90");
	w.facts.torch.metadata_version = "2.6.0+cu124";
	push(&w.facts.torch.metadata_versions, "2.6.0+cu124");
	w.facts.torch.index = "pypi";
	w.facts.torch.replaced = (struct origin){2, 4, "RUN pip install torch==2.6.0"};
	w.facts.torch.replaced_version = "2.6.0+cu124";
	w.facts.torch.origin.step =
		"RUN pip install --ignore-installed blinker -r requirements.txt";
}

static void reports_a_swap_that_left_two_metadata_folders(void **state)
{
	const struct finding *f;

	(void)state;
	the_incident();
	f = expect("torch/replaced");
	assert_non_null(strstr(f->expected, "2.6.0+cu124"));
	assert_non_null(strstr(f->expected, "torch==2.6.0"));
	assert_non_null(strstr(f->actual, "2.7.1+cu126"));
	assert_non_null(strstr(f->actual, "PyPI"));
	assert_non_null(strstr(f->where, "--ignore-installed"));
	assert_non_null(strstr(f->advice, "--no-deps"));
}

static void reports_an_upgrade_that_nobody_asked_for(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	w.facts.torch.replaced = (struct origin){2, 4, "RUN pip install torch==2.6.0"};
	w.facts.torch.replaced_version = "2.6.0+cu124";
	w.facts.torch.origin.step = "RUN pip install accelerate torchmetrics";
	expect("torch/replaced-unasked");
}

static void an_upgrade_by_name_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	w.facts.torch.replaced = (struct origin){2, 4, "RUN pip install torch==2.6.0"};
	w.facts.torch.replaced_version = "2.6.0+cu124";
	w.facts.torch.origin.step = "RUN pip install 'torch==2.8.0'";
	expect_clean();
	w.facts.torch.origin.step = "RUN pip install -r /app/requirements.txt";
	file("requirements.txt", "accelerate==1\ntorch==2.8.0\n");
	expect_no("torch/replaced-unasked");
}

static void history(const char *step)
{
	struct image_history *h =
		arena_push(w.arena, &w.facts.history, &w.facts.history_count, sizeof(*h));

	h->created_by = step;
}

static void reports_another_variant_than_the_index_that_was_asked(void **state)
{
	(void)state;
	torch("2.2.0+cu121", "12.1", "90");
	history("RUN pip install torch==2.2.0 --extra-index-url "
		"https://download.pytorch.org/whl/cu126");
	expect("torch/other-variant");
}

static void the_variant_of_the_index_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu126", "12.6", "90");
	history("RUN pip install torch==2.6.0 --index-url https://download.pytorch.org/whl/cu124");
	history("RUN pip install torch==2.8.0 --index-url https://download.pytorch.org/whl/cu126");
	history("RUN pip install flask --extra-index-url https://download.pytorch.org/whl/cu118");
	expect_clean();
}

static void reports_companions_of_another_variant_or_version(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	dist("torchvision", "0.23.0+cu126");
	expect("torch/pair-mismatch");
}

static void reports_a_companion_that_wants_another_torch(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	requirement_unmet(dist("torchvision", "0.21.0"), "torch==2.6.0", "2.8.0");
	expect("torch/pair-mismatch");
}

static void fitting_companions_are_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", "90");
	dist("torchvision", "0.23.0+cu128");
	dist("torchaudio", "2.8.0");
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_a_cpu_build_for_a_card),
		rule_test(a_cpu_build_on_purpose_is_clean),
		rule_test(reports_metadata_of_another_version),
		rule_test(metadata_of_pypi_has_no_local_part),
		rule_test(reports_another_cuda_runtime),
		rule_test(reports_a_swap_that_left_two_metadata_folders),
		rule_test(reports_an_upgrade_that_nobody_asked_for),
		rule_test(an_upgrade_by_name_is_clean),
		rule_test(reports_another_variant_than_the_index_that_was_asked),
		rule_test(the_variant_of_the_index_is_clean),
		rule_test(reports_companions_of_another_variant_or_version),
		rule_test(reports_a_companion_that_wants_another_torch),
		rule_test(fitting_companions_are_clean),
	};

	return cmocka_run_group_tests_name("rules/torch", tests, NULL, NULL);
}
