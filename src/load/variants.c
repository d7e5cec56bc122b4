#include "load/variants.h"

/* FNV-1a: fast, and nobody makes texts collide here. */
uint64_t variants_hash(const char *text, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

void variants_add(struct variants *variants, uint64_t hash, uint64_t count)
{
	for (size_t i = 0; i < VARIANTS_KEPT; i++) {
		if (variants->counts[i] && variants->texts[i] != hash)
			continue;
		variants->texts[i] = hash;
		variants->counts[i] += count;
		return;
	}
	variants->others += count;
}

void variants_merge(struct variants *into, const struct variants *from)
{
	for (size_t i = 0; i < VARIANTS_KEPT; i++)
		if (from->counts[i])
			variants_add(into, from->texts[i], from->counts[i]);
	into->others += from->others;
}

uint64_t variants_diverging(const struct variants *variants, uint64_t *all)
{
	uint64_t sum = variants->others, most = 0;

	for (size_t i = 0; i < VARIANTS_KEPT; i++) {
		sum += variants->counts[i];
		if (variants->counts[i] > most)
			most = variants->counts[i];
	}
	*all = sum;
	return sum - most;
}
