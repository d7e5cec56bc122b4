#include "cmd/gate_private.h"

#include "base/clock.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct gate_options, member)
static const struct option_row gate_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"commit", 0, OPTION_STRING, AT(commit), "REV", NULL,
	 "gate the image that this commit's newest run built"},
	{"image", 0, OPTION_STRING, AT(image), "DIGEST|REF", NULL,
	 "gate this image: its id, sha256:..., or HOST/REPO:TAG, HOST/REPO@sha256:... in a "
	 "registry"},
	{"policy", 0, OPTION_STRING, AT(policy), "FILE", NULL, "the policy (required)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db); with --verify, compare it with the attestation"},
	{"waiver", 0, OPTION_LIST, AT(waivers), "FILE", NULL,
	 "a signed waiver, made by assay key waive (repeatable)"},
	{"attest", 0, OPTION_STRING, AT(attest), "FILE", NULL,
	 "write facts and decision, signed, one envelope a line"},
	{"push", 0, OPTION_FLAG, AT(push), NULL, NULL,
	 "store the attestation beside the image in its registry"},
	{"verify", 0, OPTION_STRING, AT(verify), "FILE", NULL,
	 "decide by an attestation alone: a file, or the word registry for what is stored beside "
	 "the image"},
	{"key", 0, OPTION_STRING, AT(key), "FILE", NULL,
	 "private key to sign with (default: ASSAY_SIGNING_KEY, the PEM text)"},
	{"output", 'o', OPTION_LIST, AT(outputs), "FORMAT=FILE", NULL,
	 "also write json, github, markdown or status (a commit status) to FILE, - for standard "
	 "output (repeatable)"},
	{"schema", 0, OPTION_FLAG, AT(schema), NULL, NULL, "print the JSON Schema of policies"},
	COMMON_OPTIONS};
#undef AT

const struct command_help help_gate = {
	"gate --commit REV | --image DIGEST|REF --policy FILE [OPTION]...",
	"May this image be deployed? Decides by recorded runs and a policy; what is not known is "
	"closed. A closed gate lists every reason and the command that would open it.",
	gate_rows};

static int check_options(const struct gate_options *options, struct err *err)
{
	if (!options->policy)
		return err_set(err, ERR_USAGE, "gate: --policy FILE is missing");
	if (!options->commit == !options->image)
		return err_set(err, ERR_USAGE, "gate: write either --commit or --image");
	if (options->verify && (options->attest || options->push))
		return err_set(err, ERR_USAGE,
			       "gate: --verify reads an attestation; --attest and "
			       "--push write one");
	if (options->commit && (options->verify || options->push))
		return err_set(err, ERR_USAGE,
			       "gate: --verify and --push are about an image: write --image");
	if (options->push && !registry_is_reference(options->image))
		return err_set(err, ERR_USAGE,
			       "gate: --push wants an image in a registry: --image HOST/REPO:TAG");
	if (options->verify && strcmp(options->verify, "registry") == 0 &&
	    !registry_is_reference(options->image))
		return err_set(err, ERR_USAGE,
			       "gate: --verify registry wants an image in one: "
			       "--image HOST/REPO:TAG");
	return gate_check_outputs(options, err);
}

static int read_policy(struct gate *gate, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, POLICY_BYTES_MAX + 1);
	rc = file_read(gate->options->policy, &text, err);
	if (rc == 0)
		rc = policy_parse(gate->options->policy, buf_str(&text), text.len, &gate->policy,
				  err);
	buf_done(&text);
	return rc;
}

/* A reference that the registry cannot resolve names no image: closed, for that reason. */
static int find_in_registry(struct gate *gate, struct err *err)
{
	const char *auth = getenv("ASSAY_REGISTRY_AUTH");
	struct err why = {0};

	if (registry_parse(gate->options->image, gate->arena, &gate->ref, err) < 0)
		return -1;
	if ((!auth && registry_credentials(gate->ref.host, gate->arena, &auth, &why) < 0) ||
	    registry_open(&gate->ref, auth, &gate->registry, &why) < 0 ||
	    registry_resolve(gate->registry, gate->arena, &gate->found, &why) < 0) {
		if (why.code == ERR_CANCELLED) {
			*err = why;
			return -1;
		}
		gate->input.unreachable = arena_strdup(gate->arena, why.msg);
		return 0;
	}
	gate->input.digest = gate->found.manifest;
	gate->input.image_id = gate->found.image_id;
	return 0;
}

static int find_commit(struct gate *gate, struct err *err)
{
	struct commit commit = {0};

	if (source_resolve(gate->source, gate->options->commit, gate->arena, &commit, err) < 0)
		return -1;
	gate->input.commit = commit.hash;
	return 0;
}

static int find_subject(struct gate *gate, struct err *err)
{
	const struct gate_options *options = gate->options;
	struct err ignored = {0};

	gate->input.now_ms = clock_unix_ms();
	gate->input.subject = options->image ? options->image : options->commit;
	/* only a commit, or the history's usual place, needs a repository */
	if (source_open(options->repo, &gate->source, options->commit ? err : &ignored) == 0)
		gate->state = cmd_state_dir(gate->source, gate->arena);
	else if (options->commit)
		return -1;
	if (options->commit)
		return find_commit(gate, err);
	if (registry_is_reference(options->image))
		return find_in_registry(gate, err);
	if (strncmp(options->image, "sha256:", 7) != 0 || strlen(options->image) != 71 ||
	    strspn(options->image + 7, "0123456789abcdef") != 64)
		return err_set(err, ERR_USAGE,
			       "gate: '%.100s' names no bytes: write the image's id, sha256: and "
			       "64 hex digits, or HOST/REPO:TAG",
			       options->image);
	gate->input.image_id = options->image;
	return 0;
}

static int decide(struct gate *gate, struct err *err)
{
	if (gate->options->verify)
		return gate_verify(gate, err);
	if (gate_read_waivers(gate, err) < 0)
		return -1;
	if (!gate->input.unreachable)
		gate_read_records(gate);
	policy_decide(gate->policy, &gate->input, gate->arena, &gate->decision);
	return gate->options->attest || gate->options->push ? gate_attest(gate, err) : 0;
}

/* DESIGN section 3; the first row that a reason has is the answer. */
static int exit_of(const struct policy_decision *decision)
{
	static const struct {
		const char *rule;
		int code;
	} rows[] = {{"unreadable", EXIT_FAIL},
		    {"future", EXIT_FAIL},
		    {"failed", EXIT_FAIL},
		    {"excused", EXIT_FAIL},
		    {"passes", EXIT_FAIL},
		    {"contradiction", EXIT_FAIL},
		    {"limit", EXIT_FAIL},
		    {"build-failed", EXIT_BUILD},
		    {"unreachable", EXIT_INFRA},
		    {"flaky", EXIT_INCONCLUSIVE},
		    {"undecided", EXIT_INCONCLUSIVE},
		    {"skipped", EXIT_INCONCLUSIVE},
		    {"too-old", EXIT_INCONCLUSIVE},
		    {"no-cell", EXIT_INCONCLUSIVE},
		    {"in-progress", EXIT_INCONCLUSIVE},
		    {"too-few-samples", EXIT_INCONCLUSIVE},
		    {"no-record", EXIT_EMPTY},
		    {"missing", EXIT_EMPTY},
		    {"metric-missing", EXIT_EMPTY},
		    {"empty", EXIT_EMPTY}};

	if (decision->open || decision->advisory)
		return EXIT_PASS;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < decision->reason_count; k++)
			if (strcmp(decision->reasons[k].rule, rows[i].rule) == 0)
				return rows[i].code;
	return EXIT_FAIL; /* what cannot be trusted */
}

static void gate_done(struct gate *gate)
{
	for (size_t i = 0; i < gate->run_count; i++)
		run_free(gate->runs[i]);
	for (size_t i = 0; i < gate->trust_count; i++)
		sign_key_free(gate->trust[i].key);
	registry_close(gate->registry);
	store_close(gate->store);
	source_close(gate->source);
	policy_free(gate->policy);
}

int cmd_gate(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct gate_options options = {.repo = "."};
	struct gate gate = {.options = &options, .arena = arena};
	struct strings words = {0};
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(gate_rows, argc, argv, arena, &options, &words, &err) == 0 && words.count)
		(void)err_set(&err, ERR_USAGE, "gate: '%s' is not understood", words.items[0]);
	if (err.code)
		code = cmd_fail(&err);
	else if (options.common.help)
		options_help(&help_gate);
	else if (options.schema)
		cmd_print_json(policy_schema());
	else if (check_options(&options, &err) < 0 || read_policy(&gate, &err) < 0 ||
		 gate_read_trust(&gate, &err) < 0 || find_subject(&gate, &err) < 0 ||
		 decide(&gate, &err) < 0 || gate_report(&gate, &err) < 0)
		code = cmd_fail(&err);
	else
		code = exit_of(&gate.decision);
	gate_done(&gate);
	arena_free(arena);
	return cmd_finish_output(code);
}
