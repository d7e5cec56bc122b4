#include "check/check_ops.h"

#include <string.h>

const struct check_ops *const check_kinds[] = {
#define KIND(name) &check_##name,
#include "check/kinds.def"
#undef KIND
	NULL,
};

const struct check_ops *check_find(const char *kind)
{
	for (size_t i = 0; check_kinds[i]; i++)
		if (strcmp(check_kinds[i]->kind, kind) == 0)
			return check_kinds[i];
	return NULL;
}
