/* Rows of make-scipy-tsv: a name and numbers between tabs. */
#ifndef TEST_STATS_ROWS_H
#define TEST_STATS_ROWS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROW_NUMBERS 512
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct rows {
	FILE *in;
	unsigned line, bad;
	char text[16384];
	const char *name;
	double value[ROW_NUMBERS];
	size_t count;
};

static inline void rows_open(struct rows *rows, const char *path)
{
	*rows = (struct rows){.in = fopen(path, "re")};
	assert_non_null(rows->in);
}

/* The next row, 0 at the end; closes the file then, and fails when rows were bad. */
static inline int rows_next(struct rows *rows)
{
	char *at, *end;

	if (!fgets(rows->text, sizeof(rows->text), rows->in)) {
		(void)fclose(rows->in);
		assert_true(rows->line > 0);
		assert_int_equal(rows->bad, 0);
		return 0;
	}
	rows->line++;
	rows->name = rows->text;
	rows->count = 0;
	at = strchr(rows->text, '\t');
	assert_non_null(at);
	*at++ = '\0';
	for (; rows->count < ROW_NUMBERS; at = end) {
		double value = strtod(at, &end);

		if (end == at)
			break;
		rows->value[rows->count++] = value;
	}
	return 1;
}

static inline int rows_is(const struct rows *rows, const char *name)
{
	return strcmp(rows->name, name) == 0;
}

/* GOT is the row's number AT, but for a part of ERROR. */
static inline void rows_expect(struct rows *rows, size_t at, double got, double error)
{
	double want = rows->value[at];

	assert_true(at < rows->count);
	if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= error * fabs(want))
		return;
	rows->bad++;
	print_error("line %u, %s: %.17g, not %.17g, off by %.2g\n", rows->line, rows->name, got,
		    want, fabs(got - want) / fabs(want));
}

#endif
