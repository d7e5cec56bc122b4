#include "data.h"

static void what_is_kept_comes_back_whole(void **state)
{
	static const char *const names[] = {"libgive.so.1", "libtake_gnu.so", "librpath.so",
					    "libtorch_python.so", "ptxas-blackwell"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct buf file = data_load(BUILT, names[i]), kept, again;
		struct binary binary, loaded;
		struct err err;

		buf_init(&kept, FILE_MAX);
		buf_init(&again, FILE_MAX);
		assert_int_equal(data_read(names[i], file.data, file.len, arena, &binary, &err), 0);
		binary_save(&binary, &kept);
		assert_int_equal(binary_load(kept.data, kept.len, arena, &loaded, &err), 0);
		assert_int_equal(loaded.needed.count, binary.needed.count);
		assert_int_equal(loaded.undefined_count, binary.undefined_count);
		assert_int_equal(loaded.defined_count, binary.defined_count);
		assert_int_equal(loaded.arch_list != NULL, binary.arch_list != NULL);
		assert_int_equal(loaded.ptxas_targets.count, binary.ptxas_targets.count);
		binary_save(&loaded, &again);
		assert_int_equal(again.len, kept.len);
		assert_memory_equal(again.data, kept.data, kept.len);
		buf_done(&file);
		buf_done(&kept);
		buf_done(&again);
	}
}

static void every_cut_and_every_other_format_is_refused(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file = data_load(BUILT, "libtake_gnu.so"), kept;
	struct binary binary, untouched = {.machine = "mine"};
	struct err err;

	(void)state;
	buf_init(&kept, FILE_MAX);
	assert_int_equal(data_read("x", file.data, file.len, arena, &binary, &err), 0);
	binary_save(&binary, &kept);
	for (size_t len = 0; len < kept.len; len++) {
		void *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, kept.data, len);
		assert_int_equal(binary_load(cut, len, arena, &untouched, &err), -1);
		assert_int_equal(err.code, ERR_NOTFOUND);
		assert_string_equal(untouched.machine, "mine");
		free(cut);
	}
	buf_add(&kept, "", 1);
	assert_int_equal(binary_load(kept.data, kept.len, arena, &untouched, &err), -1);
	kept.data[4] = BINARY_FORMAT + 1;
	assert_int_equal(binary_load(kept.data, kept.len - 1, arena, &untouched, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	buf_done(&file);
	buf_done(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_comes_back_whole),
		cmocka_unit_test(every_cut_and_every_other_format_is_refused),
	};

	return cmocka_run_group_tests_name("binary/save", tests, NULL, NULL);
}
