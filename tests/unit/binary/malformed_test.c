/*
 * One lie at a time in a library that was whole. What is wrong is told, and what could be read is
 * there all the same.
 */
#include "data.h"

#define DT_NEEDED 1
#define DT_HASH 4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_STRSZ 10
#define DT_RUNPATH 29
#define DT_GNU_HASH 0x6ffffef5
#define DT_VERNEED 0x6ffffffe
#define PT_LOAD 1
#define PT_DYNAMIC 2

/* Where the program header of TYPE is, the INDEXth of them. */
static size_t segment(const struct buf *file, uint64_t type, unsigned index)
{
	uint64_t at = data_get(file, 32, 8), count = data_get(file, 56, 2);

	for (uint64_t i = 0; i < count; i++, at += 56)
		if (data_get(file, (size_t)at, 4) == type && index-- == 0)
			return (size_t)at;
	fail_msg("no such segment");
	return 0;
}

/* Where the value of TAG is in the dynamic section. */
static size_t dynamic(const struct buf *file, uint64_t tag)
{
	size_t at = (size_t)data_get(file, segment(file, PT_DYNAMIC, 0) + 8, 8);

	for (; data_get(file, at, 8); at += 16)
		if (data_get(file, at, 8) == tag)
			return at + 8;
	fail_msg("no tag %ju", (uintmax_t)tag);
	return 0;
}

/* Where what TAG points to is in the file. */
static size_t target(const struct buf *file, uint64_t tag)
{
	uint64_t address = data_get(file, dynamic(file, tag), 8);

	for (unsigned i = 0;; i++) {
		size_t at = segment(file, PT_LOAD, i);
		uint64_t offset = data_get(file, at + 8, 8), begin = data_get(file, at + 16, 8);

		if (address >= begin && address - begin < data_get(file, at + 32, 8))
			return (size_t)(offset + address - begin);
	}
}

enum what { HEADER, DYNAMIC, TARGET, LOAD };

struct lie {
	const char *name;
	const char *file;
	bool stripped; /* of section headers, so that the dynamic section is all there is */
	enum what what;
	uint64_t tag;
	size_t at; /* after the place that WHAT and TAG name */
	unsigned bytes;
	uint64_t value;
	const char *malformed; /* a part of it; NULL: nothing */
	bool needs;	       /* needed libraries are still read */
};

#define GNU "libtake_gnu.so"
#define SYSV "libtake_sysv.so"

static const struct lie lies[] = {
	{"nothing", GNU, false, HEADER, 0, 4, 1, 2, NULL, true},
	{"e_shoff beyond the file", GNU, false, HEADER, 0, 40, 8, UINT64_C(1) << 40,
	 "section headers lie outside", true},
	{"e_shoff near 2^64", GNU, false, HEADER, 0, 40, 8, UINT64_MAX - 8,
	 "section headers lie outside", true},
	{"e_shnum 65535", GNU, false, HEADER, 0, 60, 2, 0xffff, "section headers lie outside",
	 true},
	{"e_shentsize 0", GNU, false, HEADER, 0, 58, 2, 0, "section headers lie outside", true},
	{"e_phoff beyond the file", GNU, false, HEADER, 0, 32, 8, UINT64_C(1) << 40,
	 "program headers lie outside", false},
	{"e_phnum 65535", GNU, false, HEADER, 0, 56, 2, 0xffff, "program headers lie outside",
	 false},
	{"e_phentsize 1", GNU, false, HEADER, 0, 54, 2, 1, "program headers lie outside", false},
	{"class 3", GNU, false, HEADER, 0, 4, 1, 3, "neither a 32-bit", false},
	{"big-endian", GNU, false, HEADER, 0, 5, 1, 2, "big-endian", false},
	{"byte order 0", GNU, false, HEADER, 0, 5, 1, 0, "big-endian", false},
	{"DT_NEEDED beyond the string table", GNU, false, DYNAMIC, DT_NEEDED, 0, 8, 1 << 30,
	 "no end inside its string table", true},
	{"DT_RUNPATH beyond the string table", GNU, true, DYNAMIC, DT_RUNPATH, 0, 8, UINT64_MAX,
	 "no end inside its string table", true},
	{"DT_STRSZ 4: names have no end", GNU, true, DYNAMIC, DT_STRSZ, 0, 8, 4,
	 "no end inside its string table", false},
	{"DT_STRSZ beyond the segment", GNU, true, DYNAMIC, DT_STRSZ, 0, 8, UINT64_C(1) << 50,
	 "no end inside its string table", false},
	{"DT_STRTAB that nothing maps", GNU, true, DYNAMIC, DT_STRTAB, 0, 8, UINT64_C(1) << 60,
	 "no end inside its string table", false},
	{"DT_SYMTAB that nothing maps", GNU, true, DYNAMIC, DT_SYMTAB, 0, 8, UINT64_C(1) << 60,
	 "announced", true},
	{"hash table with 4 billion symbols", SYSV, true, TARGET, DT_HASH, 4, 4, UINT32_MAX,
	 "announced", true},
	{"hash table with 4 billion buckets", GNU, true, TARGET, DT_GNU_HASH, 0, 4, UINT32_MAX,
	 NULL, true},
	{"hash table with 4 billion bloom words", GNU, true, TARGET, DT_GNU_HASH, 8, 4, UINT32_MAX,
	 NULL, true},
	{"hash table whose first symbol is the last number", GNU, true, TARGET, DT_GNU_HASH, 4, 4,
	 UINT32_MAX, "announced", true},
	{"a version that comes before itself", GNU, false, TARGET, DT_VERNEED, 12, 4, 1, NULL,
	 true},
	{"a version chain of steps over itself", GNU, false, TARGET, DT_VERNEED, 8, 4, 0, NULL,
	 true},
	{"a version chain beyond its section", GNU, false, TARGET, DT_VERNEED, 8, 4, UINT32_MAX,
	 NULL, true},
	{"a version of no name", GNU, false, TARGET, DT_VERNEED, 4, 4, UINT32_MAX,
	 "no end inside its string table", true},
	{"a segment as long as the address space", GNU, true, LOAD, 0, 32, 8, UINT64_MAX,
	 "no end inside its string table", false},
};

static struct binary read_with(const struct lie *lie, struct arena *arena)
{
	struct buf file = data_load(BUILT, lie->file);
	size_t base = lie->what == DYNAMIC  ? dynamic(&file, lie->tag)
		      : lie->what == TARGET ? target(&file, lie->tag)
		      : lie->what == LOAD   ? segment(&file, PT_LOAD, 0)
					    : 0;
	struct binary out;
	struct err err;

	if (lie->stripped)
		data_strip(&file);
	data_put(&file, base + lie->at, lie->bytes, lie->value);
	assert_int_equal(data_read("x", file.data, file.len, arena, &out, &err), 0);
	buf_done(&file);
	return out;
}

static void lies_are_told_and_the_rest_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct binary out = read_with(&lies[i], arena);

		if (!out.malformed != !lies[i].malformed ||
		    (out.malformed && !strstr(out.malformed, lies[i].malformed)))
			fail_msg("%s: %s", lies[i].name, out.malformed ? out.malformed : "nothing");
		if ((out.needed.count > 0) != lies[i].needs)
			fail_msg("%s: %zu needed", lies[i].name, out.needed.count);
	}
}

static void every_cut_of_a_library_is_survived(void **state)
{
	struct buf file = data_load(BUILT, GNU);
	struct err err;

	(void)state;
	for (size_t len = 0; len < file.len; len += len < 512 ? 1 : 97) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct binary out;

		if (data_read("x", file.data, len, arena, &out, &err) < 0) {
			assert_true(len < 4);
			assert_int_equal(err.code, ERR_NOTFOUND);
		} else {
			assert_true(len >= 4);
			assert_non_null(out.malformed);
		}
	}
	buf_done(&file);
}

static void what_is_no_elf_file_is_not_read(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct binary out = {.machine = "mine"};
	struct err err;

	(void)state;
	assert_int_equal(data_read("x", "#!/bin/sh\n", 10, arena, &out, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_string_equal(out.machine, "mine");
	assert_false(binary_is_elf("\177EL", 3));
	assert_true(binary_is_elf("\177ELF", 4));
}

static void names_that_share_their_bytes_do_not_fill_memory(void **state)
{
	enum { STRINGS = 4000, SYMBOLS = 40000, BASE = 64 + 2 * 64 + 56 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct buf file;
	struct binary out;
	struct err err;
	char *zeros = calloc(1, BASE + STRINGS + (size_t)SYMBOLS * 24);

	(void)state;
	assert_non_null(zeros);
	buf_init(&file, FILE_MAX);
	buf_add(&file, zeros, BASE + STRINGS + (size_t)SYMBOLS * 24);
	free(zeros);
	memcpy(file.data, "\177ELF\2\1\1", 7);
	data_put(&file, 16, 2, 3);
	data_put(&file, 32, 8, 192); /* a dynamic section, or symbols would not matter */
	data_put(&file, 54, 2, 56);
	data_put(&file, 56, 2, 1);
	data_put(&file, 192, 4, PT_DYNAMIC);
	data_put(&file, 192 + 32, 8, 16);
	data_put(&file, 40, 8, 64);
	data_put(&file, 58, 2, 64);
	data_put(&file, 60, 2, 2);
	data_put(&file, 64 + 4, 4, 3); /* the strings: one of nearly all their bytes */
	data_put(&file, 64 + 24, 8, BASE);
	data_put(&file, 64 + 32, 8, STRINGS);
	memset(file.data + BASE, 'x', STRINGS - 1);
	data_put(&file, 128 + 4, 4, 11); /* the symbols: all undefined, all of that name */
	data_put(&file, 128 + 24, 8, BASE + STRINGS);
	data_put(&file, 128 + 32, 8, (uint64_t)SYMBOLS * 24);
	assert_int_equal(data_read("x", file.data, file.len, arena, &out, &err), 0);
	assert_non_null(out.malformed);
	assert_string_equal(out.malformed, "too many bytes of names");
	assert_true(out.undefined_count > 0 && out.undefined_count < SYMBOLS - 1);
	buf_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lies_are_told_and_the_rest_is_read),
		cmocka_unit_test(every_cut_of_a_library_is_survived),
		cmocka_unit_test(what_is_no_elf_file_is_not_read),
		cmocka_unit_test(names_that_share_their_bytes_do_not_fill_memory),
	};

	return cmocka_run_group_tests_name("binary/malformed", tests, NULL, NULL);
}
