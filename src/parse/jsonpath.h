/* JSON paths, the singular part of RFC 9535: $.a.b[0]['c d'][-1]; a leading "$" may be left out. */
#ifndef PARSE_JSONPATH_H
#define PARSE_JSONPATH_H

#include "base/err.h"
#include "base/json.h"

int jsonpath_check(const char *path, struct err *err);
/* The value, NULL when the path leads nowhere. PATH has passed jsonpath_check. Borrowed. */
const struct json *jsonpath_find(const struct json *root, const char *path);

#endif
