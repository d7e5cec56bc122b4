/* A program that is fed and listened to: the docker client for BuildKit. No shell. */
#ifndef ENGINE_CHILD_H
#define ENGINE_CHILD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int pidfd; /* readable when it has ended */
	int in;	   /* its standard input, a socket; -1 when closed */
	int out;   /* its standard error; standard output is dropped */
};

/* The file of PROGRAM by PATH, ARENA's, or NULL. */
const char *child__find(const char *program, struct arena *arena);
/* The environment with NAME=VALUE of SETTINGS (NULL-terminated) put over it. ARENA's. */
char *const *child__environment(const char *const *settings, struct arena *arena);
/* ARGV[0] is a path. The child dies with the calling thread. */
int child__start(const char *const *argv, char *const *environment, struct child *out,
		 struct err *err);
void child__close_in(struct child *child);
/* Wait until it ends, killing it after GRACE_NS. The exit code, or 128 + signal. */
int child__end(struct child *child, uint64_t grace_ns);

#endif
