/* Device code against the cards it must run on. */
#include "rule_support.h"

#define CU126 "50 60 70 75 80 86 90"
#define CU128 "75 80 86 90 100 120"

static void reports_torch_without_code_for_the_card(void **state)
{
	const struct finding *f;

	(void)state;
	torch("2.7.1+cu126", "12.6", CU126);
	target("rtx5090");
	f = expect("arch/missing-sm");
	assert_string_equal(f->target, "rtx5090");
	assert_non_null(strstr(f->where, "libtorch_cuda.so"));
	assert_non_null(strstr(f->where, "RUN pip install"));
	assert_int_equal(w.found.count, 1);
}

static void a_wheel_with_code_is_clean(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	target("rtx5090");
	target("rtx4090");
	target("h100");
	expect_clean();
	assert_int_equal(w.found.count, 0);
}

static void reports_only_the_card_of_the_fleet_that_was_dropped(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	target("v100");
	target("rtx5090");
	assert_string_equal(expect("arch/missing-sm")->target, "v100");
	assert_int_equal(w.found.count, 1);
}

static void code_for_one_card_only_does_not_serve_another(void **state)
{
	(void)state;
	torch("2.8.0", "12.8", "80 90a +90a");
	target("rtx5090");
	expect("arch/missing-sm");
}

static void reports_code_that_must_be_compiled_first(void **state)
{
	struct library *l;

	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	l = library("/site-packages/flash_attn_2_cuda.so", dist("flash-attn", "2.7"));
	device_code(l, "80 90 +90", 8);
	target("rtx5090");
	assert_string_equal(expect("arch/jit-only")->subject, "flash-attn");
	assert_null(found("arch/missing-sm"));
}

static void an_extension_without_code_is_an_error_of_its_own(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	device_code(library("/site-packages/flash_attn_2_cuda.so", dist("flash-attn", "2.7")),
		    "80 90", 8);
	target("rtx5090");
	assert_string_equal(expect("arch/missing-sm")->subject, "flash-attn");
}

static void files_that_bitsandbytes_will_not_load_do_not_count(void **state)
{
	size_t bnb = dist("bitsandbytes", "0.48.0");

	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	device_code(library("/site-packages/bitsandbytes/libbitsandbytes_cuda124.so", bnb), "80 90",
		    8);
	device_code(library("/site-packages/bitsandbytes/libbitsandbytes_cuda128.so", bnb),
		    "90 120", 8);
	w.facts.bnb.present = true;
	w.facts.bnb.path = "/site-packages/bitsandbytes";
	w.facts.bnb.chosen = "/site-packages/bitsandbytes/libbitsandbytes_cuda128.so";
	target("rtx5090");
	expect_clean();
	w.facts.bnb.chosen = "/site-packages/bitsandbytes/libbitsandbytes_cuda124.so";
	assert_string_equal(expect("arch/missing-sm")->subject, "bitsandbytes");
}

static void features_of_single_cards_are_no_gap(void **state)
{
	struct library *l = torch("2.11.0+cu130", "13.0", "75 80 86 90 100 120");

	(void)state;
	device_code(l, "90a 100a", 9);
	((struct binary *)l->binary)->device.fatbin_count = 100;
	l = library("/site-packages/vllm/_C.abi3.so", dist("vllm", "0.11"));
	device_code(l, "80 90 120", 40);
	device_code(l, "90a", 20);
	((struct binary *)l->binary)->device.fatbin_count = 60;
	l = library("/site-packages/nvidia/cudnn/lib/libcudnn_ops.so.9",
		    dist("nvidia-cudnn-cu12", "9"));
	device_code(l, "80", 10);
	device_code(l, "90a 100a", 3);
	target("rtx5090");
	expect_clean();
}

static void reports_fatbins_that_lack_the_card(void **state)
{
	struct library *l = library("/app/ext.so", dist("ext", "1"));

	(void)state;
	device_code(l, "80 90", 50);
	device_code(l, "120", 10);
	target("rtx5090");
	assert_non_null(strstr(expect("arch/partial")->actual, "40 of 50"));
}

static void cublas_without_code_is_an_error_and_other_closed_libraries_a_note(void **state)
{
	(void)state;
	device_code(library("/s/nvidia/cublas/lib/libcublasLt.so.12",
			    dist("nvidia-cublas-cu12", "12.4")),
		    "80 90", 8);
	device_code(library("/s/nvidia/cusparselt/lib/libcusparseLt.so.0",
			    dist("nvidia-cusparselt-cu12", "0.6")),
		    "80 90", 8);
	target("rtx5090");
	assert_string_equal(expect("arch/missing-sm")->subject, "libcublasLt.so.12");
	assert_string_equal(found("arch/library-lacks")->subject, "libcusparseLt.so.0");
}

static void a_closed_library_that_keeps_its_code_elsewhere_is_not_judged(void **state)
{
	(void)state;
	device_code(library("/s/nvidia/cufft/lib/libcufft.so.11", dist("nvidia-cufft-cu12", "11")),
		    "52", 1);
	target("rtx5090");
	w.facts.libraries[0].binary->device.archs[0].bytes = 352;
	expect_clean();
	assert_null(found("arch/library-lacks"));
	w.facts.libraries[0].binary->device.archs[0].bytes = 4096;
	expect_clean();
	assert_non_null(found("arch/library-lacks"));
}

static void a_ptxas_must_know_the_card(void **state)
{
	(void)state;
	w.facts.triton.present = true;
	push(push(push(&w.facts.triton.targets, "sm_75"), "sm_90"), "sm_90a");
	target("rtx5090");
	expect("arch/ptxas-lacks");
	push(&w.facts.triton.targets, "sm_120a");
	expect_no("arch/ptxas-lacks");
}

static void the_printed_list_must_agree_with_the_code(void **state)
{
	(void)state;
	torch("2.8.0+cu128", "12.8", CU128);
	w.facts.torch.arch_list = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120";
	expect_no("arch/list-disagrees");
	w.facts.torch.arch_list = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90";
	expect("arch/list-disagrees");
}

static void packed_code_needs_a_driver_that_unpacks_it(void **state)
{
	struct library *l = torch("2.8.0+cu128", "12.8", CU128);

	(void)state;
	((struct binary *)l->binary)->device.zstd = true;
	w.input.driver = 535;
	expect("arch/zstd-driver");
	w.input.driver = 570;
	expect_no("arch/zstd-driver");
}

static void without_targets_nothing_about_cards_is_judged(void **state)
{
	(void)state;
	torch("2.7.1+cu126", "12.6", CU126);
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(reports_torch_without_code_for_the_card),
		rule_test(a_wheel_with_code_is_clean),
		rule_test(reports_only_the_card_of_the_fleet_that_was_dropped),
		rule_test(code_for_one_card_only_does_not_serve_another),
		rule_test(reports_code_that_must_be_compiled_first),
		rule_test(an_extension_without_code_is_an_error_of_its_own),
		rule_test(files_that_bitsandbytes_will_not_load_do_not_count),
		rule_test(features_of_single_cards_are_no_gap),
		rule_test(reports_fatbins_that_lack_the_card),
		rule_test(cublas_without_code_is_an_error_and_other_closed_libraries_a_note),
		rule_test(a_closed_library_that_keeps_its_code_elsewhere_is_not_judged),
		rule_test(a_ptxas_must_know_the_card),
		rule_test(the_printed_list_must_agree_with_the_code),
		rule_test(packed_code_needs_a_driver_that_unpacks_it),
		rule_test(without_targets_nothing_about_cards_is_judged),
	};

	return cmocka_run_group_tests_name("rules/arch", tests, NULL, NULL);
}
