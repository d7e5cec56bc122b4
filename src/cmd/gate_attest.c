/* Keys, waivers and attestations of a gate. */
#include "base/file.h"
#include "cmd/gate_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_MAX ((size_t)256 * 1024 * 1024)

int gate_read_key(const char *file, struct sign_key **out, struct err *err)
{
	const char *text = getenv("ASSAY_SIGNING_KEY");
	const char *from = file ? file : "ASSAY_SIGNING_KEY";
	struct buf pem;
	int rc = 0;

	if (!file && (!text || !*text))
		return err_set(err, ERR_USAGE,
			       "no key to sign with: --key FILE or ASSAY_SIGNING_KEY; "
			       "`assay key new FILE` makes one");
	buf_init(&pem, SIGN_PEM_MAX);
	if (file)
		rc = file_read(file, &pem, err);
	else
		buf_addstr(&pem, text);
	if (rc == 0 && sign_key_parse(buf_str(&pem), pem.len, out, err) < 0)
		rc = err_wrap(err, "%s", from);
	if (pem.data)
		explicit_bzero(pem.data, pem.cap);
	buf_done(&pem);
	if (rc == 0 && !sign_key_is_private(*out)) {
		sign_key_free(*out);
		return err_set(err, ERR_USAGE, "%s: the public half of a key cannot sign", from);
	}
	return rc;
}

int gate_read_trust(struct gate *gate, struct err *err)
{
	const struct policy_signer *signers = gate->policy->signers.items;
	size_t count = gate->policy->signers.count;

	gate->trust = arena_alloc(gate->arena, count * sizeof(*gate->trust) + 1);
	for (size_t i = 0; i < count; i++) {
		struct sign_key *key = NULL;

		if (sign_key_parse(signers[i].key, strlen(signers[i].key), &key, err) < 0)
			return err_wrap(err, "%s: key of %s", gate->policy->file, signers[i].name);
		gate->trust[gate->trust_count++] =
			(struct attest_trust){signers[i].name, key, signers[i].may};
		if (sign_key_is_private(key))
			return err_set(err, ERR_USAGE,
				       "%s: key of %s: this is the private half; replace it, and "
				       "write the public one",
				       gate->policy->file, signers[i].name);
	}
	return 0;
}

int gate_read_waivers(struct gate *gate, struct err *err)
{
	const struct strings *files = &gate->options->waivers;
	struct policy_waiver *list = arena_alloc(gate->arena, files->count * sizeof(*list) + 1);

	for (size_t i = 0; i < files->count; i++) {
		struct buf text;
		int rc;

		buf_init(&text, ATTEST_ENVELOPE_MAX);
		rc = file_read(files->items[i], &text, err);
		if (rc == 0 &&
		    attest_waiver_read(buf_str(&text), text.len, gate->trust, gate->trust_count,
				       gate->arena, &list[i], err) < 0)
			rc = err_wrap(err, "waiver %s", files->items[i]);
		buf_done(&text);
		if (rc < 0)
			return -1;
	}
	gate->input.waivers = list;
	gate->input.waiver_count = files->count;
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

int gate_read_histories(struct gate *gate, struct err *err)
{
	const struct strings *suites = &gate->policy->suites;
	struct attest_history *list = arena_alloc(gate->arena, suites->count * sizeof(*list));

	for (size_t i = 0; i < suites->count; i++) {
		list[i].suite = suites->items[i];
		if (gate_chain(gate, suites->items[i], SIZE_MAX, list[i].head, &list[i].records,
			       err) < 0)
			return -1;
	}
	gate->histories = list;
	return 0;
}

/* Our own program's digest; NULL where it cannot be read. */
static const char *own_digest(struct arena *arena)
{
	struct err ignored = {0};
	char hex[DIGEST_HEX];
	struct buf bytes;
	const char *out = NULL;

	buf_init(&bytes, PROGRAM_MAX);
	if (file_read("/proc/self/exe", &bytes, &ignored) == 0) {
		digest_of(buf_str(&bytes), bytes.len, hex);
		out = arena_strdup(arena, hex);
	}
	buf_done(&bytes);
	return out;
}

/* The image of a commit is that of the newest run that the decision rests on. */
static const char *recorded_of(const struct gate *gate)
{
	if (gate->input.image_id)
		return gate->input.image_id;
	return gate->decision.run_count ? gate->decision.runs[0]->build.image_id : NULL;
}

static struct attest_subject subject_of(const struct gate *gate)
{
	const char *recorded = recorded_of(gate), *id = gate->found.image_id;

	return (struct attest_subject){gate->ref.name, gate->input.digest, id ? id : recorded,
				       recorded};
}

static int make_bundle(struct gate *gate, const struct sign_key *key, struct buf *out,
		       struct err *err)
{
	struct attest_case attested = {.policy = gate->policy,
				       .decision = &gate->decision,
				       .subject = subject_of(gate),
				       .histories = gate->histories,
				       .history_count = gate->policy->suites.count,
				       .now_ms = gate->input.now_ms,
				       .harness = own_digest(gate->arena)};
	char id[DIGEST_HEX];

	if (!attested.subject.image_id)
		return err_set(err, ERR_USAGE, "nothing to attest: no image of %s is known",
			       gate->input.subject);
	sign_key_id(key, id);
	gate->signer = arena_strdup(gate->arena, id);
	return attest_bundle(&attested, key, out, err);
}

int gate_attest(struct gate *gate, struct err *err)
{
	const struct gate_options *options = gate->options;
	struct sign_key *key = NULL;
	struct buf bundle;
	int rc;

	if (gate->input.unreachable)
		return 0; /* closed, and nothing is known that could be signed */
	if (gate_read_key(options->key, &key, err) < 0)
		return -1;
	buf_init(&bundle, ATTEST_BUNDLE_MAX);
	rc = make_bundle(gate, key, &bundle, err);
	if (rc == 0 && options->attest)
		rc = file_write(options->attest, buf_str(&bundle), bundle.len, err);
	if (rc == 0 && options->push)
		rc = registry_store(gate->registry, gate->input.digest, buf_str(&bundle),
				    bundle.len, err);
	buf_done(&bundle);
	sign_key_free(key);
	return rc;
}

/* --- reading --------------------------------------------------------------------------------- */

static int recompute_chain(void *payload, const char *suite, size_t records, char head[DIGEST_HEX],
			   struct err *err)
{
	return gate_chain(payload, suite, records, head, NULL, err);
}

static int digest_run(void *payload, const char *id, char digest[DIGEST_HEX], struct err *err)
{
	return gate_run_digest(payload, id, digest, err);
}

/* "word: text" as a reason. */
static void add_reason(struct gate *gate, const char *rule, const char *text)
{
	const char *again = arena_printf(
		gate->arena, "assay gate --image %s --policy %s --attest FILE --key FILE%s",
		gate->options->image, gate->options->policy,
		strcmp(gate->options->verify, "registry") == 0 ? " --push" : "");
	struct policy_reason *reason = arena_push(gate->arena, &gate->decision.reasons,
						  &gate->decision.reason_count, sizeof(*reason));

	*reason = (struct policy_reason){.rule = rule, .text = text, .command = again};
}

static void take_verdict(struct gate *gate, const struct attest_verdict *verdict)
{
	gate->signer = verdict->signer;
	gate->attested_at = verdict->time;
	for (size_t i = 0; i < verdict->reasons.count; i++) {
		const char *reason = verdict->reasons.items[i];
		size_t word = strcspn(reason, ":");

		add_reason(gate, arena_strndup(gate->arena, reason, word), reason + word + 2);
	}
	gate->decision.open = verdict->open;
}

/* 0 also when there is none: then a reason says so. */
static int read_bundle(struct gate *gate, struct buf *out, bool *found, struct err *err)
{
	const char *file = gate->options->verify;
	struct err why = {0};
	int rc = strcmp(file, "registry") == 0
			 ? registry_fetch(gate->registry, gate->input.digest, out, &why)
			 : file_read(file, out, &why);

	*found = rc == 0;
	if (rc == 0)
		return 0;
	if (why.code == ERR_CANCELLED) {
		*err = why;
		return -1;
	}
	if (why.code == ERR_NOTFOUND)
		add_reason(gate, "unsigned",
			   arena_printf(gate->arena, "no attestation: %s", why.msg));
	else
		add_reason(gate, "unreachable", arena_strdup(gate->arena, why.msg));
	return 0;
}

int gate_verify(struct gate *gate, struct err *err)
{
	bool compare = gate->options->history != NULL;
	const struct attest_expect expect = {.policy = gate->policy,
					     .subject = subject_of(gate),
					     .now_ms = gate->input.now_ms,
					     .history = compare ? recompute_chain : NULL,
					     .run = compare ? digest_run : NULL,
					     .payload = gate};
	struct attest_verdict verdict = {0};
	struct buf bundle;
	bool found = false;
	int rc;

	gate->decision.advisory = gate->policy->advisory;
	if (gate->input.unreachable) {
		add_reason(gate, "unreachable", gate->input.unreachable);
		return 0;
	}
	buf_init(&bundle, ATTEST_BUNDLE_MAX);
	rc = read_bundle(gate, &bundle, &found, err);
	if (rc == 0 && found) {
		attest_verify(buf_str(&bundle), bundle.len, &expect, gate->trust, gate->trust_count,
			      gate->arena, &verdict);
		take_verdict(gate, &verdict);
	}
	buf_done(&bundle);
	return rc;
}
