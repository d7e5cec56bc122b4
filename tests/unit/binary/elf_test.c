/* Libraries built beside this test, golden files, and this program itself. */
#include "data.h"

static struct binary read_built(const char *name, struct arena *arena)
{
	struct buf file = data_load(BUILT, name);
	struct binary out;
	struct err err;

	assert_int_equal(data_read(name, file.data, file.len, arena, &out, &err), 0);
	assert_null(out.malformed);
	buf_done(&file);
	return out;
}

static const struct binary_symbol *undefined(const struct binary *binary, const char *name)
{
	for (size_t i = 0; i < binary->undefined_count; i++)
		if (!strcmp(binary->undefined[i].name, name))
			return &binary->undefined[i];
	return NULL;
}

static bool needs(const struct binary *binary, const char *file, const char *version)
{
	for (size_t i = 0; i < binary->version_need_count; i++)
		if (!strcmp(binary->version_needs[i].file, file) &&
		    !strcmp(binary->version_needs[i].version, version))
			return true;
	return false;
}

static void a_library_says_what_it_gives(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct binary give = read_built("libgive.so.1", arena);

	(void)state;
	assert_int_equal(give.kind, BINARY_SHARED);
	assert_string_equal(give.soname, "libgive.so.1");
	assert_null(give.interp);
	assert_int_equal(give.version_defs.count, 2);
	assert_string_equal(give.version_defs.items[0], "GIVE_1");
	assert_string_equal(give.version_defs.items[1], "GIVE_2");
	assert_true(binary_defines(&give, "give_one"));
	assert_true(binary_defines(&give, "give_two"));
	assert_false(binary_defines(&give, "hidden"));
	assert_false(binary_defines(&give, "give_on"));
	assert_int_equal(give.device.arch_count, 0);
}

static void check_take(const struct binary *take)
{
	bool found = false;

	assert_true(take->needed.count >= 1);
	for (size_t i = 0; i < take->needed.count; i++)
		found = found || !strcmp(take->needed.items[i], "libgive.so.1");
	assert_true(found);
	assert_string_equal(take->runpath, "$ORIGIN/../x:/opt");
	assert_null(take->rpath);
	assert_null(take->soname);
	assert_true(needs(take, "libgive.so.1", "GIVE_1"));
	assert_true(needs(take, "libgive.so.1", "GIVE_2"));
	assert_string_equal(undefined(take, "give_one")->version, "GIVE_1");
	assert_string_equal(undefined(take, "give_two")->version, "GIVE_2");
	assert_non_null(undefined(take, "nowhere"));
	assert_null(undefined(take, "nowhere")->version);
	assert_false(undefined(take, "nowhere")->weak);
	assert_true(undefined(take, "perhaps")->weak);
	assert_null(undefined(take, "take"));
	assert_true(binary_defines(take, "take"));
}

static void a_library_says_what_it_needs(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct binary gnu = read_built("libtake_gnu.so", arena);
	struct binary sysv = read_built("libtake_sysv.so", arena);
	struct binary old = read_built("librpath.so", arena);

	(void)state;
	check_take(&gnu);
	check_take(&sysv);
	assert_string_equal(old.rpath, "/old");
	assert_null(old.runpath);
}

static void program_headers_tell_the_same_as_sections(void **state)
{
	static const char *const names[] = {"libgive.so.1", "libtake_gnu.so", "libtake_sysv.so"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct buf file = data_load(BUILT, names[i]), whole, stripped;
		struct binary binary;
		struct err err;

		buf_init(&whole, FILE_MAX);
		buf_init(&stripped, FILE_MAX);
		assert_int_equal(data_read("x", file.data, file.len, arena, &binary, &err), 0);
		binary_save(&binary, &whole);
		data_strip(&file);
		assert_int_equal(data_read("x", file.data, file.len, arena, &binary, &err), 0);
		binary_save(&binary, &stripped);
		assert_int_equal(whole.len, stripped.len);
		assert_memory_equal(whole.data, stripped.data, whole.len);
		buf_done(&file);
		buf_done(&whole);
		buf_done(&stripped);
	}
}

static void a_program_has_an_interpreter(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file = data_load("/proc/self", "exe");
	struct binary self;
	struct err err;

	(void)state;
	assert_int_equal(binary_read("exe", file.data, file.len, arena, &self, &err), 0);
	assert_null(self.malformed);
	assert_int_equal(self.kind, BINARY_EXECUTABLE);
	assert_non_null(strstr(self.interp, "ld-linux"));
	assert_non_null(undefined(&self, "__libc_start_main"));
	assert_non_null(strstr(undefined(&self, "__libc_start_main")->version, "GLIBC_"));
	buf_done(&file);
}

static void a_32_bit_library_is_read_alike(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file = data_load(TEST_DATA "/golden/binary", "class32.so");
	struct binary binary;
	struct err err;

	(void)state;
	assert_int_equal(data_read("x", file.data, file.len, arena, &binary, &err), 0);
	assert_null(binary.malformed);
	assert_false(binary.is64);
	assert_string_equal(binary.machine, "i386");
	assert_string_equal(binary.soname, "libold.so.3");
	assert_string_equal(binary.runpath, "/opt/old");
	assert_int_equal(binary.version_defs.count, 1);
	assert_string_equal(binary.version_defs.items[0], "OLD_1");
	assert_non_null(undefined(&binary, "missing"));
	assert_true(undefined(&binary, "maybe")->weak);
	assert_true(binary_defines(&binary, "old"));
	buf_done(&file);
}

static void texts_are_looked_for_by_name_of_the_file(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file = data_load(BUILT, "libtorch_python.so");
	struct binary torch, other, ptxas;
	struct err err;

	(void)state;
	assert_int_equal(
		data_read("/t/lib/libtorch_python.so", file.data, file.len, arena, &torch, &err),
		0);
	assert_int_equal(data_read("/t/lib/libother.so", file.data, file.len, arena, &other, &err),
			 0);
	ptxas = read_built("ptxas-blackwell", arena);
	assert_string_equal(torch.arch_list, "sm_75 sm_80 sm_90a compute_120");
	assert_int_equal(torch.ptxas_targets.count, 0);
	assert_null(other.arch_list);
	assert_int_equal(ptxas.ptxas_targets.count, 3);
	assert_string_equal(ptxas.ptxas_targets.items[0], "sm_120a");
	assert_string_equal(ptxas.ptxas_targets.items[1], "sm_89");
	assert_string_equal(ptxas.ptxas_targets.items[2], "sm_90");
	buf_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_says_what_it_gives),
		cmocka_unit_test(a_library_says_what_it_needs),
		cmocka_unit_test(program_headers_tell_the_same_as_sections),
		cmocka_unit_test(a_program_has_an_interpreter),
		cmocka_unit_test(a_32_bit_library_is_read_alike),
		cmocka_unit_test(texts_are_looked_for_by_name_of_the_file),
	};

	return cmocka_run_group_tests_name("binary/elf", tests, NULL, NULL);
}
