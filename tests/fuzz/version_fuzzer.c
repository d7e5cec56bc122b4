/* Input: "CONSTRAINT\nVERSION\nVERSION". */
#include "fuzzer.h"

#include "base/arena.h"
#include "parse/version.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	char *constraint = arena_strndup(arena, (const char *)data, size);
	char *a = strchr(constraint, '\n'), *b;

	if (!a)
		a = constraint + strlen(constraint);
	else
		*a++ = '\0';
	b = strchr(a, '\n');
	if (!b)
		b = a + strlen(a);
	else
		*b++ = '\0';
	for (int scheme = VERSION_PEP440; scheme <= VERSION_DOTTED; scheme++) {
		enum version_scheme s = (enum version_scheme)scheme;
		int ab = 0, ba = 0;
		struct err err;
		bool out;

		(void)version_matches(s, constraint, a, &out, &err);
		if (version_compare(s, a, b, &ab, &err) == 0 &&
		    version_compare(s, b, a, &ba, &err) == 0 && ab != -ba)
			abort();
	}
	arena_free(arena);
	return 0;
}
