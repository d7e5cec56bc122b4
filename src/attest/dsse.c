/* DSSE envelopes: https://github.com/secure-systems-lab/dsse, protocol and envelope 1.0. */
#include "attest/attest_private.h"

#include "base/base64.h"

#include <string.h>

#define SIGNATURES_MAX 8

/* What is signed: "DSSEv1", type and payload, each with its length, so that none can run into the
 * next. */
static void add_pae(const char *type, const void *payload, size_t len, struct buf *out)
{
	buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
	buf_add(out, payload, len);
}

static void add_base64(struct json *parent, const char *key, const void *data, size_t len)
{
	struct buf text;

	buf_init(&text, len * 2 + 16);
	base64_add(&text, data, len);
	json_add_str(parent, key, buf_str(&text));
	buf_done(&text);
}

void attest_seal(const char *type, const void *payload, size_t len, const struct sign_key *key,
		 struct buf *out)
{
	struct json *envelope = json_new_object(), *signature;
	unsigned char bytes[SIGN_BYTES];
	char id[DIGEST_HEX];
	struct buf pae;

	buf_init(&pae, len + 1024);
	add_pae(type, payload, len, &pae);
	sign_make(key, pae.data, pae.len, bytes);
	buf_done(&pae);
	sign_key_id(key, id);
	add_base64(envelope, "payload", payload, len);
	json_add_str(envelope, "payloadType", type);
	signature = json_add_object(json_add_array(envelope, "signatures"), NULL);
	json_add_str(signature, "keyid", id);
	add_base64(signature, "sig", bytes, sizeof(bytes));
	json_print(envelope, false, out);
	json_free(envelope);
}

void attest__seal_json(const char *type, struct json *value, const struct sign_key *key,
		       struct buf *out)
{
	struct buf text;

	buf_init(&text, ATTEST_ENVELOPE_MAX);
	json_print(value, false, &text);
	attest_seal(type, buf_str(&text), text.len, key, out);
	out->truncated = out->truncated || text.truncated;
	buf_done(&text);
	json_free(value);
}

static const struct attest_trust *find_key(const char *id, const char *right,
					   const struct attest_trust *trust, size_t count,
					   struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		char known[DIGEST_HEX];

		sign_key_id(trust[i].key, known);
		if (strcmp(known, id) != 0)
			continue;
		for (size_t k = 0; k < trust[i].may.count; k++)
			if (strcmp(trust[i].may.items[k], right) == 0)
				return &trust[i];
		err_set(err, ERR_USAGE, "the key of %s may not %s", trust[i].name, right);
		return NULL;
	}
	err_set(err, ERR_USAGE, "signed with a key that the policy does not trust: %.12s", id);
	return NULL;
}

static int check_signature(const struct json *signature, const struct buf *pae, const char *right,
			   const struct attest_trust *trust, size_t count, const char **signer,
			   struct err *err)
{
	const char *id = json_str(signature, "keyid", NULL);
	const char *text = json_str(signature, "sig", NULL);
	const struct attest_trust *known;
	struct buf bytes;
	int rc = -1;

	if (!id || !text)
		return err_set(err, ERR_USAGE, "a signature without \"keyid\" or \"sig\"");
	known = find_key(id, right, trust, count, err);
	if (!known)
		return -1;
	buf_init(&bytes, SIGN_BYTES + 2);
	if (base64_read(text, strlen(text), &bytes) < 0 || bytes.len != SIGN_BYTES)
		err_set(err, ERR_USAGE, "a signature that is no Ed25519 signature");
	else if (!sign_check(known->key, pae->data, pae->len, (const unsigned char *)bytes.data))
		err_set(err, ERR_USAGE, "the signature of %s does not fit: the content was changed",
			known->name);
	else
		rc = 0;
	buf_done(&bytes);
	if (rc == 0)
		*signer = known->name;
	return rc;
}

/* One way to write an envelope: keys in this order, no white space, no others. */
static bool is_canonical(const struct json *envelope, const char *text, size_t len)
{
	struct json *again = json_new_object(), *list;
	const struct json *item = json_first(json_get(envelope, "signatures"));
	struct buf printed;
	bool same;

	json_add_str(again, "payload", json_str(envelope, "payload", NULL));
	json_add_str(again, "payloadType", json_str(envelope, "payloadType", NULL));
	list = json_add_array(again, "signatures");
	for (; item; item = json_next(item)) {
		struct json *signature = json_add_object(list, NULL);

		json_add_str(signature, "keyid", json_str(item, "keyid", NULL));
		json_add_str(signature, "sig", json_str(item, "sig", NULL));
	}
	buf_init(&printed, len + 1);
	json_print(again, false, &printed);
	json_free(again);
	same = printed.len == len && memcmp(buf_str(&printed), text, len) == 0;
	buf_done(&printed);
	return same;
}

static int check_shape(const struct json *envelope, const char *text, size_t len, const char *type,
		       struct err *err)
{
	const struct json *list = json_get(envelope, "signatures");
	const char *found = json_str(envelope, "payloadType", NULL);

	if (!json_str(envelope, "payload", NULL) || !found || !list ||
	    json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_USAGE, "not a DSSE envelope");
	if (strcmp(found, type) != 0)
		return err_set(err, ERR_USAGE, "the payload is \"%.100s\", not \"%s\"", found,
			       type);
	if (!json_size(list))
		return err_set(err, ERR_USAGE, "not signed");
	if (json_size(list) > SIGNATURES_MAX)
		return err_set(err, ERR_USAGE, "%zu signatures, at most %d", json_size(list),
			       SIGNATURES_MAX);
	if (!is_canonical(envelope, text, len))
		return err_set(err, ERR_USAGE, "the envelope is not as it was written");
	return 0;
}

static int open_payload(const struct json *envelope, const char *type, const char *right,
			const struct attest_trust *trust, size_t count, struct buf *payload,
			const char **signer, struct err *err)
{
	const char *text = json_str(envelope, "payload", "");
	const struct json *item = json_first(json_get(envelope, "signatures"));
	struct buf pae;
	int rc = 0;

	if (base64_read(text, strlen(text), payload) < 0)
		return err_set(err, ERR_USAGE, "the payload is not base64");
	buf_init(&pae, payload->len + 1024);
	add_pae(type, buf_str(payload), payload->len, &pae);
	for (; item && rc == 0; item = json_next(item))
		rc = check_signature(item, &pae, right, trust, count, signer, err);
	buf_done(&pae);
	return rc;
}

int attest_open(const char *text, size_t len, const char *type, const char *right,
		const struct attest_trust *trust, size_t trust_count, struct arena *arena,
		struct attest_letter *out, struct err *err)
{
	struct json *envelope = NULL;
	const char *signer = NULL;
	struct buf payload;
	int rc;

	if (len > ATTEST_ENVELOPE_MAX)
		return err_set(err, ERR_USAGE, "an envelope has at most %zu bytes",
			       ATTEST_ENVELOPE_MAX);
	if (json_parse(text, len, false, &envelope, err) < 0)
		return err_wrap(err, "not a DSSE envelope");
	buf_init(&payload, ATTEST_ENVELOPE_MAX);
	rc = check_shape(envelope, text, len, type, err);
	if (rc == 0)
		rc = open_payload(envelope, type, right, trust, trust_count, &payload, &signer,
				  err);
	if (rc == 0)
		*out = (struct attest_letter){
			.type = type,
			.payload = arena_strndup(arena, buf_str(&payload), payload.len),
			.payload_len = payload.len,
			.signer = arena_strdup(arena, signer)};
	buf_done(&payload);
	json_free(envelope);
	return rc;
}
