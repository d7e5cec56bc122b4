/* Facts that runs kept beside the history: read once per image, the latest few stay. */
#include "cmd/report_private.h"
#include "cmd/subject.h"

#include <string.h>

/* Any run of this image will do: equal image, equal facts. */
static struct facts *read_facts(const struct report *report, const char *image_id)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct facts *facts = NULL;
	struct err ignored;

	for (size_t i = 0; report->state && !facts && i < report->row_count; i++) {
		const struct run_row *row = &report->rows[i];

		if (row->image_id && strcmp(row->image_id, image_id) == 0)
			(void)subject_read_facts(arena_printf(arena, "%s/runs/%s/facts.json",
							      report->state, row->id),
						 &facts, &ignored);
	}
	return facts;
}

static const struct facts *find_facts(struct report *report, const char *image_id)
{
	struct report_facts *oldest = &report->kept[0];

	report->clock++;
	for (size_t i = 0; i < REPORT_FACTS_KEPT; i++) {
		struct report_facts *kept = &report->kept[i];

		if (kept->image_id && strcmp(kept->image_id, image_id) == 0) {
			kept->used = report->clock;
			return kept->facts;
		}
		if (kept->used < oldest->used)
			oldest = kept;
	}
	facts_free(oldest->facts);
	*oldest = (struct report_facts){.image_id = arena_strdup(report->arena, image_id),
					.facts = read_facts(report, image_id),
					.used = report->clock};
	return oldest->facts;
}

static const char *image_of(const struct report *report, const char *run_id)
{
	for (size_t i = 0; run_id && i < report->row_count; i++)
		if (strcmp(report->rows[i].id, run_id) == 0)
			return report->rows[i].image_id;
	return NULL;
}

void report_compare_facts(struct report *report, const struct run *run, struct arena *arena,
			  struct site_run *page)
{
	const char *image = run->build.image_id;
	const char *before = image_of(report, run->baseline.run_id);
	const struct facts *old = before ? find_facts(report, before) : NULL;
	const struct facts *new = image ? find_facts(report, image) : NULL;
	struct difference *list = NULL;

	page->has_image = new != NULL;
	if (!image)
		page->no_differences = "This run has no image.";
	else if (!run->baseline.run_id)
		page->no_differences = "There is no baseline to compare with.";
	else if (before && strcmp(before, image) == 0)
		page->no_differences = "The image is that of the baseline.";
	else if (!before)
		page->no_differences = "The baseline's run is not in this report, or has no image.";
	else if (!old || !new)
		page->no_differences = "Facts are kept in run directories; those of one of the two "
				       "images are not here.";
	if (page->no_differences)
		return;
	facts_diff(old, new, false, arena, &list, &page->difference_count);
	page->differences = list;
}

static bool is_first(const struct report *report, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (report->rows[i].image_id &&
		    strcmp(report->rows[i].image_id, report->rows[index].image_id) == 0)
			return false;
	return true;
}

static struct site_image_run *runs_of(const struct report *report, const char *image_id,
				      struct arena *arena, size_t *count)
{
	struct site_image_run *runs = NULL;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct run_row *row = &report->rows[i];

		if (row->image_id && strcmp(row->image_id, image_id) == 0)
			*(struct site_image_run *)arena_push(arena, &runs, count, sizeof(*runs)) =
				(struct site_image_run){.id = row->id,
							.commit = row->commit,
							.subject = row->subject,
							.verdict = row->verdict};
	}
	return runs;
}

int report_write_image(struct report *report, size_t index, struct buf *page, struct err *err)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct run_row *row = &report->rows[index];
	struct site_image content = {.id = row->image_id};

	if (!row->image_id || !is_first(report, index))
		return 0;
	content.facts = find_facts(report, row->image_id);
	if (!content.facts)
		return 0;
	content.runs = runs_of(report, row->image_id, arena, &content.run_count);
	*(struct site_image_row *)arena_push(report->arena, &report->images, &report->image_count,
					     sizeof(*report->images)) = (struct site_image_row){
		.id = row->image_id,
		.torch = arena_strdup(report->arena, content.facts->torch.version),
		.commit = row->commit,
		.subject = row->subject,
		.size_bytes = content.facts->size_bytes,
		.layer_count = content.facts->layer_count,
		.run_count = content.run_count,
	};
	site_image_write(&content, &report->frame, page);
	return report_write_page(report, site_image_path(row->image_id, arena), page, err);
}

void report_facts_done(struct report *report)
{
	for (size_t i = 0; i < REPORT_FACTS_KEPT; i++)
		facts_free(report->kept[i].facts);
}
