/* A history that ends with the process: for tests, and for runs nobody wants kept. */
#include "store/sqlite_private.h"

static int memory_open(const char *location, struct store **out, struct err *err)
{
	(void)location;
	return sqlite_open_as(&store_memory, ":memory:", out, err);
}

const struct store_ops store_memory = {
	.name = "memory",
	.summary = "ends with the process; for tests",
	.scheme = "memory",
	.open = memory_open,
	.close = sqlite_close,
	SQL_OPS,
};
