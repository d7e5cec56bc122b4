#include "report/report_ops.h"

#include <string.h>

const struct report_ops *const report_kinds[] = {
#define KIND(name) &report_##name,
#include "report/kinds.def"
#undef KIND
	NULL,
};

const struct report_ops *report_find(const char *format)
{
	for (size_t i = 0; report_kinds[i]; i++)
		if (strcmp(report_kinds[i]->format, format) == 0)
			return report_kinds[i];
	return NULL;
}
