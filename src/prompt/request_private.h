/* Friends of the room only: variables inside a request. */
#ifndef PROMPT_REQUEST_PRIVATE_H
#define PROMPT_REQUEST_PRIVATE_H

#include "parse/jsonpath.h"
#include "prompt/request.h"

struct prompt_vars {
	const struct prompt_template *tmpl;
	const struct prompt_input *input;
	const char *id;
	int64_t max_tokens;
};

/* Add VALUE to PARENT as KEY (NULL: append) with its variables replaced. ERR_USAGE names a variable
 * that is not known; ERR_LIMIT: more than PROMPT_BODY_BYTES_MAX. */
int prompt__expand(const struct prompt_vars *vars, struct json *parent, const char *key,
		   const struct json *value, struct err *err);

#endif
