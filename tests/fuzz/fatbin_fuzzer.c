/* Counts of the walk must hold together, and what it finds the scan, which is laxer, must find. */
#include "fuzzer.h"

#include "binary/fatbin.h"

#include <stdlib.h>

static void check(const struct fatbin_summary *summary)
{
	for (size_t i = 0; i < summary->arch_count; i++) {
		const struct fatbin_arch *arch = &summary->archs[i];

		if (!arch->entries || !arch->fatbins || arch->fatbins > arch->entries ||
		    arch->fatbins > summary->fatbin_count)
			abort();
		if (i && arch->kind == arch[-1].kind && arch->cc < arch[-1].cc)
			abort();
	}
	if (!summary->arch_count != !summary->fatbin_count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct fatbin_summary walked = {0}, scanned = {0};

	fatbin_walk(data, size, arena, &walked);
	fatbin_scan(data, size, arena, &scanned);
	check(&walked);
	check(&scanned);
	if (scanned.malformed || (!walked.malformed && scanned.fatbin_count != walked.fatbin_count))
		abort();
	for (unsigned cc = 70; cc < 130; cc++)
		(void)fatbin_best(&walked, cc);
	(void)fatbin_text(&walked, arena);
	arena_free(arena);
	return 0;
}
