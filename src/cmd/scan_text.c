#include "base/units.h"
#include "cmd/scan.h"

#include <stdio.h>
#include <string.h>

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define GREEN "\033[32m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

size_t scan_count(const struct scan *scan, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < scan->findings->count; i++)
		count += scan->findings->items[i].severity == severity;
	return count;
}

size_t scan_failures(const struct scan *scan)
{
	size_t count = 0;

	for (size_t i = 0; i < scan->findings->count; i++)
		count += scan->findings->items[i].severity >= scan->fail_on;
	return count;
}

/* --- what is inside -------------------------------------------------------------------------- */

static void add_image(const struct facts *facts, struct buf *out)
{
	char size[32];

	buf_printf(out, "image    %s", facts->image);
	if (facts->image_id)
		buf_printf(out, " (%.19s)", facts->image_id);
	buf_printf(out, ", %s in %zu files, %zu layer%s\n",
		   units_size(facts->size_bytes, size, sizeof(size)), facts->file_count,
		   facts->layer_count, facts->layer_count == 1 ? "" : "s");
}

static void add_system(const struct facts *facts, struct buf *out)
{
	const struct os_facts *os = &facts->os;

	buf_printf(out, "system   %s", os->pretty ? os->pretty : "no os-release");
	if (os->glibc)
		buf_printf(out, ", glibc %s", os->glibc);
	if (facts->package_count)
		buf_printf(out, ", %zu packages", facts->package_count);
	if (os->unread)
		buf_printf(out, ", packages not read: %s is rpm's", os->unread);
	buf_addstr(out, "\n");
	if (facts->python.version || facts->dist_count)
		buf_printf(out, "python   %s, %zu distribution%s\n",
			   facts->python.version ? facts->python.version : "no interpreter",
			   facts->dist_count, facts->dist_count == 1 ? "" : "s");
}

static void add_torch(const struct facts *facts, struct arena *arena, struct buf *out)
{
	const struct torch_facts *torch = &facts->torch;
	const char *where = facts_where(&torch->origin, arena);

	if (!torch->present)
		return;
	buf_printf(out, "torch    %s", torch->version ? torch->version : "of unknown version");
	if (torch->index && strcmp(torch->index, "unknown") != 0)
		buf_printf(out, " from %s", torch->index);
	buf_printf(out, ", %s%s", torch->cuda ? "CUDA " : "no CUDA",
		   torch->cuda ? torch->cuda : "");
	if (torch->cuda_library)
		buf_printf(out, ", code for %s", fatbin_text(&torch->cuda_library->device, arena));
	buf_addstr(out, "\n");
	if (*where)
		buf_printf(out, "         %s\n", where);
	if (torch->replaced_version)
		buf_printf(out, "         in place of %s, %s\n", torch->replaced_version,
			   facts_where(&torch->replaced, arena));
	if (torch->metadata_version && torch->version &&
	    strcmp(torch->metadata_version, torch->version) != 0)
		buf_printf(out, "         metadata says %s\n", torch->metadata_version);
}

static void add_bnb(const struct facts *facts, struct arena *arena, struct buf *out)
{
	const struct bnb_facts *bnb = &facts->bnb;

	if (!bnb->present)
		return;
	buf_printf(out, "bnb      bitsandbytes %s, loads %s (%s)",
		   bnb->version ? bnb->version : "of unknown version",
		   bnb->chosen ? bnb->chosen : "nothing", bnb->rule ? bnb->rule : "unknown rule");
	for (size_t i = 0; i < bnb->library_count; i++)
		if (bnb->chosen && bnb->libraries[i].binary &&
		    strcmp(bnb->libraries[i].path, bnb->chosen) == 0)
			buf_printf(out, ", code for %s",
				   fatbin_text(&bnb->libraries[i].binary->device, arena));
	buf_addstr(out, "\n");
}

/* --- findings -------------------------------------------------------------------------------- */

static const char *color_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return RED;
	case SEVERITY_WARNING:
		return YELLOW;
	case SEVERITY_NOTE:
		break;
	}
	return DIM;
}

static void add_finding(const struct finding *finding, bool color, struct buf *out)
{
	const struct label *label = label_find(finding->label);
	const char *advice = finding->advice ? finding->advice : label ? label->advice : NULL;

	buf_printf(out, "\n%s%-8s%s %s", color ? color_of(finding->severity) : "",
		   severity_name(finding->severity), color ? PLAIN : "", finding->label);
	if (finding->subject)
		buf_printf(out, "  %s", finding->subject);
	if (finding->target)
		buf_printf(out, "  @%s", finding->target);
	buf_addstr(out, "\n");
	if (finding->expected)
		buf_printf(out, "         expected %s\n", finding->expected);
	if (finding->actual)
		buf_printf(out, "         found    %s\n", finding->actual);
	if (finding->where && *finding->where)
		buf_printf(out, "         at       %s\n", finding->where);
	if (advice)
		buf_printf(out, "         to do    %s\n", advice);
}

static void add_count(struct buf *out, size_t count, const char *what, bool *first)
{
	if (!count)
		return;
	buf_printf(out, "%s%zu %s%s", *first ? "" : ", ", count, what, count == 1 ? "" : "s");
	*first = false;
}

static void add_summary(const struct scan *scan, bool color, struct buf *out)
{
	bool failed = scan_failures(scan) > 0, first = true;
	char took[32];

	buf_printf(out, "%s%s%s: ", color ? (failed ? RED : GREEN) : "", failed ? "fail" : "pass",
		   color ? PLAIN : "");
	add_count(out, scan_count(scan, SEVERITY_ERROR), "error", &first);
	add_count(out, scan_count(scan, SEVERITY_WARNING), "warning", &first);
	add_count(out, scan_count(scan, SEVERITY_NOTE), "note", &first);
	if (first)
		buf_addstr(out, "nothing found");
	for (size_t i = 0; i < scan->target_count; i++)
		buf_printf(out, "%s%s", i ? ", " : " for ", scan->targets[i]->name);
	buf_printf(out, " in %s\n", units_duration(scan->duration_ns, took, sizeof(took)));
	if (!scan->target_count && scan->facts->torch.cuda)
		buf_addstr(out,
			   "no GPU was named, so nothing was said about one: --target rtx5090\n");
}

void scan_text(const struct scan *scan, const struct scan_style *style, struct buf *out)
{
	struct arena *arena = arena_new();

	if (!style->quiet) {
		add_image(scan->facts, out);
		add_system(scan->facts, out);
		add_torch(scan->facts, arena, out);
		add_bnb(scan->facts, arena, out);
		for (size_t i = 0; i < scan->findings->count; i++)
			if (style->notes || scan->findings->items[i].severity > SEVERITY_NOTE)
				add_finding(&scan->findings->items[i], style->color, out);
		buf_addstr(out, "\n");
	}
	add_summary(scan, style->color, out);
	arena_free(arena);
}
