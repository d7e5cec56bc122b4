/* What a run measured, one by one, for other programs to read. */
#include "load/load.h"

#include <inttypes.h>

static void add_time(struct buf *out, uint64_t ns)
{
	if (ns)
		buf_printf(out, "%" PRIu64, ns);
	buf_addstr(out, ",");
}

void load_print_records(const struct load_result *result, struct buf *out)
{
	buf_addstr(out, "scheduled_ns,sent_ns,first_byte_ns,first_token_ns,last_token_ns,end_ns,"
			"tokens,bytes,class\n");
	for (size_t i = 0; i < result->record_count; i++) {
		const struct load_record *record = &result->records[i];

		buf_printf(out, "%" PRIu64 ",%" PRIu64 ",", record->scheduled, record->sent);
		add_time(out, record->first_byte);
		add_time(out, record->first_token);
		add_time(out, record->last_token);
		buf_printf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s\n", record->end,
			   record->tokens, record->bytes, load_class_names[record->class]);
	}
}

void load_print_histograms(const struct load_result *result, struct buf *out)
{
	const struct {
		const char *name;
		const struct histogram *times;
	} rows[] = {{"latency", &result->latency},	   {"first_byte", &result->first_byte},
		    {"first_token", &result->first_token}, {"inter_token", &result->inter_token},
		    {"send_lag", &result->send_lag},	   {"connect", &result->connect}};

	buf_addstr(out, "of,from_ns,below_ns,count\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t from, to, count;
		size_t at = 0;

		while (histogram_next(rows[i].times, &at, &from, &to, &count))
			buf_printf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", rows[i].name,
				   from, to, count);
	}
}
