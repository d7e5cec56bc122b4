/* The frame of every page: web/page.html with its marks filled in. */
#include "site/site_private.h"

#include <string.h>

/* web/page.html, with a NUL behind it. */
extern const char site_page_html[];

static void put_charts(const struct site_page *page, struct buf *out)
{
	if (page->charts)
		buf_printf(out,
			   "<script defer src=\"%1$sassets/chart.min.js\"></script>\n"
			   "<script defer src=\"%1$sassets/charts.js\"></script>\n",
			   page->root);
}

/* NAME is what stands between the braces. */
static void put_mark(const char *name, const struct site_page *page, const struct site_frame *frame,
		     struct buf *out)
{
	if (strcmp(name, "title") == 0)
		site_put_text(out, page->title);
	else if (strcmp(name, "report") == 0)
		site_put_text(out, frame->title);
	else if (strcmp(name, "version") == 0)
		buf_addstr(out, ASSAY_VERSION);
	else if (strcmp(name, "root") == 0)
		buf_addstr(out, page->root);
	else if (strcmp(name, "kind") == 0)
		buf_addstr(out, page->kind);
	else if (strcmp(name, "bisects") == 0)
		buf_printf(out, "%zu", frame->bisect_count);
	else if (strcmp(name, "charts") == 0)
		put_charts(page, out);
	else if (strcmp(name, "data") == 0)
		site_put_json(page->data, out);
}

void site_page_write(struct site_page *page, const struct site_frame *frame, struct buf *out)
{
	const char *from = site_page_html, *open, *close;
	char name[16];

	while ((open = strstr(from, "{{")) && (close = strstr(open, "}}"))) {
		size_t len = (size_t)(close - open) - 2;

		buf_add(out, from, (size_t)(open - from));
		from = close + 2;
		if (len >= sizeof(name))
			continue;
		memcpy(name, open + 2, len);
		name[len] = '\0';
		put_mark(name, page, frame, out);
	}
	buf_addstr(out, from);
	json_free(page->data);
	page->data = NULL;
}
