/* The part of a command's life between fork and exec. */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include "agent/protocol.h"

struct request {
	uint32_t id;
	uint64_t timeout_ms;
	uint32_t keep; /* bytes of each stream */
	const char *workdir;
	const char *user;
	char **argv; /* NULL-terminated */
	char **env;  /* NULL-terminated */
	const void *input;
	size_t input_len;
};

/* Why a command did not start, as the child tells its parent. */
struct failure {
	int kind; /* enum protocol_kind */
	int error;
};

/* Descriptors of the child: those it keeps and the one that execve closes. */
struct child_files {
	int in, out, errout, failure;
};

/* Become the command. On failure FILES->failure has a struct failure and the process ends. */
_Noreturn void child_become(const struct request *request, const struct child_files *files);

#endif
