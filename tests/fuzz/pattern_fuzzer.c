/* Patterns of Go: any text is refused with ERR_USAGE, or is one that PCRE2 compiles and runs. */
#include "base/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "hello world\nline two\nversion=1.2.3\n";
	char pattern[200];
	struct err err = {0};
	const char *at = NULL;
	size_t len = 0;
	int found;

	if (size >= sizeof(pattern))
		return 0;
	memcpy(pattern, data, size);
	pattern[size] = '\0';
	if (pattern_go_check(pattern, &err) < 0) {
		if (err.code != ERR_USAGE || !*err.msg)
			abort();
		return 0;
	}
	found = pattern_go_find(pattern, text, sizeof(text) - 1, &at, &len, &err);
	if (found > 0 && (at < text || at + len > text + sizeof(text) - 1))
		abort();
	if (found < 0 && err.code != ERR_LIMIT)
		abort();
	return 0;
}
