/* Policies: any bytes give a policy or one located error, and with no record it is closed. */
#include "fuzzer.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_input input = {.subject = "x", .image_id = "sha256:aaaa"};
	struct policy_decision decision;
	struct policy *policy = NULL;
	struct err err = {0};

	if (policy_parse("f", (const char *)data, size, &policy, &err) < 0) {
		must(!policy && err.code == ERR_USAGE && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	must(policy->require.count && policy->suites.count && policy->opens_on.count);
	policy_decide(policy, &input, policy->arena, &decision);
	must(!decision.open && decision.reason_count);
	policy_free(policy);
	return 0;
}
