/* Bisections: the answers kept in STATE/bisect/KEY/answer.json. */
#include "base/file.h"
#include "cmd/report_private.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define BISECTS_MAX 1000
#define ANSWER_VERSION 1

static int by_id(const void *a, const void *b)
{
	const struct site_bisect *left = a, *right = b;

	return strcmp(left->id, right->id);
}

static struct json *read_answer(const char *path)
{
	struct json *answer = NULL;
	struct err ignored;
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	if (file_read(path, &text, &ignored) == 0)
		(void)json_parse(buf_str(&text), text.len, false, &answer, &ignored);
	buf_done(&text);
	if (answer && json_int(answer, "assay_bisect", 0) != ANSWER_VERSION) {
		json_free(answer);
		return NULL;
	}
	return answer;
}

/* What the runs of this report know of the commits. */
static void add_known(const struct report *report, struct site_bisect *bisect)
{
	struct arena *arena = report->arena;
	size_t count = report->row_count;

	bisect->subjects.items = arena_alloc(arena, (count + 1) * sizeof(struct pair));
	bisect->runs.items = arena_alloc(arena, (count + 1) * sizeof(char *));
	bisect->subjects.count = bisect->runs.count = count;
	for (size_t i = 0; i < count; i++) {
		bisect->subjects.items[i] =
			(struct pair){report->rows[i].commit, report->rows[i].subject};
		bisect->runs.items[i] = report->rows[i].id;
	}
}

void report_find_bisects(struct report *report)
{
	struct arena *arena = report->arena;
	const char *folder = arena_printf(arena, "%s/bisect", report->state ? report->state : "");
	DIR *dir = report->state ? opendir(folder) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) && report->bisect_count < BISECTS_MAX) {
		struct json *answer = entry->d_name[0] == '.'
					      ? NULL
					      : read_answer(arena_printf(arena, "%s/%s/answer.json",
									 folder, entry->d_name));
		struct site_bisect *bisect;

		if (!answer)
			continue;
		bisect =
			arena_push(arena, &report->bisects, &report->bisect_count, sizeof(*bisect));
		bisect->id = arena_strdup(arena, entry->d_name);
		bisect->answer = answer;
		*(struct json **)arena_push(arena, &report->answers, &report->answer_count,
					    sizeof(*report->answers)) = answer;
		add_known(report, bisect);
	}
	if (dir)
		(void)closedir(dir);
	if (report->bisect_count)
		qsort(report->bisects, report->bisect_count, sizeof(*report->bisects), by_id);
	report->frame.bisect_count = report->bisect_count;
}

int report_write_bisects(struct report *report, struct buf *page, struct err *err)
{
	for (size_t i = 0; i < report->bisect_count; i++) {
		site_bisect_write(&report->bisects[i], &report->frame, page);
		if (report_write_page(report,
				      site_bisect_path(report->bisects[i].id, report->arena), page,
				      err) < 0)
			return -1;
	}
	if (!report->bisect_count)
		return 0;
	site_bisects_write(report->bisects, report->bisect_count, &report->frame, page);
	return report_write_page(report, "bisects.html", page, err);
}

void report_bisects_done(struct report *report)
{
	for (size_t i = 0; i < report->answer_count; i++)
		json_free(report->answers[i]);
}
