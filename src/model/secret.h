/*
 * What must never be shown: values of variables whose names look like a secret's.
 *
 * A name looks like one when it holds SECRET, PASSWORD, PASSWD, PASSPHRASE or CREDENTIAL, or a word
 * of it ends with TOKEN or KEY(S): HF_TOKEN, apiKey, AWS_SECRET_ACCESS_KEY. MAX_TOKENS and
 * TOKENIZERS_PARALLELISM are settings of inference servers.
 */
#ifndef MODEL_SECRET_H
#define MODEL_SECRET_H

#include "model/target.h"

/* Shorter values would blank out half the output. */
#define SECRET_BYTES_MIN 4

/* Shorter ones are in a log by chance. */
#define SECRET_JUDGED_BYTES_MIN 8

bool secret_named(const char *name);

/* The same, but for a value that tells that it is none: GPG_KEY and its kin that hold nothing but
 * fingerprints of public keys, as the images of programming languages do. */
bool secret_pair(const char *name, const char *value);

/* The secret values of IMAGE's variables and labels, and of ENV (either may be NULL), also as JSON
 * writes them; longest first, since one may begin another. */
void secret_collect(const struct image_config *image, const struct pairs *env, struct arena *arena,
		    struct strings *out);

/* Add VALUE, whatever its name, to SECRETS in the same forms and order. */
void secret_add(struct strings *secrets, const char *value, struct arena *arena);

/* TEXT holds a secret of at least SECRET_JUDGED_BYTES_MIN. */
bool secret_told(const struct strings *secrets, const char *text, size_t len);

/*
 * LEN bytes of TEXT for people: every secret as "***", NUL bytes as U+FFFD. With CUT the text goes
 * on elsewhere, and a secret that only begins at its end is hidden, too. NULL stays NULL.
 */
const char *secret_redact(const struct strings *secrets, const char *text, size_t len, bool cut,
			  struct arena *arena);

#endif
