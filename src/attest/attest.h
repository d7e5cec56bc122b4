/*
 * Attestations: facts and decisions that can be checked without us. in-toto Statements in DSSE
 * envelopes, signed with Ed25519; a bundle is one envelope a line. No I/O, no clock.
 *
 * - facts: predicate https://in-toto.io/attestation/test-result/v0.1, one for each run;
 * - decision: predicate https://slsa.dev/verification_summary/v1, over the digests of the facts;
 * - waiver: our own payload type.
 *
 * Reading is strict. A bundle is what we write, byte for byte; anything else is refused, since a
 * second way to write the same thing is a place where nobody looks.
 */
#ifndef ATTEST_ATTEST_H
#define ATTEST_ATTEST_H

#include "base/sign.h"
#include "policy/policy.h"

#define ATTEST_STATEMENT_TYPE "application/vnd.in-toto+json"
#define ATTEST_WAIVER_TYPE "application/vnd.assay.waiver+json"
#define ATTEST_ENVELOPE_TYPE "application/vnd.dsse.envelope.v1+json" /* of the envelope itself */
#define ATTEST_FACTS "https://in-toto.io/attestation/test-result/v0.1"
#define ATTEST_DECISION "https://slsa.dev/verification_summary/v1"
#define ATTEST_VERIFIER "assay:gate"

#define ATTEST_ENVELOPE_MAX ((size_t)4 * 1024 * 1024)
#define ATTEST_BUNDLE_MAX ((size_t)32 * 1024 * 1024)
#define ATTEST_ENVELOPES_MAX 1000

/* --- envelopes (dsse.c) */

/* A key, whose it is, and what it is good for: "attest", "waive". */
struct attest_trust {
	const char *name;
	struct sign_key *key;
	struct strings may;
};

struct attest_letter {
	const char *type;
	const char *payload; /* with a NUL behind it */
	size_t payload_len;
	const char *signer; /* name of the trusted key */
};

/* Append the envelope of a payload, one line without its end, signed by the private KEY. */
void attest_seal(const char *type, const void *payload, size_t len, const struct sign_key *key,
		 struct buf *out);

/*
 * Open the envelope in LEN bytes of TEXT: its type must be TYPE, and every signature (at least one)
 * must be good and of a key in TRUST that may do RIGHT. Memory is ARENA's. ERR_USAGE says what is
 * wrong; nothing of an envelope that was refused comes out.
 */
int attest_open(const char *text, size_t len, const char *type, const char *right,
		const struct attest_trust *trust, size_t trust_count, struct arena *arena,
		struct attest_letter *out, struct err *err);

/* --- statements (statement.c) */

struct attest_subject {
	const char *name;     /* "registry.example/llm", NULL: not in a registry */
	const char *manifest; /* "sha256:…" as the registry has it, NULL */
	const char *image_id; /* "sha256:…" of the configuration */
	const char *recorded; /* what its runs call it, NULL: by its image_id */
};

/* The history that was looked at. */
struct attest_history {
	const char *suite;
	char head[DIGEST_HEX]; /* of attest_chain_add */
	size_t records;
};

struct attest_case {
	const struct policy *policy;
	const struct policy_decision *decision;
	struct attest_subject subject;
	const struct attest_history *histories; /* one for each suite */
	size_t history_count;
	int64_t now_ms;
	const char *harness; /* SHA-256 of our own program, hex; NULL: not known */
};

/* Append the bundle: facts of every run of the decision, then the decision; each with its line end.
 * ERR_LIMIT: larger than OUT holds. ERR_USAGE: open, but resting on runs of another image too. */
int attest_bundle(const struct attest_case *attested, const struct sign_key *key, struct buf *out,
		  struct err *err);

/* --- reading bundles (verify.c) */

struct attest_expect {
	const struct policy *policy;
	struct attest_subject
		subject; /* a manifest or image id; both must fit when both are known */
	int64_t now_ms;
	/* As attest_bundle's, recomputed over as many records; NULL: the history is not looked at.
	 * HEAD gets the chain over the first RECORDS of SUITE. ERR_NOTFOUND: there are fewer. */
	int (*history)(void *payload, const char *suite, size_t records, char head[DIGEST_HEX],
		       struct err *err);
	/* Digest of what is recorded of a run now; ERR_NOTFOUND. With HISTORY. */
	int (*run)(void *payload, const char *id, char digest[DIGEST_HEX], struct err *err);
	void *payload;
};

struct attest_verdict {
	bool open;
	const char *signer;
	const char *time;	/* when it was decided */
	struct strings reasons; /* why it does not open; each starts with a stable word and ": " */
};

/* Does the bundle say that the subject may be deployed, by this policy, signed by who may say so?
 * Whatever is wrong is a reason; memory is ARENA's. */
void attest_verify(const char *text, size_t len, const struct attest_expect *expect,
		   const struct attest_trust *trust, size_t trust_count, struct arena *arena,
		   struct attest_verdict *out);

/* --- chain.c: one digest over the records of a suite, in the order they were made durable */

struct attest_record {
	const char *id, *started_at, *suite, *commit, *verdict, *reason, *image_id;
	unsigned passed, failed, other;
};

/* HEAD starts as "". A record that is missing, changed or moved gives another head. */
void attest_chain_add(char head[DIGEST_HEX], const struct attest_record *record);

/* SHA-256 of what is recorded of RUN, as "raw-result" of its facts has it. */
void attest_run_digest(const struct run *run, char out[DIGEST_HEX]);

/* --- waivers (waiver.c) */

/* Append the signed waiver, one line without its end. SIGNER and FAULT of WAIVER play no part. */
void attest_waiver_seal(const struct policy_waiver *waiver, const struct sign_key *key,
			struct buf *out);
/* A waiver in LEN bytes of TEXT, with its signer. ERR_USAGE: changed, not signed by who may waive,
 * or not a waiver. Whether it has expired is the policy's matter. */
int attest_waiver_read(const char *text, size_t len, const struct attest_trust *trust,
		       size_t trust_count, struct arena *arena, struct policy_waiver *out,
		       struct err *err);

#endif
