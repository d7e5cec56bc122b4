/* The GPUs that can be targets, and the names people give them. */
#include "model/gpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is(const char *written, const char *name)
{
	const struct gpu *gpu = gpu_find(written);

	if (!gpu || strcmp(gpu->name, name))
		fail_msg("%s is %s, expected %s", written, gpu ? gpu->name : "nothing", name);
}

static void finds_cards_as_people_write_them(void **state)
{
	(void)state;
	is("rtx5090", "rtx5090");
	is("RTX 5090", "rtx5090");
	is("NVIDIA GeForce RTX 5090", "rtx5090");
	is("5090", "rtx5090");
	is("rtx-4090", "rtx4090");
	is("RTX 3090 Ti", "rtx3090ti");
	is("Tesla T4", "t4");
	is("NVIDIA A100 80GB", "a100-80gb");
	is("H100", "h100");
	is("NVIDIA A100-SXM4-80GB", "a100-80gb");
	is("NVIDIA A100-PCIE-40GB", "a100");
	is("Tesla V100-SXM2-16GB", "v100");
	is("NVIDIA H100 PCIe", "h100");
	is("NVIDIA H100 80GB HBM3", "h100");
	is("RTX PRO 6000 Blackwell", "rtxpro6000");
	is("L40S", "l40s");
}

static void finds_cards_by_compute_capability(void **state)
{
	(void)state;
	is("sm_120", "sm_120");
	is("12.0", "sm_120");
	is("compute_89", "sm_89");
	assert_int_equal(gpu_find("8.6")->cc, 86);
	assert_int_equal(gpu_find("sm_120")->memory_mib, 0);
}

static void unknown_cards_are_not_guessed(void **state)
{
	(void)state;
	assert_null(gpu_find("rtx509"));
	assert_null(gpu_find("rtx"));
	assert_null(gpu_find(""));
	assert_null(gpu_find("nvidia"));
	assert_null(gpu_find("120"));
	assert_null(gpu_find("12.0.1"));
	assert_null(gpu_find(NULL));
}

static void every_row_is_complete_and_in_order(void **state)
{
	(void)state;
	for (const struct gpu *gpu = gpu_table; gpu->name; gpu++) {
		if (gpu != gpu_table)
			assert_true(strcmp(gpu[-1].name, gpu->name) < 0);
		assert_ptr_equal(gpu_find(gpu->name), gpu);
		assert_ptr_equal(gpu_find(gpu->title), gpu);
		assert_true(gpu->cc >= 50 && gpu->cc <= 121);
		assert_true(gpu->memory_mib > 0 && gpu->driver_min > 300);
		assert_true(gpu->source && strlen(gpu->source) > 8);
	}
}

static void a_cell_names_card_and_driver(void **state)
{
	struct arena *arena = arena_new();
	struct gpu_cell cell = {NULL, NULL};

	(void)state;
	assert_true(gpu_cell_read(
		"NVIDIA H100 80GB HBM3, sm_90, driver 580.159.04 CUDA 13.0, bnb 49", arena, &cell));
	assert_string_equal(cell.card, "NVIDIA H100 80GB HBM3");
	assert_string_equal(cell.driver, "580.159.04");
	assert_false(gpu_cell_read(NULL, arena, &cell));
	assert_false(gpu_cell_read("NVIDIA H100 80GB HBM3, sm_90, driver CUDA 13.0", arena, &cell));
	assert_false(gpu_cell_read("command python3, driver x", arena, &cell));
	assert_string_equal(cell.driver, "580.159.04");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_cards_as_people_write_them),
		cmocka_unit_test(finds_cards_by_compute_capability),
		cmocka_unit_test(unknown_cards_are_not_guessed),
		cmocka_unit_test(every_row_is_complete_and_in_order),
		cmocka_unit_test(a_cell_names_card_and_driver),
	};

	return cmocka_run_group_tests_name("model/gpu", tests, NULL, NULL);
}
