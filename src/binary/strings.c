/* Texts inside two files: the architectures torch was built for, and those a ptxas knows. */
#include "binary/elf.h"

#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 1024
#define TARGET_BYTES_MAX 16

/* Length of "sm_120a" or "compute_90" at AT, 0 when neither is there. */
static size_t arch_word(const unsigned char *at, size_t left)
{
	size_t len = 0, digits = 0;

	if (left > 3 && memcmp(at, "sm_", 3) == 0)
		len = 3;
	else if (left > 8 && memcmp(at, "compute_", 8) == 0)
		len = 8;
	if (!len)
		return 0;
	while (len + digits < left && digits < 4 && at[len + digits] >= '0' &&
	       at[len + digits] <= '9')
		digits++;
	if (digits < 2 || digits > 3)
		return 0;
	len += digits;
	return len < left && (at[len] == 'a' || at[len] == 'f') ? len + 1 : len;
}

/* A whole string of such words with single blanks between them; its length, 0 when it is none. */
static size_t arch_list(const unsigned char *at, size_t left)
{
	size_t len = arch_word(at, left), next;

	while (len && len < left && at[len] == ' ') {
		next = arch_word(at + len + 1, left - len - 1);
		if (!next)
			return 0;
		len += 1 + next;
	}
	return len && len < left && at[len] == '\0' ? len : 0;
}

/* The longest list that begins a string. */
static const char *find_list(struct elf_view view, struct arena *arena)
{
	const unsigned char *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < view.len; i++) {
		size_t len;

		if ((i && view.data[i - 1] != '\0') || (view.data[i] != 's' && view.data[i] != 'c'))
			continue;
		len = arch_list(view.data + i, view.len - i);
		if (len > best_len) {
			best = view.data + i;
			best_len = len;
		}
	}
	return best ? arena_strndup(arena, (const char *)best, best_len) : NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_target(struct strings *out, const unsigned char *at, size_t len,
		       struct arena *arena)
{
	const char **item;

	for (size_t i = 0; i < out->count; i++)
		if (strlen(out->items[i]) == len && memcmp(out->items[i], at, len) == 0)
			return;
	if (out->count == TARGETS_MAX)
		return;
	item = arena_push(arena, &out->items, &out->count, sizeof(*item));
	*item = arena_strndup(arena, (const char *)at, len);
}

static bool is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Strings that end with one "sm_…": linkers let a short string be the tail of a longer one, so the
 * target "sm_89" may be found only as the end of "%s on sm_89". */
static void find_targets(struct elf_view view, struct arena *arena, struct strings *out)
{
	const unsigned char *at = view.data, *end = view.data + view.len;

	while (at < end && (at = memmem(at, (size_t)(end - at), "sm_", 3)) != NULL) {
		size_t len = arch_word(at, (size_t)(end - at));
		bool begins = at == view.data || !is_word(at[-1]);

		if (len && len < TARGET_BYTES_MAX && begins && at + len < end && at[len] == '\0')
			add_target(out, at, len, arena);
		at += 3;
	}
}

void elf_read_strings(const struct elf *elf, const char *path, struct binary *out)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool torch = strcmp(name, "libtorch_python.so") == 0;

	if (!torch && strncmp(name, "ptxas", 5) != 0)
		return;
	for (size_t i = 0; i < elf->section_count; i++) {
		struct elf_view view = elf_content(elf, &elf->sections[i]);
		struct elf_view called = elf_slice(elf->names, elf->sections[i].name, 7);

		if (!view.len || !called.len || memcmp(called.data, ".rodata", 7) != 0)
			continue;
		if (!torch)
			find_targets(view, elf->arena, &out->ptxas_targets);
		else if (!out->arch_list)
			out->arch_list = find_list(view, elf->arena);
	}
	if (out->ptxas_targets.count)
		qsort(out->ptxas_targets.items, out->ptxas_targets.count, sizeof(char *), by_text);
}
