/* Sizes by layer: what each brought, and how much of that a later one hides. */
#include "facts/facts_private.h"

void facts__sizes(struct collector *collector)
{
	struct facts *facts = collector->facts;
	size_t count = 0, hidden_count = 0;
	const struct image_layer *layers = image_layers(collector->image, &count);
	const struct image_file *hidden = image_hidden(collector->image, &hidden_count);

	facts->file_count = 0;
	for (size_t i = 0; i < collector->file_count; i++)
		if (collector->files[i].type == FILE_REGULAR) {
			facts->size_bytes += collector->files[i].size_bytes;
			facts->file_count++;
		}
	facts->layers = arena_alloc(collector->arena, (count + 1) * sizeof(*facts->layers));
	facts->layer_count = count;
	for (size_t i = 0; i < count; i++) {
		struct layer_size *size = &facts->layers[i];

		size->origin = (struct origin){layers[i].number, layers[i].step_number,
					       arena_strdup(collector->arena, layers[i].step)};
		size->size_bytes = layers[i].size_bytes;
	}
	for (size_t i = 0; i < hidden_count; i++)
		if (hidden[i].type == FILE_REGULAR && hidden[i].layer &&
		    hidden[i].layer->number >= 1 && hidden[i].layer->number <= count)
			facts->layers[hidden[i].layer->number - 1].hidden_bytes +=
				hidden[i].size_bytes;
}
