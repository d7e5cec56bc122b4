#include "image/relay.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 4U
#define BLOCK_BYTES ((size_t)1024 * 1024)

struct block {
	char *data;
	size_t len;
};

/* Blocks TAKEN to GIVEN (both only grow) are the other thread's, the rest this one's. */
struct relay {
	sink_fn sink;
	void *payload;
	struct block blocks[BLOCKS];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t given, taken;
	bool running, ended, failed;
	struct err err; /* of SINK */
};

static bool has_work(const struct relay *relay)
{
	return relay->taken != relay->given;
}

static void *work(void *payload)
{
	struct relay *relay = payload;

	(void)pthread_mutex_lock(&relay->lock);
	for (;;) {
		struct block *block = &relay->blocks[relay->taken % BLOCKS];
		struct err err = {0};
		int rc;

		while (!has_work(relay) && !relay->ended)
			(void)pthread_cond_wait(&relay->changed, &relay->lock);
		if (!has_work(relay) || relay->failed)
			break;
		(void)pthread_mutex_unlock(&relay->lock);
		rc = relay->sink(relay->payload, block->data, block->len, &err);
		(void)pthread_mutex_lock(&relay->lock);
		block->len = 0;
		relay->taken++;
		if (rc < 0) {
			relay->failed = true;
			relay->err = err;
		}
		(void)pthread_cond_signal(&relay->changed);
		if (relay->failed)
			break;
	}
	(void)pthread_mutex_unlock(&relay->lock);
	return NULL;
}

struct relay *relay_new(sink_fn sink, void *payload)
{
	struct relay *relay = xcalloc(1, sizeof(*relay));

	relay->sink = sink;
	relay->payload = payload;
	for (size_t i = 0; i < BLOCKS; i++)
		relay->blocks[i].data = xcalloc(1, BLOCK_BYTES);
	(void)pthread_mutex_init(&relay->lock, NULL);
	(void)pthread_cond_init(&relay->changed, NULL);
	relay->running = pthread_create(&relay->thread, NULL, work, relay) == 0;
	return relay;
}

/* Give the block that is being filled away, and wait for the next to be free. */
static int give(struct relay *relay, struct err *err)
{
	struct block *block = &relay->blocks[relay->given % BLOCKS];
	bool failed;

	if (!relay->running) { /* no threads to be had: one will do */
		size_t len = block->len;

		block->len = 0;
		return len ? relay->sink(relay->payload, block->data, len, err) : 0;
	}
	(void)pthread_mutex_lock(&relay->lock);
	relay->given++;
	(void)pthread_cond_signal(&relay->changed);
	while (relay->given - relay->taken == BLOCKS && !relay->failed)
		(void)pthread_cond_wait(&relay->changed, &relay->lock);
	failed = relay->failed;
	if (failed && err)
		*err = relay->err;
	(void)pthread_mutex_unlock(&relay->lock);
	return failed ? -1 : 0;
}

int relay_feed(struct relay *relay, const void *data, size_t len, struct err *err)
{
	const char *at = data;

	while (len) {
		struct block *block = &relay->blocks[relay->given % BLOCKS];
		size_t room = BLOCK_BYTES - block->len, part = len < room ? len : room;

		memcpy(block->data + block->len, at, part);
		block->len += part;
		at += part;
		len -= part;
		if (block->len == BLOCK_BYTES && give(relay, err) < 0)
			return -1;
	}
	return 0;
}

static void stop(struct relay *relay)
{
	if (!relay->running)
		return;
	(void)pthread_mutex_lock(&relay->lock);
	relay->ended = true;
	(void)pthread_cond_signal(&relay->changed);
	(void)pthread_mutex_unlock(&relay->lock);
	(void)pthread_join(relay->thread, NULL);
	relay->running = false;
}

int relay_end(struct relay *relay, struct err *err)
{
	if (relay->blocks[relay->given % BLOCKS].len && give(relay, err) < 0)
		return -1;
	stop(relay);
	if (relay->failed && err)
		*err = relay->err;
	return relay->failed ? -1 : 0;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	if (relay->running) {
		(void)pthread_mutex_lock(&relay->lock);
		relay->failed = true; /* so nothing more is taken */
		(void)pthread_mutex_unlock(&relay->lock);
		stop(relay);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		free(relay->blocks[i].data);
	(void)pthread_mutex_destroy(&relay->lock);
	(void)pthread_cond_destroy(&relay->changed);
	free(relay);
}
