/* Triton's assembler: which GPUs it can write code for. TRITON_PTXAS_PATH replaces its own. */
#include "facts/facts_private.h"

#include <string.h>

void facts__triton(struct collector *collector)
{
	struct facts *facts = collector->facts;
	struct triton_facts *triton = &facts->triton;
	const struct dist *dist = facts_dist(facts, "triton");
	const char *replaced = facts_env(facts, "TRITON_PTXAS_PATH");
	const struct image_file *used =
		replaced && *replaced ? image_find(collector->image, replaced, true) : NULL;

	if (!dist)
		return;
	triton->present = true;
	triton->version = dist->version;
	for (size_t i = 0; i < facts->library_count; i++) {
		const struct library *library = &facts->libraries[i];

		if (!library->binary->ptxas_targets.count ||
		    !strstr(library->path, "/triton/backends/nvidia/bin/"))
			continue;
		facts__push(collector, &triton->ptxas, library->path);
		if (!used)
			for (size_t t = 0; t < library->binary->ptxas_targets.count; t++)
				facts__push(collector, &triton->targets,
					    library->binary->ptxas_targets.items[t]);
	}
	if (used && used->binary)
		triton->targets = used->binary->ptxas_targets;
}
