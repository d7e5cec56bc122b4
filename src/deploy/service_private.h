/* Friends of the room only: one question to a service that starts. */
#ifndef DEPLOY_SERVICE_PRIVATE_H
#define DEPLOY_SERVICE_PRIVATE_H

#include "deploy/service.h"
#include "engine/container.h"

#define SERVICE_REASON_BYTES 400

/* Put the prompt of READY to URL, past every proxy when it was STARTED here. 1: a good answer; 0:
 * not (yet), and REASON says in one line why, LOST whether for want of a connection; -1: it could
 * not be asked (ERR_USAGE, ERR_CANCELLED). */
int service__ask(const char *url, bool started, const struct suite_ready *ready,
		 char reason[SERVICE_REASON_BYTES], bool *lost, struct err *err);

#endif
