/* Shared by the files of this room. */
#ifndef ATTEST_ATTEST_PRIVATE_H
#define ATTEST_ATTEST_PRIVATE_H

#include "attest/attest.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define FACTS_MEDIA_TYPE "application/vnd.assay.run+json"

/* The hex digits of "sha256:…" or of a bare digest; NULL stays NULL. */
const char *attest__hex(const char *digest);

/* The JSON text of VALUE, which is freed, sealed into OUT. */
void attest__seal_json(const char *type, struct json *value, const struct sign_key *key,
		       struct buf *out);

#endif
