/*
 * Golden files of nvcc 13.0 against what cuobjdump says of them, fatbins made by hand against the
 * mistakes a file can hold, and the rule of which GPU runs what.
 */
#include "binary/fatbin.h"

#include "data.h"

#define ROOM 4096

/* --- real files ------------------------------------------------------------------------------ */

static struct binary golden(const char *name, struct arena *arena)
{
	struct buf file = data_load(TEST_DATA "/golden/binary", name);
	struct binary out;
	struct err err;

	assert_int_equal(data_read(name, file.data, file.len, arena, &out, &err), 0);
	assert_null(out.malformed);
	buf_done(&file);
	return out;
}

/* "elf 90a 1\n…", sorted as cuobjdump's lines are in the golden file; STUBS: entries that cuobjdump
 * counts and we do not. */
static void check_golden(const char *name, unsigned stubs)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char path[64];
	struct binary binary = golden(name, arena);
	struct buf want, line;
	size_t lines = 0;

	(void)snprintf(path, sizeof(path), "%s.cuobjdump", name);
	want = data_load(TEST_DATA "/golden/binary", path);
	for (size_t i = 0; i < want.len; i++)
		lines += want.data[i] == '\n';
	assert_int_equal(binary.device.arch_count, lines);
	for (size_t i = 0; i < binary.device.arch_count; i++) {
		const struct fatbin_arch *arch = &binary.device.archs[i];
		char suffix[2] = {arch->suffix, '\0'};

		buf_init(&line, ROOM);
		buf_printf(&line, "%s %u%s %ju\n", arch->kind == FATBIN_PTX ? "ptx" : "elf",
			   arch->cc, suffix, (uintmax_t)arch->entries + stubs);
		if (!strstr(buf_str(&want), buf_str(&line)))
			fail_msg("%s: cuobjdump does not say %s", name, buf_str(&line));
		buf_done(&line);
	}
	assert_int_equal(binary.device.stub_count, stubs);
	buf_done(&want);
}

static void architectures_are_those_cuobjdump_prints(void **state)
{
	(void)state;
	check_golden("suffixes.so", 0);
	check_golden("zstd.so", 0);
	check_golden("lz4.so", 0);
	check_golden("debug.so", 0);
	check_golden("ptx.so", 0);
	check_golden("relocatable.o", 0);
}

static void code_that_was_not_linked_does_not_count(void **state)
{
	(void)state;
	check_golden("lost.so", 0);
}

static void the_stub_of_a_device_link_counts_apart(void **state)
{
	(void)state;
	check_golden("stub.so", 1);
}

static void compression_by_zstd_is_told(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	assert_true(golden("zstd.so", arena).device.zstd);
	assert_false(golden("lz4.so", arena).device.zstd);
	assert_false(golden("lost.so", arena).device.zstd);
}

static void a_file_without_section_headers_is_searched(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file = data_load(TEST_DATA "/golden/binary", "suffixes.so");
	struct binary binary;
	struct err err;

	(void)state;
	data_strip(&file);
	assert_int_equal(data_read("x", file.data, file.len, arena, &binary, &err), 0);
	assert_null(binary.malformed);
	assert_string_equal(fatbin_text(&binary.device, arena), "75 90a 100f 120 120a +PTX 120");
	buf_done(&file);
}

static void a_bare_cubin_names_its_architecture(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const archs[] = {"90a", "100f", "120"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char name[32];
		struct binary binary;

		(void)snprintf(name, sizeof(name), "%s.cubin", archs[i]);
		binary = golden(name, arena);
		assert_int_equal(binary.kind, BINARY_CUBIN);
		assert_string_equal(binary.machine, "cuda");
		assert_string_equal(fatbin_text(&binary.device, arena), archs[i]);
	}
}

/* As ptxas 12.8 writes them, found by compiling. */
static void cubins_of_cuda_12_carry_it_in_their_flags(void **state)
{
	static const struct {
		unsigned abi, flags;
		const char *text;
	} rows[] = {{7, 0x00500550, "80"},
		    {7, 0x005a055a, "90"},
		    {7, 0x005a0d5a, "90a"},
		    {8, 0x06007802, "120"},
		    {8, 0x0600780a, "120a"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		unsigned char header[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
		struct buf file = {.data = (char *)header, .len = sizeof(header)};
		struct binary binary;
		struct err err;

		data_put(&file, 8, 1, rows[i].abi);
		data_put(&file, 18, 2, 190);
		data_put(&file, 48, 4, rows[i].flags);
		assert_int_equal(data_read("k", header, sizeof(header), arena, &binary, &err), 0);
		assert_string_equal(fatbin_text(&binary.device, arena), rows[i].text);
	}
}

/* --- made by hand ---------------------------------------------------------------------------- */

struct entry {
	unsigned kind, arch;
	uint64_t flags, payload;
};

/* A fatbin of ENTRIES at the end of OUT; where it begins. */
static size_t add_fatbin(struct buf *out, const struct entry *entries, size_t count)
{
	static const char zeros[ROOM];
	size_t begin = out->len, at;

	buf_add(out, zeros, 16);
	data_put(out, begin, 4, 0xBA55ED50);
	data_put(out, begin + 4, 2, 1);
	data_put(out, begin + 6, 2, 16);
	for (size_t i = 0; i < count; i++) {
		at = out->len;
		buf_add(out, zeros, 64 + entries[i].payload);
		data_put(out, at, 2, entries[i].kind);
		data_put(out, at + 2, 2, 0x101);
		data_put(out, at + 4, 4, 64);
		data_put(out, at + 8, 8, entries[i].payload);
		data_put(out, at + 28, 4, entries[i].arch);
		data_put(out, at + 40, 8, entries[i].flags);
	}
	data_put(out, begin + 8, 8, out->len - begin - 16);
	return begin;
}

static struct fatbin_summary walk(const struct buf *file, struct arena *arena)
{
	struct fatbin_summary out = {0};
	void *exact = malloc(file->len ? file->len : 1);

	assert_non_null(exact);
	memcpy(exact, buf_str(file), file->len);
	fatbin_walk(exact, file->len, arena, &out);
	free(exact);
	return out;
}

static const struct entry three[] = {
	{2, 80, 0x11, 8}, {2, 120, 0x1000011, 16}, {1, 120, 0x8011, 8}};

static void counts_are_per_entry_and_per_fatbin(void **state)
{
	static const struct entry twice[] = {{2, 80, 0x11, 8}, {2, 80, 0x11, 8}, {8, 120, 0, 8}};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fatbin_summary out;
	struct buf file;

	(void)state;
	buf_init(&file, FILE_MAX);
	add_fatbin(&file, three, 3);
	add_fatbin(&file, twice, 3);
	buf_add(&file, "\0\0\0\0\0\0\0\0", 8); /* padding */
	add_fatbin(&file, NULL, 0);
	out = walk(&file, arena);
	assert_null(out.malformed);
	assert_int_equal(out.fatbin_count, 2);
	assert_int_equal(out.arch_count, 3);
	assert_int_equal(out.archs[0].cc, 80);
	assert_int_equal(out.archs[0].entries, 3);
	assert_int_equal(out.archs[0].fatbins, 2);
	assert_int_equal(out.archs[0].bytes, 24);
	assert_int_equal(out.archs[1].entries, 1);
	assert_int_equal(out.archs[2].kind, FATBIN_PTX);
	assert_true(out.zstd);
	buf_done(&file);
}

/* What is changed in a file of two fatbins, the first of the three entries above, and how much is
 * still found. */
static const struct {
	const char *name;
	size_t at;
	unsigned bytes;
	uint64_t value;
	const char *malformed; /* a part of it, NULL: nothing */
	uint64_t fatbins;
} lies[] = {
	{"nothing", 0, 4, 0xBA55ED50, NULL, 2},
	{"size 0", 8, 8, 0, "none", 0},
	{"size cuts an entry's header", 8, 8, 40, "ends inside an entry", 0},
	{"size cuts a payload", 8, 8, 68, "longer than its fatbin", 0},
	{"size beyond the section", 8, 8, 4096, "longer than its section", 0},
	{"size near 2^64", 8, 8, UINT64_MAX - 7, "longer than its section", 0},
	{"size that takes in the next fatbin", 8, 8, 224 + 88, "impossible size", 1},
	{"version 2", 4, 2, 2, "unknown version", 0},
	{"header of 24 bytes", 6, 2, 24, "unknown version", 0},
	{"no magic", 0, 4, 1, "none", 0},
	{"entry header 0", 16 + 4, 4, 0, "impossible size", 0},
	{"entry header 63", 16 + 4, 4, 63, "impossible size", 0},
	{"entry header beyond", 16 + 4, 4, 4000, "impossible size", 0},
	{"payload beyond", 16 + 8, 8, 1000, "longer than its fatbin", 0},
	{"payload near 2^64", 16 + 8, 8, UINT64_MAX - 63, "longer than its fatbin", 0},
	{"payload of 4 GiB", 16 + 8, 8, UINT64_C(1) << 32, "longer than its fatbin", 0},
	{"architecture 4 billion", 16 + 28, 4, UINT32_MAX, "impossible architecture", 0},
	{"kind 0", 16, 2, 0, NULL, 2},
	{"kind 65535", 16, 2, 0xffff, NULL, 2},
};

static void lies_end_the_walk_and_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct fatbin_summary out;
		struct buf file;

		buf_init(&file, FILE_MAX);
		add_fatbin(&file, three, 3);
		add_fatbin(&file, three, 1);
		data_put(&file, lies[i].at, lies[i].bytes, lies[i].value);
		out = walk(&file, arena);
		if (!out.malformed != !lies[i].malformed ||
		    (out.malformed && !strstr(out.malformed, lies[i].malformed)))
			fail_msg("%s: %s", lies[i].name, out.malformed ? out.malformed : "nothing");
		if (out.fatbin_count < lies[i].fatbins)
			fail_msg("%s: %ju fatbins", lies[i].name, (uintmax_t)out.fatbin_count);
		buf_done(&file);
	}
}

static void every_cut_is_survived(void **state)
{
	struct buf file;
	size_t whole;

	(void)state;
	buf_init(&file, FILE_MAX);
	add_fatbin(&file, three, 3);
	whole = file.len;
	for (; file.len; file.len--) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct fatbin_summary out = walk(&file, arena);

		assert_true(file.len == whole || file.len < 8 || out.malformed);
	}
	buf_done(&file);
}

static void a_scan_passes_over_what_only_looks_like_one(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fatbin_summary out = {0};
	struct buf file;

	(void)state;
	buf_init(&file, FILE_MAX);
	buf_add(&file, "some code", 8);
	buf_add(&file, "\x50\xed\x55\xba\1\0\x10\0\xff\xff\0\0\0\0\0\0", 16);
	add_fatbin(&file, three, 3);
	buf_add(&file, "and more of it..", 16);
	fatbin_scan(file.data, file.len, arena, &out);
	assert_null(out.malformed);
	assert_int_equal(out.fatbin_count, 1);
	assert_string_equal(fatbin_text(&out, arena), "80 120 +PTX 120");
	buf_done(&file);
}

/* --- judging --------------------------------------------------------------------------------- */

static void what_runs_where(void **state)
{
	static const struct {
		enum fatbin_kind kind;
		unsigned code;
		char suffix;
		unsigned gpu;
		enum fatbin_fit fit;
	} rows[] = {
		{FATBIN_SASS, 80, 0, 86, FATBIN_NATIVE},
		{FATBIN_SASS, 86, 0, 80, FATBIN_NONE},
		{FATBIN_SASS, 90, 0, 120, FATBIN_NONE},
		{FATBIN_SASS, 90, 0, 100, FATBIN_NONE},
		{FATBIN_SASS, 120, 0, 121, FATBIN_NATIVE},
		{FATBIN_SASS, 120, 0, 120, FATBIN_NATIVE},
		{FATBIN_SASS, 90, 'a', 90, FATBIN_NATIVE},
		{FATBIN_SASS, 120, 'a', 121, FATBIN_NONE},
		{FATBIN_SASS, 100, 'f', 103, FATBIN_NATIVE},
		{FATBIN_SASS, 103, 'f', 100, FATBIN_NONE},
		{FATBIN_SASS, 100, 'f', 120, FATBIN_NONE},
		{FATBIN_PTX, 90, 0, 120, FATBIN_JIT},
		{FATBIN_PTX, 120, 0, 90, FATBIN_NONE},
		{FATBIN_PTX, 90, 'a', 120, FATBIN_NONE},
		{FATBIN_PTX, 90, 'a', 90, FATBIN_JIT},
		{FATBIN_PTX, 100, 'f', 103, FATBIN_JIT},
		{FATBIN_PTX, 100, 'f', 120, FATBIN_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fatbin_arch arch = {
			.kind = rows[i].kind, .cc = rows[i].code, .suffix = rows[i].suffix};

		if (fatbin_fits(&arch, rows[i].gpu) != rows[i].fit)
			fail_msg("row %zu", i);
	}
}

static void code_for_a_few_kernels_does_not_serve_the_library(void **state)
{
	struct fatbin_arch archs[] = {{.cc = 80, .kind = FATBIN_SASS, .fatbins = 9},
				      {.cc = 120, .kind = FATBIN_SASS, .fatbins = 4},
				      {.cc = 80, .kind = FATBIN_PTX, .fatbins = 9}};
	struct fatbin_summary summary = {.archs = archs, .arch_count = 3, .fatbin_count = 9};

	(void)state;
	assert_int_equal(fatbin_best(&summary, 86), FATBIN_NATIVE);
	assert_int_equal(fatbin_best(&summary, 120), FATBIN_JIT);
	archs[1].fatbins = 5;
	assert_int_equal(fatbin_best(&summary, 120), FATBIN_NATIVE);
	assert_int_equal(fatbin_best(&summary, 75), FATBIN_NONE);
	assert_int_equal(fatbin_best(&(struct fatbin_summary){0}, 120), FATBIN_NONE);
}

static void no_code_is_said_so(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fatbin_arch ptx = {.cc = 90, .suffix = 'a', .kind = FATBIN_PTX};

	(void)state;
	assert_string_equal(fatbin_text(&(struct fatbin_summary){0}, arena), "none");
	assert_string_equal(
		fatbin_text(&(struct fatbin_summary){.archs = &ptx, .arch_count = 1}, arena),
		"+PTX 90a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(architectures_are_those_cuobjdump_prints),
		cmocka_unit_test(code_that_was_not_linked_does_not_count),
		cmocka_unit_test(the_stub_of_a_device_link_counts_apart),
		cmocka_unit_test(compression_by_zstd_is_told),
		cmocka_unit_test(a_file_without_section_headers_is_searched),
		cmocka_unit_test(a_bare_cubin_names_its_architecture),
		cmocka_unit_test(cubins_of_cuda_12_carry_it_in_their_flags),
		cmocka_unit_test(counts_are_per_entry_and_per_fatbin),
		cmocka_unit_test(lies_end_the_walk_and_are_told),
		cmocka_unit_test(every_cut_is_survived),
		cmocka_unit_test(a_scan_passes_over_what_only_looks_like_one),
		cmocka_unit_test(what_runs_where),
		cmocka_unit_test(code_for_a_few_kernels_does_not_serve_the_library),
		cmocka_unit_test(no_code_is_said_so),
	};

	return cmocka_run_group_tests_name("binary/fatbin", tests, NULL, NULL);
}
