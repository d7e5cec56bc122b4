#include "base/cancel.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t requested;

static void on_signal(int sig)
{
	if (requested && sig == SIGINT)
		_exit(130);
	requested = 1;
}

void cancel_install(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool cancel_requested(void)
{
	return requested != 0;
}

int cancel_check(struct err *err)
{
	return requested ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
}
