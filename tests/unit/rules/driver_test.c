/* The host's driver. */
#include "rule_support.h"

#define GATE                                                                                       \
	"NVIDIA_REQUIRE_CUDA=cuda>=12.8 brand=tesla,driver>=535,driver<536 "                       \
	"brand=unknown,driver>=550,driver<551"

static void a_gate_keeps_out_hosts_that_no_alternative_admits(void **state)
{
	(void)state;
	env(GATE);
	target("rtx4090");
	target("l40s");
	w.input.driver = 535;
	assert_string_equal(expect("driver/require-cuda")->target, "rtx4090");
	assert_int_equal(w.found.count, 1);
	w.input.driver = 570;
	expect_clean();
}

static void a_gate_is_measured_by_what_torch_needs(void **state)
{
	(void)state;
	env("NVIDIA_REQUIRE_CUDA=cuda>=12.9");
	torch("2.8.0+cu128", "12.8", "90");
	expect("driver/gate-above-need");
	w.input.driver = 580;
	expect_clean();
	w.input.driver = 0;
	w.facts.torch.cuda = "12.9";
	expect_clean();
	w.facts.torch.cuda = "13.0";
	expect("driver/gate-below-need");
}

static void a_disabled_gate_is_open(void **state)
{
	(void)state;
	env(GATE);
	env("NVIDIA_DISABLE_REQUIRE=1");
	target("rtx4090");
	w.input.driver = 535;
	expect_clean();
}

static void the_highest_user_space_sets_the_floor(void **state)
{
	(void)state;
	torch("2.6.0+cu124", "12.4", "90");
	w.input.driver = 550;
	expect_clean();
	needs(library("/site-packages/flash_attn_3.so", dist("flash-attn-3", "3")),
	      "libcudart.so.13", "/usr/lib/libcudart.so.13", "default");
	assert_string_equal(expect("driver/too-old")->subject, "flash_attn_3.so");
	w.input.driver = 580;
	expect_clean();
}

static void the_card_itself_needs_a_driver(void **state)
{
	(void)state;
	target("rtx5090");
	w.input.driver = 550;
	expect("driver/card-unknown");
	w.input.driver = 570;
	expect_clean();
}

static void compatibility_libraries_are_for_datacenter_cards(void **state)
{
	(void)state;
	library("/usr/local/cuda-12.4/compat/libcuda.so.550.54.15", SIZE_MAX);
	target("rtx4090");
	w.input.driver = 535;
	expect("driver/compat-libcuda");
	w.input.driver = 550;
	expect_clean();
	w.input.driver = 535;
	w.targets[0] = gpu_find("h100");
	expect_clean();
}

static void stubs_count_only_where_the_loader_looks(void **state)
{
	(void)state;
	library("/usr/local/cuda/lib64/stubs/libcuda.so", SIZE_MAX);
	expect_clean();
	env("LD_LIBRARY_PATH=/x:/usr/local/cuda/lib64/stubs/");
	expect("driver/stub-libcuda");
}

static void reports_a_stray_driver_library(void **state)
{
	(void)state;
	library("/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05", SIZE_MAX);
	expect("driver/stray-libcuda");
}

static void the_runtime_library_is_no_driver_library(void **state)
{
	(void)state;
	library("/usr/lib/x86_64-linux-gnu/libcudart.so.12", SIZE_MAX);
	expect_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(a_gate_keeps_out_hosts_that_no_alternative_admits),
		rule_test(a_gate_is_measured_by_what_torch_needs),
		rule_test(a_disabled_gate_is_open),
		rule_test(the_highest_user_space_sets_the_floor),
		rule_test(the_card_itself_needs_a_driver),
		rule_test(compatibility_libraries_are_for_datacenter_cards),
		rule_test(stubs_count_only_where_the_loader_looks),
		rule_test(reports_a_stray_driver_library),
		rule_test(the_runtime_library_is_no_driver_library),
	};

	return cmocka_run_group_tests_name("rules/driver", tests, NULL, NULL);
}
