#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char msg[] = "assay: out of memory\n";

	(void)!write(2, msg, sizeof(msg) - 1);
	abort();
}

void *xcalloc(size_t count, size_t size)
{
	void *out = calloc(count ? count : 1, size ? size : 1);

	if (!out)
		out_of_memory();
	return out;
}

void *xrealloc(void *old, size_t size)
{
	void *out = realloc(old, size ? size : 1);

	if (!out)
		out_of_memory();
	return out;
}

char *xstrdup(const char *text)
{
	char *out = strdup(text);

	if (!out)
		out_of_memory();
	return out;
}
