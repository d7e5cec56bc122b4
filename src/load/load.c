#include "load/load_private.h"

#include "base/mem.h"
#include "base/units.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FILES_SPARE 128 /* beside one for each connection */
#define STREAM_READ_BYTES ((size_t)4096)

/* --- results --------------------------------------------------------------------------------- */

static void result_init(struct load_result *result)
{
	*result = (struct load_result){0};
	histogram_init(&result->latency);
	histogram_init(&result->first_byte);
	histogram_init(&result->first_token);
	histogram_init(&result->inter_token);
	histogram_init(&result->send_lag);
	histogram_init(&result->connect);
}

void load_result_done(struct load_result *result)
{
	histogram_done(&result->latency);
	histogram_done(&result->first_byte);
	histogram_done(&result->first_token);
	histogram_done(&result->inter_token);
	histogram_done(&result->send_lag);
	histogram_done(&result->connect);
	free(result->records);
	result->records = NULL;
}

uint64_t load_failures(const struct load_result *result)
{
	uint64_t failures = 0;

	for (size_t i = LOAD_OK + 1; i < LOAD_CLASSES; i++)
		failures += result->counts[i];
	return failures;
}

double load_goodput(const struct load_result *result)
{
	return result->elapsed_ns ? (double)result->good * NS_PER_S / (double)result->elapsed_ns
				  : 0;
}

static void merge(struct load_result *into, const struct load_result *from, struct arena *arena)
{
	for (size_t i = 0; i < LOAD_CLASSES; i++) {
		into->counts[i] += from->counts[i];
		into->warmup[i] += from->warmup[i];
		into->requests += from->counts[i];
		if (!into->examples[i])
			into->examples[i] = arena_strdup(arena, from->examples[i]);
	}
	into->requests += from->unsent;
	into->unsent += from->unsent;
	into->good += from->good;
	into->tokens += from->tokens;
	into->bytes += from->bytes;
	into->unstamped += from->unstamped;
	histogram_merge(&into->latency, &from->latency);
	histogram_merge(&into->first_byte, &from->first_byte);
	histogram_merge(&into->first_token, &from->first_token);
	histogram_merge(&into->inter_token, &from->inter_token);
	histogram_merge(&into->send_lag, &from->send_lag);
	histogram_merge(&into->connect, &from->connect);
}

/* --- threads --------------------------------------------------------------------------------- */

static unsigned thread_count(const struct load_options *options)
{
	size_t count = options->threads;
	cpu_set_t cores;

	if (!count)
		count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (size_t)CPU_COUNT(&cores)
									 : 1;
	if (count > LOAD_THREADS_MAX)
		count = LOAD_THREADS_MAX;
	return (unsigned)(count > options->in_flight ? options->in_flight : count);
}

/* A connection is a file: the soft limit goes as far as the hard one lets it. */
static int raise_files(size_t connections, struct err *err)
{
	struct rlimit limit;
	rlim_t wanted = connections + FILES_SPARE;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, ERR_INFRA, "cannot read the limit of open files");
	if (limit.rlim_cur >= wanted)
		return 0;
	if (limit.rlim_max < wanted)
		return err_set(err, ERR_INFRA,
			       "%zu connections need %zu open files, the limit is %zu (ulimit -Hn)",
			       connections, (size_t)wanted, (size_t)limit.rlim_max);
	limit.rlim_cur = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, ERR_INFRA, "cannot raise the limit of open files");
	return 0;
}

static size_t share(size_t all, unsigned threads, unsigned index)
{
	return all / threads + (index < all % threads);
}

static int worker_open(struct load__worker *worker, struct load__run *run, unsigned index,
		       struct err *err)
{
	const struct load_options *options = run->options;
	struct http_multi_options peer = options->peer;
	size_t in_flight = share(options->in_flight, run->threads, index);

	peer.connections = in_flight;
	peer.read_bytes = options->stream ? STREAM_READ_BYTES : 0;
	peer.stamps = options->stream;
	if (http_multi_open(&peer, &worker->multi, err) < 0)
		return -1;
	worker->run = run;
	worker->index = index;
	worker->in_flight_max = in_flight;
	worker->warmup_left = share(options->warmup, run->threads, index);
	worker->slots = xcalloc(in_flight, sizeof(struct load__slot *));
	worker->idle = xcalloc(in_flight, sizeof(struct load__slot *));
	worker->arena = arena_new();
	result_init(&worker->result);
	worker->variants = xcalloc(options->request_count, sizeof(*worker->variants));
	worker->records_max = share(options->records_max, run->threads, index);
	worker->result.records = xcalloc(worker->records_max + 1, sizeof(*worker->result.records));
	return 0;
}

static void worker_close(struct load__worker *worker)
{
	if (!worker->multi)
		return;
	for (size_t i = 0; i < worker->slot_count; i++)
		load__slot_free(worker->slots[i]);
	http_multi_close(worker->multi);
	free(worker->slots);
	free(worker->idle);
	free(worker->variants);
	load_result_done(&worker->result);
	arena_free(worker->arena);
}

/* Start all but the first, which is this thread's; the ones that ran are joined in any case. */
static int work_all(struct load__run *run, struct load__worker *workers, struct err *err)
{
	pthread_t threads[LOAD_THREADS_MAX];
	unsigned started = 1;
	int rc = 0;

	while (rc == 0 && started < run->threads) {
		if (pthread_create(&threads[started], NULL, load__work, &workers[started]) != 0)
			rc = err_set(err, ERR_INFRA, "cannot start a thread");
		else
			started++;
	}
	if (rc < 0)
		atomic_store(&run->stop, true);
	else
		(void)load__work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return rc;
}

/* The failure that made the others stop. */
static int first_failure(const struct load__worker *workers, unsigned count, struct err *err)
{
	const struct load__worker *first = NULL;

	for (unsigned i = 0; i < count; i++)
		if (workers[i].failed && (!first || first->err.code == ERR_CANCELLED))
			first = &workers[i];
	if (!first)
		return 0;
	if (err)
		*err = first->err;
	return -1;
}

static int by_schedule(const void *a, const void *b)
{
	const struct load_record *left = a, *right = b;

	return left->scheduled < right->scheduled ? -1 : left->scheduled > right->scheduled;
}

static void merge_records(const struct load__run *run, const struct load__worker *workers,
			  struct load_result *out)
{
	out->records = xcalloc(run->options->records_max + 1, sizeof(*out->records));
	for (unsigned i = 0; i < run->threads; i++) {
		const struct load_result *from = &workers[i].result;

		if (from->record_count)
			memcpy(out->records + out->record_count, from->records,
			       from->record_count * sizeof(*from->records));
		out->record_count += from->record_count;
	}
	if (out->record_count)
		qsort(out->records, out->record_count, sizeof(*out->records), by_schedule);
}

static void merge_variants(const struct load__run *run, const struct load__worker *workers,
			   struct load_result *out)
{
	for (size_t request = 0; request < run->options->request_count; request++) {
		struct variants all = {0};
		uint64_t count;

		for (unsigned i = 0; i < run->threads; i++)
			variants_merge(&all, &workers[i].variants[request]);
		out->diverging += variants_diverging(&all, &count);
		out->compared += count;
	}
}

static void collect(const struct load__run *run, const struct load__worker *workers,
		    struct arena *arena, struct load_result *out)
{
	uint64_t start = run->start_ns, last = start;

	result_init(out);
	out->threads = run->threads;
	for (unsigned i = 0; i < run->threads; i++) {
		merge(out, &workers[i].result, arena);
		out->most_in_flight += workers[i].most;
		if (workers[i].last_ns > last)
			last = workers[i].last_ns;
	}
	out->elapsed_ns = last - start;
	merge_records(run, workers, out);
	merge_variants(run, workers, out);
	for (unsigned i = 0; i < run->threads && out->elapsed_ns; i++) {
		const struct load__worker *worker = &workers[i];
		uint64_t busy =
			worker->cpu_ns > worker->spun_ns ? worker->cpu_ns - worker->spun_ns : 0;
		double part = (double)busy / (double)out->elapsed_ns;

		if (part > out->cpu_share)
			out->cpu_share = part;
	}
}

int load_run(const struct load_options *options, struct arena *arena, struct load_result *out,
	     struct err *err)
{
	struct load__run run = {.options = options, .threads = thread_count(options)};
	struct load__worker *workers;
	int rc;

	if (raise_files(options->in_flight, err) < 0)
		return -1;
	workers = xcalloc(run.threads, sizeof(*workers));
	rc = 0;
	for (unsigned i = 0; i < run.threads && rc == 0; i++)
		rc = worker_open(&workers[i], &run, i, err);
	if (rc == 0)
		rc = work_all(&run, workers, err);
	if (rc == 0)
		rc = first_failure(workers, run.threads, err);
	if (rc == 0)
		collect(&run, workers, arena, out);
	for (unsigned i = 0; i < run.threads; i++)
		worker_close(&workers[i]);
	free(workers);
	return rc;
}
