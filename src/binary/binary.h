/*
 * What an ELF file needs, gives and holds: read from its bytes, never loaded. Pure; hostile input
 * is expected: every offset is checked, every count has a maximum, nothing loops.
 */
#ifndef BINARY_BINARY_H
#define BINARY_BINARY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"
#include "binary/fatbin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BINARY_NAME_MAX 4096	   /* bytes of one name; longer ones make the file malformed */
#define BINARY_NEEDED_MAX 4096	   /* DT_NEEDED entries */
#define BINARY_VERSIONS_MAX 65536  /* version definitions or needs */
#define BINARY_SYMBOLS_MAX 4000000 /* dynamic symbols */

enum binary_kind { BINARY_EXECUTABLE, BINARY_SHARED, BINARY_OBJECT, BINARY_CUBIN, BINARY_OTHER };

struct binary_version_need {
	const char *file;    /* "libc.so.6" */
	const char *version; /* "GLIBC_2.34" */
	bool weak;
};

struct binary_symbol {
	const char *name;
	const char *version; /* of a versioned reference, NULL: none */
	bool weak;
};

struct binary {
	enum binary_kind kind;
	bool is64;
	const char *machine; /* "x86_64", "aarch64", "cuda", else "em-NNN" */
	const char *interp;  /* PT_INTERP, NULL: none */
	const char *soname;
	const char *rpath;   /* DT_RPATH, NULL: none */
	const char *runpath; /* DT_RUNPATH */
	struct strings needed;
	struct binary_version_need *version_needs; /* .gnu.version_r */
	size_t version_need_count;
	struct strings version_defs;	 /* .gnu.version_d without the base entry */
	struct binary_symbol *undefined; /* dynamic symbols that others must define */
	size_t undefined_count;
	uint64_t *defined; /* binary_symbol_hash of each dynamic symbol defined here, sorted */
	size_t defined_count;
	struct fatbin_summary device; /* arch_count 0: no device code */
	/* The literal that torch.cuda.get_arch_list() prints, "sm_75 sm_80 …"; looked for in
	 * libtorch_python.so only. */
	const char *arch_list;
	/* Targets that a ptxas knows, "sm_120", "sm_120a", sorted; looked for in files named
	 * ptxas* only. */
	struct strings ptxas_targets;
	const char *malformed; /* what is wrong with the file, NULL: nothing. What could be read is
				  filled all the same. */
};

/* Does it begin like an ELF file? LEN may be less than the file's. */
bool binary_is_elf(const void *data, size_t len);

/* Read the file of LEN bytes at DATA (a mapping is fine: pages that are not needed are not
 * touched). PATH decides only what else is looked for. Strings are copied into ARENA.
 * ERR_NOTFOUND: no ELF file. Anything worse is OUT->malformed. */
int binary_read(const char *path, const void *data, size_t len, struct arena *arena,
		struct binary *out, struct err *err);

/* 64 bits of a symbol's name without version; only good on the machine that computed them. */
uint64_t binary_symbol_hash(const char *name);
bool binary_defines(const struct binary *binary, const char *symbol);

/* As bytes for the facts cache, and back. The format carries BINARY_FORMAT; load refuses other
 * formats and anything malformed with ERR_NOTFOUND, which means "read the file again". */
#define BINARY_FORMAT 2
void binary_save(const struct binary *binary, struct buf *out);
int binary_load(const void *data, size_t len, struct arena *arena, struct binary *out,
		struct err *err);

#endif
