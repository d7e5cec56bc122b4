/* Shared by the files of `assay gate` and `assay key`. */
#ifndef CMD_GATE_PRIVATE_H
#define CMD_GATE_PRIVATE_H

#include "attest/attest.h"
#include "cmd/cmd.h"
#include "policy/policy.h"
#include "registry/registry.h"

struct gate_options {
	struct common_options common;
	const char *repo;
	const char *commit;
	const char *image;
	const char *policy;
	const char *history;
	const char *attest;
	const char *verify;
	const char *key;
	bool push;
	bool schema;
	struct strings waivers;
	struct strings outputs;
};

struct gate {
	const struct gate_options *options;
	struct arena *arena;
	struct policy *policy;
	struct attest_trust *trust; /* the policy's signers */
	size_t trust_count;
	struct source *source;
	struct store *store;
	const char *state; /* folder of runs, NULL: not known */
	struct registry *registry;
	struct registry_ref ref;     /* of the registry */
	struct registry_image found; /* there, if it is */
	struct policy_input input;
	const struct attest_history *histories; /* as they were before the records were read */
	struct policy_decision decision;
	struct run **runs; /* to be freed */
	size_t run_count;
	const char *signer; /* of what was verified, or the id of our key */
	const char *attested_at;
};

/* gate_records.c: what is known of the subject goes to gate->input; what cannot be had is a reason
 * to stay closed, not an error. */
void gate_read_records(struct gate *gate);
/* The chain over the first RECORDS of SUITE (SIZE_MAX: all; COUNT gets how many). ERR_NOTFOUND:
 * there are fewer; ERR_USAGE: of the gate's image there are more, and not all of them passes. */
int gate_chain(struct gate *gate, const char *suite, size_t records, char head[DIGEST_HEX],
	       size_t *count, struct err *err);
/* Digest of what is recorded of the run ID now; ERR_NOTFOUND. */
int gate_run_digest(struct gate *gate, const char *id, char digest[DIGEST_HEX], struct err *err);

/* gate_attest.c */
int gate_read_trust(struct gate *gate, struct err *err);
int gate_read_waivers(struct gate *gate, struct err *err);
/* What is attested of the histories. Before the records are read: no link of a chain is of a record
 * that the decision did not see. */
int gate_read_histories(struct gate *gate, struct err *err);
/* Write the bundle to --attest and, with --push, beside the image. */
int gate_attest(struct gate *gate, struct err *err);
/* The decision is what the bundle of --verify says. */
int gate_verify(struct gate *gate, struct err *err);
/* The private key of --key, else of ASSAY_SIGNING_KEY. ERR_USAGE says how to get one. */
int gate_read_key(const char *file, struct sign_key **out, struct err *err);

/* gate_report.c */
int gate_check_outputs(const struct gate_options *options, struct err *err);
int gate_report(const struct gate *gate, struct err *err);

#endif
