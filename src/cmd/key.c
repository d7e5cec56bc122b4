/* Keys and what people sign with them. */
#include "cmd/gate_private.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIVER_NS_MAX                                                                              \
	(UINT64_C(90) * 24 * 3600 * NS_PER_S) /* longer is not a waiver, but a policy */

struct key_options {
	struct common_options common;
	const char *key;
	const char *check;
	const char *metric;
	const char *label;
	const char *image;
	const char *reason;
	const char *lasts;
};

#define AT(member) offsetof(struct key_options, member)
static const struct option_row key_rows[] = {
	{"key", 0, OPTION_STRING, AT(key), "FILE", NULL,
	 "private key to sign with (default: ASSAY_SIGNING_KEY, the PEM text)"},
	{"check", 0, OPTION_STRING, AT(check), "NAME", NULL,
	 "waive: the check; * and ? are wildcards"},
	{"metric", 0, OPTION_STRING, AT(metric), "NAME", NULL,
	 "waive: the limit of this metric, not the outcome of the check"},
	{"label", 0, OPTION_STRING, AT(label), "LABEL", NULL, "waive: only this failure"},
	{"image", 0, OPTION_STRING, AT(image), "DIGEST", NULL,
	 "waive: for this image alone, sha256:..."},
	{"reason", 0, OPTION_STRING, AT(reason), "TEXT", NULL, "waive: why it may be deployed"},
	{"for", 0, OPTION_STRING, AT(lasts), "DURATION", NULL,
	 "waive: how long, such as 24h; at most 2160h"},
	COMMON_OPTIONS};
#undef AT

const struct command_help help_key = {
	"key new FILE | show FILE | waive [OPTION]...",
	"Make an Ed25519 key (FILE, and its public half FILE.pub), show the public half and id of "
	"one, or sign a waiver, which goes to standard output.",
	key_rows};

static int print_public(const struct sign_key *key, bool as_json)
{
	char id[DIGEST_HEX];
	struct buf pem;

	buf_init(&pem, SIGN_PEM_MAX);
	sign_key_print(key, false, &pem);
	sign_key_id(key, id);
	if (as_json) {
		struct json *json = json_new_object();

		json_add_str(json, "id", id);
		json_add_str(json, "key", buf_str(&pem));
		cmd_print_json(json);
	} else {
		printf("%s%s\n", buf_str(&pem), id);
	}
	buf_done(&pem);
	return 0;
}

/* Never over a key that is there: what it signed could not be told from forgery any more. */
static int write_private(const char *path, const struct buf *pem, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_USAGE, "%s is there already: a key is not overwritten",
			       path);
	if (fd < 0)
		return err_sys(err, ERR_USAGE, "%s", path);
	if (file_write_all(fd, pem->data, pem->len) < 0 || fsync(fd) < 0)
		rc = err_sys(err, ERR_INFRA, "%s", path);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(err, ERR_INFRA, "%s", path);
	return rc;
}

static int make_key(const struct key_options *options, const char *path, struct arena *arena,
		    struct err *err)
{
	struct sign_key *key = NULL;
	struct buf pem;
	int rc;

	if (sign_key_new(&key, err) < 0)
		return -1;
	buf_init(&pem, SIGN_PEM_MAX);
	sign_key_print(key, true, &pem);
	rc = write_private(path, &pem, err);
	explicit_bzero(pem.data, pem.cap);
	pem.len = 0;
	sign_key_print(key, false, &pem);
	if (rc == 0)
		rc = file_write(arena_printf(arena, "%s.pub", path), buf_str(&pem), pem.len, err);
	if (rc == 0)
		rc = print_public(key, options->common.json);
	buf_done(&pem);
	sign_key_free(key);
	return rc;
}

static int show_key(const struct key_options *options, const char *path, struct err *err)
{
	struct sign_key *key = NULL;
	struct buf pem;
	int rc;

	buf_init(&pem, SIGN_PEM_MAX);
	rc = file_read(path, &pem, err);
	if (rc == 0 && sign_key_parse(buf_str(&pem), pem.len, &key, err) < 0)
		rc = err_wrap(err, "%s", path);
	if (pem.data)
		explicit_bzero(pem.data, pem.cap);
	buf_done(&pem);
	if (rc < 0)
		return -1;
	rc = print_public(key, options->common.json);
	sign_key_free(key);
	return rc;
}

static int check_waiver(const struct key_options *options, uint64_t *lasts, struct err *err)
{
	if (!options->check || !options->image || !options->reason || !*options->reason ||
	    !options->lasts)
		return err_set(err, ERR_USAGE,
			       "key waive: write --check, --image, --reason and "
			       "--for");
	if (strncmp(options->image, "sha256:", 7) != 0 || strlen(options->image) != 71)
		return err_set(err, ERR_USAGE, "key waive: --image is sha256: and 64 hex digits");
	if (units_parse_duration(options->lasts, lasts) < 0 || !*lasts || *lasts > WAIVER_NS_MAX)
		return err_set(err, ERR_USAGE,
			       "key waive: --for %s: write a duration like 24h, at "
			       "most 2160h",
			       options->lasts);
	return 0;
}

static int sign_waiver(const struct key_options *options, struct err *err)
{
	struct policy_waiver waiver = {.check = options->check,
				       .metric = options->metric,
				       .label = options->label,
				       .image = options->image,
				       .reason = options->reason,
				       .made_ms = clock_unix_ms()};
	struct sign_key *key = NULL;
	uint64_t lasts = 0;
	struct buf text;

	if (check_waiver(options, &lasts, err) < 0 || gate_read_key(options->key, &key, err) < 0)
		return -1;
	waiver.expires_ms = waiver.made_ms + (int64_t)(lasts / NS_PER_MS);
	buf_init(&text, ATTEST_ENVELOPE_MAX);
	attest_waiver_seal(&waiver, key, &text);
	puts(buf_str(&text));
	buf_done(&text);
	sign_key_free(key);
	return 0;
}

static int dispatch(const struct key_options *options, const struct strings *words,
		    struct arena *arena, struct err *err)
{
	const char *what = words->count ? words->items[0] : "";

	if (strcmp(what, "new") == 0 && words->count == 2)
		return make_key(options, words->items[1], arena, err);
	if (strcmp(what, "show") == 0 && words->count == 2)
		return show_key(options, words->items[1], err);
	if (strcmp(what, "waive") == 0 && words->count == 1)
		return sign_waiver(options, err);
	return err_set(err, ERR_USAGE, "key: write `new FILE`, `show FILE` or `waive`");
}

int cmd_key(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct key_options options = {0};
	struct strings words = {0};
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(key_rows, argc, argv, arena, &options, &words, &err) < 0)
		code = cmd_fail(&err);
	else if (options.common.help)
		options_help(&help_key);
	else if (dispatch(&options, &words, arena, &err) < 0)
		code = cmd_fail(&err);
	else
		code = cmd_finish_output(EXIT_PASS);
	arena_free(arena);
	return code;
}
