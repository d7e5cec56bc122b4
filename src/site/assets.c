#include "site/site_private.h"

#define ASSET(symbol, path, file)                                                                  \
	extern const char site_##symbol[];                                                         \
	extern const char site_##symbol##_end[];
#include "site/assets.def"
#undef ASSET

#define ASSET(symbol, path, file) {path, site_##symbol, site_##symbol##_end},
const struct site_asset site_assets[] = {
#include "site/assets.def"
	{NULL, NULL, NULL},
};
#undef ASSET
