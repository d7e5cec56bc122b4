/* Reads a written page back as a browser would: the data is what stands between its script tags. */
#ifndef TESTS_SITE_PAGE_DATA_H
#define TESTS_SITE_PAGE_DATA_H

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The text every hostile field of these tests has. */
#define HOSTILE "</script><b>\"'&`\x01\x1b[31m\xff\xc3(\xe2\x80\xae<!--"

static inline size_t occurrences(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		count++;
	return count;
}

/* The caller frees it. */
static inline struct json *page_data(const char *page)
{
	static const char open[] = "<script type=\"application/json\" id=\"data\">";
	const char *from = strstr(page, open), *end;
	struct json *data = NULL;
	struct err err = {0};

	assert_non_null(from);
	assert_int_equal(occurrences(page, open), 1);
	from += sizeof(open) - 1;
	end = strstr(from, "</script>");
	assert_non_null(end);
	if (json_parse(from, (size_t)(end - from), false, &data, &err) < 0)
		fail_msg("%s", err.msg);
	return data;
}

static inline const struct json *item(const struct json *list, size_t index)
{
	const struct json *at = json_first(list);

	while (at && index--)
		at = json_next(at);
	assert_non_null(at);
	return at;
}

#endif
