/* The overview: runs are columns, newest first, checks are rows; one table per suite. */
#include "site/site_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 256
#define SUBJECT_BYTES_MAX 300

struct cell {
	const char *name;
	const char *kind;
	char outcome;
	char flip;
};

struct column {
	const char *id, *path, *image, *suite;
	const char *commit, *subject, *author, *started_at, *reason;
	const char *baseline;
	int64_t time_s;
	uint64_t duration_ns;
	enum verdict verdict;
	unsigned passed, failed, other;
	size_t gone;
	struct cell *cells;
	size_t cell_count;
};

struct site_grid {
	struct arena *arena;
	struct column *columns;
	size_t column_count;
	size_t *starts; /* first column of every page */
	size_t page_count;
	size_t page_cells; /* of the last page so far */
};

struct site_grid *site_grid_new(void)
{
	struct arena *arena = arena_new();
	struct site_grid *grid = arena_alloc(arena, sizeof(*grid));

	grid->arena = arena;
	return grid;
}

void site_grid_free(struct site_grid *grid)
{
	if (grid)
		arena_free(grid->arena);
}

void site_grid_freep(struct site_grid **grid)
{
	site_grid_free(*grid);
}

static void count_cells(struct column *column, const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++) {
		enum outcome outcome = run->cases[i].outcome;

		if (outcome == OUTCOME_PASS)
			column->passed++;
		else if (outcome_is_failure(outcome))
			column->failed++;
		else
			column->other++;
	}
}

static void copy_cells(struct column *column, const struct run *run, struct arena *arena)
{
	column->cells = arena_alloc(arena, (run->case_count + 1) * sizeof(*column->cells));
	column->cell_count = run->case_count;
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];

		column->cells[i] = (struct cell){
			.name = arena_strdup(arena, result->name),
			.kind = arena_strdup(arena, result->kind),
			.outcome = site_outcome_letter(result->outcome),
			.flip = site_flip_letter(result->flip),
		};
	}
}

/* A page ends before the run that would make it too big. */
static void start_page(struct site_grid *grid, size_t cells)
{
	size_t index = grid->column_count - 1;
	size_t first = grid->page_count ? grid->starts[grid->page_count - 1] : 0;

	if (!grid->page_count || index - first >= SITE_COLUMNS_MAX ||
	    grid->page_cells + cells > SITE_CELLS_MAX) {
		*(size_t *)arena_push(grid->arena, &grid->starts, &grid->page_count,
				      sizeof(*grid->starts)) = index;
		grid->page_cells = 0;
	}
	grid->page_cells += cells;
}

void site_grid_add(struct site_grid *grid, const struct run *run, bool has_image)
{
	struct arena *arena = grid->arena;
	struct column *column =
		arena_push(arena, &grid->columns, &grid->column_count, sizeof(*column));

	*column = (struct column){
		.id = arena_strdup(arena, run->id),
		.path = site_run_path(run->id, arena),
		.image = has_image ? site_image_path(run->build.image_id, arena) : NULL,
		.suite = arena_strdup(arena, run->suite ? run->suite : ""),
		.commit = arena_strdup(arena, run->commit.hash),
		.subject = arena_strdup(arena, run->commit.subject),
		.author = arena_strdup(arena, run->commit.author),
		.started_at = arena_strdup(arena, run->started_at),
		.reason = arena_strdup(arena, run->reason),
		.baseline = arena_strdup(arena, run->baseline.commit),
		.time_s = run->commit.time_s,
		.duration_ns = run->duration_ns,
		.verdict = run->verdict,
		.gone = run->gone.count,
	};
	count_cells(column, run);
	copy_cells(column, run, arena);
	start_page(grid, run->case_count);
}

size_t site_grid_pages(const struct site_grid *grid)
{
	return grid->page_count ? grid->page_count : 1;
}

const char *site_grid_path(size_t page, struct arena *arena)
{
	return page ? arena_printf(arena, "index-%zu.html", page + 1) : "index.html";
}

/* --- writing --------------------------------------------------------------------------------- */

struct row {
	const char *name;
	const char *kind;
	size_t order; /* of first appearance, so that rows keep the suite's order */
	char *outcomes, *flips;
};

static int by_name(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->order > right->order) - (left->order < right->order);
}

static int by_order(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return (left->order > right->order) - (left->order < right->order);
}

/* Every check that one of the COUNT columns has, once. */
static struct row *collect_rows(const struct column *const *columns, size_t count,
				struct arena *arena, size_t *row_count)
{
	size_t total = 0, kept = 0;
	struct row *rows;

	for (size_t i = 0; i < count; i++)
		total += columns[i]->cell_count;
	rows = arena_alloc(arena, (total + 1) * sizeof(*rows));
	total = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < columns[i]->cell_count; j++, total++)
			rows[total] = (struct row){.name = columns[i]->cells[j].name,
						   .kind = columns[i]->cells[j].kind,
						   .order = total};
	qsort(rows, total, sizeof(*rows), by_name);
	for (size_t i = 0; i < total; i++)
		if (!kept || strcmp(rows[kept - 1].name, rows[i].name) != 0)
			rows[kept++] = rows[i];
	for (size_t i = 0; i < kept; i++) {
		rows[i].outcomes = memset(arena_alloc(arena, count + 1), '-', count);
		rows[i].flips = memset(arena_alloc(arena, count + 1), '.', count);
	}
	*row_count = kept;
	return rows;
}

/* ROWS are sorted by name here. */
static void fill_rows(struct row *rows, size_t row_count, const struct column *const *columns,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < columns[i]->cell_count; j++) {
			const struct cell *cell = &columns[i]->cells[j];

			size_t low = 0, high = row_count;

			while (low < high) {
				size_t middle = low + (high - low) / 2;

				if (strcmp(rows[middle].name, cell->name) < 0)
					low = middle + 1;
				else
					high = middle;
			}
			rows[low].outcomes[i] = cell->outcome;
			rows[low].flips[i] = cell->flip;
		}
}

static void put_rows(const struct column *const *columns, size_t count, struct arena *arena,
		     struct json *out)
{
	size_t row_count;
	struct row *rows = collect_rows(columns, count, arena, &row_count);
	struct json *list = json_add_array(out, "checks");

	fill_rows(rows, row_count, columns, count);
	qsort(rows, row_count, sizeof(*rows), by_order);
	for (size_t i = 0; i < row_count; i++) {
		struct json *item = json_add_object(list, NULL);

		site_add_text(item, "name", rows[i].name, NAME_BYTES_MAX);
		site_add_text(item, "kind", rows[i].kind, NAME_BYTES_MAX);
		json_add_str(item, "outcomes", rows[i].outcomes);
		json_add_str(item, "flips", rows[i].flips);
	}
}

static void put_column(const struct column *column, struct json *out)
{
	json_add_str(out, "id", column->id);
	json_add_str(out, "page", column->path);
	json_add_str(out, "image", column->image);
	json_add_str(out, "commit", column->commit);
	site_add_text(out, "subject", column->subject, SUBJECT_BYTES_MAX);
	site_add_text(out, "author", column->author, NAME_BYTES_MAX);
	json_add_int(out, "time_s", column->time_s);
	json_add_str(out, "started_at", column->started_at);
	json_add_str(out, "verdict", verdict_name(column->verdict));
	site_add_text(out, "reason", column->reason, SITE_FIELD_MAX);
	json_add_str(out, "baseline", column->baseline);
	json_add_int(out, "passed", column->passed);
	json_add_int(out, "failed", column->failed);
	json_add_int(out, "other", column->other);
	json_add_int(out, "gone", (int64_t)column->gone);
	site_add_seconds(out, "duration_s", column->duration_ns);
}

/* The columns FIRST..END of SUITE. */
static void put_suite(const struct site_grid *grid, size_t first, size_t end, const char *suite,
		      struct arena *arena, struct json *out)
{
	const struct column **columns = arena_alloc(arena, (end - first + 1) * sizeof(*columns));
	struct json *runs = json_add_array(out, "runs");
	size_t count = 0;

	json_add_str(out, "name", suite);
	for (size_t i = first; i < end; i++)
		if (strcmp(grid->columns[i].suite, suite) == 0) {
			put_column(&grid->columns[i], json_add_object(runs, NULL));
			columns[count++] = &grid->columns[i];
		}
	put_rows(columns, count, arena, out);
}

static bool is_first_of_suite(const struct site_grid *grid, size_t first, size_t index)
{
	for (size_t i = first; i < index; i++)
		if (strcmp(grid->columns[i].suite, grid->columns[index].suite) == 0)
			return false;
	return true;
}

void site_grid_write(const struct site_grid *grid, size_t page, const struct site_frame *frame,
		     struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct site_page frame_page = {.kind = "overview", .title = frame->title, .root = ""};
	struct json *data = json_new_object(), *suites = json_add_array(data, "suites");
	size_t first = grid->page_count ? grid->starts[page] : 0;
	size_t end = page + 1 < grid->page_count ? grid->starts[page + 1] : grid->column_count;

	json_add_int(data, "page", (int64_t)page + 1);
	json_add_int(data, "pages", (int64_t)site_grid_pages(grid));
	json_add_int(data, "run_count", (int64_t)grid->column_count);
	for (size_t i = first; i < end; i++)
		if (is_first_of_suite(grid, first, i))
			put_suite(grid, first, end, grid->columns[i].suite, arena,
				  json_add_object(suites, NULL));
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}
