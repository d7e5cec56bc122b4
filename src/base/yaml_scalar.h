/* What a scalar of YAML 1.1 is, as Go's yaml.v2 resolves it. For base/yaml.c only. */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include "base/json.h"

struct yaml_scalar {
	enum json_type type;
	double number; /* of a number; 1 and 0 of true and false */
	bool known;    /* the tag is one of YAML's own */
};

/* TAG may be NULL; PLAIN: not quoted and no block. -1 for a tag that is not known or that TEXT
 * does not fit. */
int yaml_scalar_resolve(const char *text, const char *tag, bool plain, struct yaml_scalar *out);

#endif
