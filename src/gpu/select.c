#include "gpu/select.h"

#include "base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RELEASE_NEAREST 50 /* first that falls back to another CUDA version */
#define RELEASE_RAISES 46  /* first that does not fall to the CPU library */
#define DIGITS_MAX 8

static const char prefix[] = "libbitsandbytes_cuda";
static const char suffix[] = ".so";

static bool present(const struct select_input *in, const char *file)
{
	for (size_t i = 0; i < in->file_count; i++)
		if (!strcmp(in->files[i], file))
			return true;
	return false;
}

static bool digits_only(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The version of "libbitsandbytes_cuda130.so": 130, the major always two digits; 0: none. */
static unsigned version_of(const char *file)
{
	size_t len = strlen(file), digits;
	char text[DIGITS_MAX] = "";
	int64_t version;

	if (len < sizeof(prefix) + sizeof(suffix) - 2 ||
	    strncmp(file, prefix, sizeof(prefix) - 1) != 0 ||
	    strcmp(file + len - sizeof(suffix) + 1, suffix) != 0)
		return 0;
	digits = len - (sizeof(prefix) - 1) - (sizeof(suffix) - 1);
	if (digits < 3 || digits >= sizeof(text))
		return 0;
	memcpy(text, file + sizeof(prefix) - 1, digits);
	return units_parse_int(text, 100, 9999999, &version) == 0 ? (unsigned)version : 0;
}

/* Major and minor as one ordered number: 13.0 is 130000, 12.10 is 120010. */
static unsigned rank_of(unsigned version)
{
	unsigned scale = 10;

	while (version / scale > 99)
		scale *= 10;
	return version / scale * 10000 + version % scale;
}

static bool nearest(const struct select_input *in, struct select_output *out)
{
	const unsigned want = in->major * 10000 + in->minor;
	unsigned lower = 0, higher = 0, lower_version = 0, higher_version = 0;

	for (size_t i = 0; i < in->file_count; i++) {
		unsigned version = version_of(in->files[i]);
		unsigned rank = version ? rank_of(version) : 0;

		if (!rank || rank / 10000 != in->major)
			continue;
		if (rank < want && rank > lower) {
			lower = rank;
			lower_version = version;
		}
		if (rank > want && (!higher || rank < higher)) {
			higher = rank;
			higher_version = version;
		}
	}
	if (!lower && !higher)
		return false;
	(void)snprintf(out->file, sizeof(out->file), "%s%u%s", prefix,
		       lower ? lower_version : higher_version, suffix);
	return true;
}

static void missing(const struct select_input *in, struct select_output *out)
{
	if (in->release < RELEASE_RAISES) {
		out->how = SELECT_CPU;
		(void)snprintf(out->why, sizeof(out->why),
			       "%s is not in the package: bitsandbytes 0.%u silently loads its CPU "
			       "library",
			       out->file, in->release);
		return;
	}
	out->how = SELECT_MISSING;
	(void)snprintf(out->why, sizeof(out->why),
		       "%s is not in the package: import succeeds, the first kernel call raises",
		       out->file);
}

static void by_override(const struct select_input *in, struct select_output *out)
{
	if (in->release >= RELEASE_NEAREST && !digits_only(in->override)) {
		out->how = SELECT_BAD_OVERRIDE;
		(void)snprintf(out->why, sizeof(out->why),
			       "BNB_CUDA_VERSION=\"%s\" makes the import of bitsandbytes 0.%u "
			       "fail: digits only; up to 0.49 an empty value meant unset",
			       in->override, in->release);
		return;
	}
	(void)snprintf(out->file, sizeof(out->file), "%s%s%s", prefix, in->override, suffix);
	if (!present(in, out->file)) {
		missing(in, out);
		(void)snprintf(out->why, sizeof(out->why),
			       "BNB_CUDA_VERSION=%s names %s, which is not in the package",
			       in->override, out->file);
		return;
	}
	out->how = SELECT_OVERRIDE;
	(void)snprintf(out->why, sizeof(out->why),
		       "BNB_CUDA_VERSION=%s names it; torch has CUDA %u.%u", in->override,
		       in->major, in->minor);
}

void select_library(const struct select_input *in, struct select_output *out)
{
	*out = (struct select_output){.how = SELECT_EXACT};
	if (in->override && (in->release >= RELEASE_NEAREST || *in->override)) {
		by_override(in, out);
		return;
	}
	(void)snprintf(out->file, sizeof(out->file), "%s%u%u%s", prefix, in->major, in->minor,
		       suffix);
	if (present(in, out->file)) {
		(void)snprintf(out->why, sizeof(out->why), "torch has CUDA %u.%u", in->major,
			       in->minor);
		return;
	}
	if (in->release < RELEASE_NEAREST || !nearest(in, out)) {
		missing(in, out);
		return;
	}
	out->how = SELECT_NEAREST;
	(void)snprintf(out->why, sizeof(out->why),
		       "torch has CUDA %u.%u, the package no such build: 0.%u takes the nearest",
		       in->major, in->minor, in->release);
}
