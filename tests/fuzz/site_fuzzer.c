/* Pages: whatever bytes names, logs and answers hold, a page is UTF-8 without control characters,
 * its scripts are those of the frame, and its data is JSON. */
#include "base/utf8.h"
#include "fuzzer.h"
#include "site/site.h"

#include <stdlib.h>
#include <string.h>

#define SCRIPTS 3 /* of the frame without charts */
#define SCRIPTS_WITH_CHARTS 5

static const struct site_frame frame = {.title = "report"};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		count++;
	return count;
}

static void check_page(const struct buf *page, size_t scripts)
{
	static const char open[] = "id=\"data\">";
	const char *from = strstr(page->data, open) + sizeof(open) - 1;
	struct json *data = NULL;
	struct err err;

	must(strlen(page->data) == page->len);
	must(count_of(page->data, "</script") == scripts && !strstr(page->data, "<!--"));
	must(json_parse(from, (size_t)(strstr(from, "</script>") - from), false, &data, &err) == 0);
	for (size_t i = 0; i < page->len;) {
		size_t len = utf8_length(page->data + i, page->len - i);

		must(len && ((unsigned char)page->data[i] >= ' ' || page->data[i] == '\n'));
		i += len;
	}
	json_free(data);
}

static void write_run(const char *text, size_t size)
{
	struct run *run = run_new();
	struct pair pair = {text, text};
	const struct site_run page = {.run = run,
				      .newer = text,
				      .log = text,
				      .log_len = size,
				      .log_bytes = size,
				      .no_differences = text};
	struct buf out;

	run->id = run->suite = run->reason = run->started_at = text;
	run->commit = (struct commit){.hash = text, .subject = text, .author = text};
	run->environment = (struct pairs){&pair, 1};
	case_pass(run_add_case(run, text, "env"), text);
	run->cases[0].out = run->cases[0].errout = text;
	case_add_metric(&run->cases[0], run->arena, text, text, DIRECTION_HIGHER)->cell = text;
	metric_add_sample(&run->cases[0].metrics[0], run->arena, (double)size);
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_run_write(&page, &frame, &out);
	check_page(&out, SCRIPTS);
	buf_done(&out);
	run_free(run);
}

static void write_bisect(const char *text, size_t size)
{
	struct json *answer = NULL;
	struct err ignored;
	struct buf out;

	if (json_parse(text, size, false, &answer, &ignored) < 0)
		return;
	const struct site_bisect page = {.id = "id", .answer = answer};

	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_bisect_write(&page, &frame, &out);
	check_page(&out, SCRIPTS_WITH_CHARTS);
	buf_done(&out);
	json_free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);

	must(text != NULL);
	if (size)
		memcpy(text, data, size);
	write_run(text, size);
	write_bisect(text, size);
	free(text);
	return 0;
}
