/* One thread of a run: warm up, wait for the others, send by the schedule or by the answers. */
#include "load/load_private.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/units.h"

#include <time.h>

#define START_NS (2 * NS_PER_MS) /* between the last thread's warmth and the first request */
#define LOOK_NS (50 * NS_PER_MS) /* how often a waiting thread looks around */
#define SPIN_NS UINT64_C(100000) /* a sleeping thread is woken up to 60 us late */
#define BATCH_MAX 64		 /* requests sent before answers are looked at */

static uint64_t thread_cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* One round of the loop, at most until UNTIL_NS. */
static int step(struct load__worker *worker, uint64_t until_ns, struct err *err)
{
	uint64_t deadline = worker->run->options->deadline_ns;

	if (cancel_check(err) < 0)
		return -1;
	if (atomic_load_explicit(&worker->run->stop, memory_order_relaxed))
		return err_set(err, ERR_CANCELLED, "another thread failed");
	if (deadline && clock_ns() > deadline)
		return err_set(err, ERR_TIMEOUT, "requests were under way at the time limit");
	if (http_multi_step(worker->multi, until_ns, SPIN_NS, err) < 0)
		return -1;
	if (worker->failed)
		return -1;
	return 0;
}

static int send_one(struct load__worker *worker, uint64_t scheduled_ns, struct err *err)
{
	struct load__slot *slot = load__slot_take(worker, err);

	return slot ? load__send(worker, slot, scheduled_ns, err) : -1;
}

static int warm_up(struct load__worker *worker, struct err *err)
{
	worker->warming = true;
	while (worker->warmup_left || worker->in_flight) {
		while (worker->warmup_left && worker->in_flight < worker->in_flight_max) {
			worker->warmup_left--;
			if (send_one(worker, 0, err) < 0)
				return -1;
		}
		if (step(worker, clock_ns() + LOOK_NS, err) < 0)
			return -1;
	}
	worker->warming = false;
	worker->most = 0;
	return 0;
}

/* The last thread to be warm sets the start. */
static int wait_start(struct load__worker *worker, uint64_t *start, struct err *err)
{
	struct load__run *run = worker->run;

	if (atomic_fetch_add(&run->ready, 1) + 1 == run->threads)
		atomic_store(&run->start_ns, clock_ns() + START_NS);
	while ((*start = atomic_load(&run->start_ns)) == 0)
		if (step(worker, clock_ns() + NS_PER_MS, err) < 0)
			return -1;
	return 0;
}

static int drain(struct load__worker *worker, struct err *err)
{
	while (worker->in_flight)
		if (step(worker, clock_ns() + LOOK_NS, err) < 0)
			return -1;
	return 0;
}

/* --- open loop ------------------------------------------------------------------------------- */

/* All threads make the same schedule; each takes its own turns of it. */
struct turns {
	struct schedule schedule;
	unsigned skip; /* others' turns before the next */
	unsigned threads;
	uint64_t start, next; /* NEXT: when, 0: none is left */
};

static void turns_next(struct turns *turns)
{
	uint64_t at = 0;

	for (unsigned i = 0; i <= turns->skip; i++)
		if (!schedule_next(&turns->schedule, &at)) {
			turns->next = 0;
			return;
		}
	turns->skip = turns->threads - 1;
	turns->next = turns->start + at;
}

/* A request that could not be sent for so long as an answer may take is given up. */
static bool give_up(struct load__worker *worker, const struct turns *turns, uint64_t now)
{
	return worker->in_flight >= worker->in_flight_max &&
	       now > turns->next + worker->run->options->peer.timeout_ns;
}

static int send_due(struct load__worker *worker, struct turns *turns, struct err *err)
{
	unsigned sent = 0;

	while (turns->next && sent < BATCH_MAX) {
		uint64_t now = clock_ns();

		if (now < turns->next)
			break;
		if (give_up(worker, turns, now)) {
			worker->result.unsent++;
		} else if (worker->in_flight >= worker->in_flight_max) {
			break;
		} else {
			sent++;
			if (send_one(worker, turns->next, err) < 0)
				return -1;
		}
		turns_next(turns);
	}
	return 0;
}

static int run_open(struct load__worker *worker, uint64_t start, struct err *err)
{
	struct turns turns = {
		.skip = worker->index, .threads = worker->run->threads, .start = start};

	schedule_init(&turns.schedule, &worker->run->options->schedule);
	turns_next(&turns);
	while (turns.next) {
		uint64_t until, look = clock_ns() + LOOK_NS;

		if (send_due(worker, &turns, err) < 0)
			return -1;
		until = worker->in_flight >= worker->in_flight_max || !turns.next ? look
										  : turns.next;
		if (step(worker, until < look ? until : look, err) < 0)
			return -1;
	}
	return drain(worker, err);
}

/* --- closed loop ----------------------------------------------------------------------------- */

static bool next_ticket(struct load__worker *worker)
{
	const struct schedule_options *schedule = &worker->run->options->schedule;

	if (!schedule->requests)
		return true;
	return atomic_fetch_add(&worker->run->ticket, 1) < schedule->requests;
}

static int run_closed(struct load__worker *worker, uint64_t start, struct err *err)
{
	uint64_t end = start + worker->run->options->schedule.duration_ns;
	bool more = true;

	while (clock_ns() < start)
		if (step(worker, start, err) < 0)
			return -1;
	while (more && clock_ns() < end) {
		while (worker->in_flight < worker->in_flight_max && (more = next_ticket(worker)))
			if (send_one(worker, 0, err) < 0)
				return -1;
		if (step(worker, end, err) < 0)
			return -1;
	}
	return drain(worker, err);
}

static int work(struct load__worker *worker, struct err *err)
{
	uint64_t start, cpu, spun, unstamped;

	if (warm_up(worker, err) < 0 || wait_start(worker, &start, err) < 0)
		return -1;
	worker->last_ns = start;
	cpu = thread_cpu_ns();
	spun = http_multi_spun_ns(worker->multi);
	unstamped = http_multi_unstamped(worker->multi);
	if ((worker->run->options->closed ? run_closed(worker, start, err)
					  : run_open(worker, start, err)) < 0)
		return -1;
	worker->cpu_ns = thread_cpu_ns() - cpu;
	worker->spun_ns = http_multi_spun_ns(worker->multi) - spun;
	worker->result.unstamped = http_multi_unstamped(worker->multi) - unstamped;
	return 0;
}

void *load__work(void *payload)
{
	struct load__worker *worker = payload;

	if (work(worker, &worker->err) < 0) {
		worker->failed = true;
		atomic_store(&worker->run->stop, true);
	}
	return NULL;
}
