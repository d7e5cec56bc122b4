/* Tab-separated expectations: one row a line, "#" comments. The caller frees nothing. */
#ifndef TEST_PARSE_TABLE_H
#define TEST_PARSE_TABLE_H

#include <stdio.h>
#include <string.h>

#define TABLE_COLUMNS 6

struct table {
	FILE *in;
	unsigned line;
	char text[4096];
	char *column[TABLE_COLUMNS];
	size_t columns;
};

static inline int table_open(struct table *table, const char *path)
{
	*table = (struct table){.in = fopen(path, "re")};
	return table->in ? 0 : -1;
}

static inline void table_split(struct table *table)
{
	char *at = table->text;

	table->columns = 0;
	while (at && table->columns < TABLE_COLUMNS) {
		char *tab = strchr(at, '\t');

		if (tab)
			*tab++ = '\0';
		table->column[table->columns++] = at;
		at = tab;
	}
}

/* The next row in COLUMN, 0 at the end; closes the file then. */
static inline int table_next(struct table *table)
{
	while (fgets(table->text, sizeof(table->text), table->in)) {
		table->line++;
		table->text[strcspn(table->text, "\n")] = '\0';
		if (!table->text[0] || table->text[0] == '#')
			continue;
		table_split(table);
		return 1;
	}
	(void)fclose(table->in);
	return 0;
}

#endif
