#include "cmd/progress.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define REDRAW_NS 500000000L /* the clock of a long step moves twice a second */
#define COLUMNS_DEFAULT 80

struct progress {
	uint64_t start_ns;
	bool quiet, live;
	pthread_t drawer;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool stopping;
	char line[LINE_MAX_BYTES];
	uint64_t end_ns; /* when all may be done, UINT64_MAX: unknown */
};

/* --- drawing --------------------------------------------------------------------------------- */

static int columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return COLUMNS_DEFAULT;
}

static void draw(const struct progress *progress)
{
	uint64_t now = clock_ns();
	char took[32], left[32], head[96];
	int used;

	units_duration(now - progress->start_ns, took, sizeof(took));
	if (progress->end_ns != UINT64_MAX && progress->end_ns > now)
		used = snprintf(head, sizeof(head), "[%s, about %s left] ", took,
				units_duration(progress->end_ns - now, left, sizeof(left)));
	else
		used = snprintf(head, sizeof(head), "[%s] ", took);
	fprintf(stderr, "\r%s%.*s\033[K", head, columns() - used - 1, progress->line);
	fflush(stderr);
}

static void *drawer_main(void *payload)
{
	struct progress *progress = payload;
	struct timespec until;

	(void)pthread_mutex_lock(&progress->lock);
	while (!progress->stopping) {
		draw(progress);
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += REDRAW_NS;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&progress->changed, &progress->lock, &until);
	}
	(void)pthread_mutex_unlock(&progress->lock);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

struct progress *progress_start(bool quiet)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));
	const char *term = getenv("TERM");
	pthread_condattr_t attr;

	progress->start_ns = clock_ns();
	progress->quiet = quiet;
	progress->end_ns = UINT64_MAX;
	(void)pthread_mutex_init(&progress->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&progress->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	progress->live = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 &&
			 pthread_create(&progress->drawer, NULL, drawer_main, progress) == 0;
	return progress;
}

void progress_stop(struct progress *progress)
{
	if (!progress)
		return;
	if (progress->live) {
		(void)pthread_mutex_lock(&progress->lock);
		progress->stopping = true;
		(void)pthread_cond_signal(&progress->changed);
		(void)pthread_mutex_unlock(&progress->lock);
		(void)pthread_join(progress->drawer, NULL);
		fputs("\r\033[K", stderr);
	}
	(void)pthread_cond_destroy(&progress->changed);
	(void)pthread_mutex_destroy(&progress->lock);
	free(progress);
}

bool progress_is_live(const struct progress *progress)
{
	return progress->live;
}

void progress_say(void *payload, const char *line)
{
	struct progress *progress = payload;
	char took[32];

	if (progress->quiet)
		return;
	if (!progress->live) {
		fprintf(stderr, "[%8s] %s\n",
			units_duration(clock_ns() - progress->start_ns, took, sizeof(took)), line);
		return;
	}
	(void)pthread_mutex_lock(&progress->lock);
	(void)snprintf(progress->line, sizeof(progress->line), "%s", line);
	(void)pthread_cond_signal(&progress->changed);
	(void)pthread_mutex_unlock(&progress->lock);
}

void progress_left(void *payload, uint64_t left_ns)
{
	struct progress *progress = payload;

	(void)pthread_mutex_lock(&progress->lock);
	progress->end_ns = left_ns == UINT64_MAX ? UINT64_MAX : clock_ns() + left_ns;
	(void)pthread_mutex_unlock(&progress->lock);
}

/* --- estimates ------------------------------------------------------------------------------- */

/* All of a run but its build: checks, history, reports. */
static uint64_t rest_ns(const struct run *typical)
{
	uint64_t build = typical->build.reused ? 0 : typical->build.duration_ns;

	return typical->duration_ns > build ? typical->duration_ns - build : 0;
}

uint64_t progress_of_build(const struct run *typical, unsigned number)
{
	uint64_t left = 0;

	if (!typical || typical->build.reused || number > typical->build.step_count)
		return UINT64_MAX;
	for (size_t i = 0; i < typical->build.step_count; i++)
		if (i + 1 >= number)
			left += typical->build.steps[i].duration_ns;
	return left + rest_ns(typical);
}

uint64_t progress_of_cases(const struct run *typical, size_t done, size_t total)
{
	if (!typical || !total || done > total)
		return UINT64_MAX;
	return rest_ns(typical) / total * (total - done);
}
