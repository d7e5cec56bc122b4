/* The agent as bytes: the static program that the engine room copies into a container. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stddef.h>

/* The ELF file; its length into LEN. */
const void *agent_program(size_t *len);
/* What it was built for, in the words of image configurations: "amd64", "arm64". */
const char *agent_arch(void);

#endif
