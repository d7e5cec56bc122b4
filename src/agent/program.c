#include "agent/agent.h"

extern const unsigned char agent_binary[];
extern const unsigned char agent_binary_end[];

const void *agent_program(size_t *len)
{
	*len = (size_t)(agent_binary_end - agent_binary);
	return agent_binary;
}

const char *agent_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
#error "name this architecture as image configurations do"
#endif
}
