/* One request under way: its times, and its answer as it comes. */
#include "load/load_private.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

#define HEADERS_BYTES_MAX ((size_t)64 * 1024)

/* --- the answer ------------------------------------------------------------------------------ */

static void on_begin(void *payload, uint64_t at_ns)
{
	struct load__slot *slot = payload;

	slot->first_byte_ns = at_ns;
}

static void on_header(void *payload, const char *line, size_t len)
{
	struct load__slot *slot = payload;

	buf_add(&slot->headers, line, len);
}

/* Tokens that came in one piece came at one time: the gaps between them are none. */
static void on_token(struct load__slot *slot, const char *event)
{
	struct load__worker *worker = slot->worker;
	const struct load_options *options = worker->run->options;
	uint64_t at = slot->came_ns, gap = slot->first_token_ns ? at - slot->last_token_ns : 0;

	if (!slot->first_token_ns) {
		slot->first_token_ns = at;
	} else {
		slot->gaps++;
		if (!worker->warming)
			histogram_add(&worker->result.inter_token, gap);
	}
	if (options->on_token && !worker->warming)
		options->on_token(options->payload, slot->gaps, at, gap, event);
	slot->last_token_ns = at;
}

static void on_event(void *payload, const char *data, size_t len)
{
	struct load__slot *slot = payload;
	enum reply_event event = reply_stream_event(&slot->reply, data, len);

	if (event == REPLY_TOKEN)
		on_token(slot, data);
	slot->bad |= event == REPLY_BAD;
}

static int on_data(void *payload, const char *data, size_t len, uint64_t at_ns)
{
	struct load__slot *slot = payload;
	const struct load_options *options = slot->worker->run->options;

	slot->came_ns = at_ns;
	slot->bytes += len;
	if (slot->bytes > options->answer_max)
		return -1;
	if (!options->stream) {
		buf_add(&slot->body, data, len);
		return 0;
	}
	slot->broken = sse_feed(&slot->sse, data, len) < 0;
	return slot->broken ? -1 : 0;
}

/* --- its end --------------------------------------------------------------------------------- */

static uint64_t since(uint64_t start, uint64_t at)
{
	return at > start ? at - start : 0;
}

static bool within(uint64_t limit, uint64_t ns)
{
	return !limit || ns <= limit;
}

static void count_good(struct load__slot *slot, uint64_t now)
{
	const struct load_limits *limits = &slot->worker->run->options->limits;
	struct load_result *result = &slot->worker->result;
	uint64_t latency = since(slot->scheduled_ns, now);
	uint64_t first = since(slot->scheduled_ns, slot->first_token_ns);
	uint64_t gap =
		slot->gaps ? since(slot->first_token_ns, slot->last_token_ns) / slot->gaps : 0;

	histogram_add(&result->latency, latency);
	histogram_add(&result->first_byte, since(slot->scheduled_ns, slot->first_byte_ns));
	if (slot->first_token_ns) {
		histogram_add(&result->first_token, first);
		result->tokens += slot->gaps + 1;
	}
	result->good += within(limits->latency_ns, latency) &&
			within(limits->first_token_ns, first) &&
			within(limits->inter_token_ns, gap);
}

static void record(struct load__slot *slot, enum load_class class, uint64_t now)
{
	struct load__worker *worker = slot->worker;
	struct load_result *result = &worker->result;
	uint64_t start = atomic_load_explicit(&worker->run->start_ns, memory_order_relaxed);

	if (result->record_count >= worker->records_max)
		return;
	result->records[result->record_count++] =
		(struct load_record){.scheduled = since(start, slot->scheduled_ns),
				     .sent = since(start, slot->sent_ns),
				     .first_byte = since(start, slot->first_byte_ns),
				     .first_token = since(start, slot->first_token_ns),
				     .last_token = since(start, slot->last_token_ns),
				     .end = since(start, now),
				     .tokens = slot->gaps + (slot->first_token_ns != 0),
				     .bytes = slot->bytes,
				     .class = class};
}

static void on_done(void *payload, const struct http_result *got)
{
	struct load__slot *slot = payload;
	struct load__worker *worker = slot->worker;
	struct load_result *result = &worker->result;
	enum load_class class = LOAD_OK;
	uint64_t now = got->at_ns;

	if (slot->stream && got->end == HTTP_END_WHOLE && !slot->broken)
		sse_end(&slot->sse);
	worker->in_flight--;
	worker->idle[worker->idle_count++] = slot;
	if (load__classify(slot, got, &class, &worker->err) < 0) {
		worker->failed = true;
		return;
	}
	if (got->connected)
		histogram_add(&result->connect, got->connect_ns);
	if (worker->warming) {
		result->warmup[class]++;
		return;
	}
	if (now > worker->last_ns)
		worker->last_ns = now;
	result->counts[class]++;
	result->bytes += slot->bytes;
	record(slot, class, now);
	if (class != LOAD_OK)
		return;
	count_good(slot, now);
	if (slot->read)
		variants_add(&worker->variants[slot->request - worker->run->options->requests],
			     slot->text, 1);
}

static const struct http_transfer_events events = {
	.begin = on_begin, .data = on_data, .done = on_done};
static const struct http_transfer_events events_with_headers = {
	.begin = on_begin, .header = on_header, .data = on_data, .done = on_done};

/* --- slots ----------------------------------------------------------------------------------- */

static bool wants_headers(const struct load_options *options)
{
	bool wanted = options->expect && options->expect->headers.count;

	for (size_t i = 0; i < options->request_count && !wanted; i++)
		wanted = options->requests[i].expect && options->requests[i].expect->headers.count;
	return wanted;
}

struct load__slot *load__slot_take(struct load__worker *worker, struct err *err)
{
	const struct load_options *options = worker->run->options;
	struct load__slot *slot;

	if (worker->idle_count)
		return worker->idle[--worker->idle_count];
	slot = xcalloc(1, sizeof(*slot));
	slot->worker = worker;
	if (http_transfer_open(worker->multi,
			       wants_headers(options) ? &events_with_headers : &events, slot,
			       &slot->transfer, err) < 0) {
		free(slot);
		return NULL;
	}
	buf_init(&slot->headers, HEADERS_BYTES_MAX);
	buf_init(&slot->body, options->answer_max);
	worker->slots[worker->slot_count++] = slot;
	return slot;
}

static void stream_done(struct load__slot *slot)
{
	if (!slot->stream)
		return;
	sse_done(&slot->sse);
	reply_stream_done(&slot->reply);
	slot->stream = false;
}

void load__slot_free(struct load__slot *slot)
{
	http_transfer_close(slot->transfer);
	stream_done(slot);
	buf_done(&slot->headers);
	buf_done(&slot->body);
	free(slot);
}

static void reset(struct load__slot *slot)
{
	const struct load_options *options = slot->worker->run->options;
	bool judged = options->expect || slot->request->expect;

	slot->first_byte_ns = slot->first_token_ns = slot->last_token_ns = 0;
	slot->bytes = slot->gaps = 0;
	slot->broken = slot->bad = slot->read = false;
	buf_consume(&slot->headers, slot->headers.len);
	buf_consume(&slot->body, slot->body.len);
	stream_done(slot);
	if (options->stream) {
		sse_init(&slot->sse, on_event, slot);
		reply_stream_init(&slot->reply, options->format, options->text_path, judged);
		slot->stream = true;
	}
}

int load__send(struct load__worker *worker, struct load__slot *slot, uint64_t scheduled_ns,
	       struct err *err)
{
	const struct load_options *options = worker->run->options;
	uint64_t number = worker->sent++ * worker->run->threads + worker->index;

	slot->request = &options->requests[number % options->request_count];
	reset(slot);
	slot->sent_ns = clock_ns();
	slot->scheduled_ns = scheduled_ns ? scheduled_ns : slot->sent_ns;
	if (!worker->warming)
		histogram_add(&worker->result.send_lag, since(slot->scheduled_ns, slot->sent_ns));
	if (http_transfer_start(slot->transfer, slot->request->plan, err) < 0)
		return -1;
	if (++worker->in_flight > worker->most)
		worker->most = worker->in_flight;
	return 0;
}
