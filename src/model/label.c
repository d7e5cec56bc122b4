#include "model/run.h"

#include <string.h>

const struct label label_table[] = {
#define LABEL(name, summary, advice) {name, summary, advice},
#include "model/labels.def"
#undef LABEL
	{NULL, NULL, NULL},
};

const struct label *label_find(const char *name)
{
	for (const struct label *label = label_table; label->name; label++)
		if (strcmp(label->name, name) == 0)
			return label;
	return NULL;
}
