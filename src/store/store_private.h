/* Shared by the stores. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "base/json.h"
#include "store/store_ops.h"

#define STORE_ROWS_DEFAULT 100

/*
 * What a store keeps of RUN: its JSON text is appended to DOCUMENT, and COPY, the caller's, is
 * what that text reads back as. A run that would not read back is refused before it is written:
 * ERR_LIMIT when too large for one document, else ERR_BUG.
 */
int store_document(const struct run *run, struct buf *document, struct run **copy, struct err *err);

/* The run in the LEN bytes of TEXT; ERR_INFRA, as we wrote them ourselves. */
int store_parse(const char *text, size_t len, struct run **out, struct err *err);

#endif
