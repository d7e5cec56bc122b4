/* A whole file as bytes, mapped for the rest of the process. */
#ifndef GPU_MAPPING_H
#define GPU_MAPPING_H

#include "base/err.h"

#include <stddef.h>

/* ERR_USAGE: it cannot be opened, is empty, or cannot be mapped. */
int mapping_open(const char *path, const void **data, size_t *len, struct err *err);

#endif
