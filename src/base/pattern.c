#include "base/pattern.h"

#include "base/pattern_go.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT_MAX 2000000U
#define GO_BYTES_MAX ((size_t)64 * 1024)
#define GO_FLAGS (PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX)

/* FLAGS are added to what every pattern has; ASKED is the pattern as its author wrote it. */
static pcre2_code *compile(const char *pattern, uint32_t flags, const char *asked, struct err *err)
{
	int code = 0;
	PCRE2_SIZE at = 0;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *re;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
			   flags | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &at, context);
	pcre2_compile_context_free(context);
	if (!re) {
		PCRE2_UCHAR why[160];

		pcre2_get_error_message(code, why, sizeof(why));
		err_set(err, ERR_USAGE, "bad pattern '%s' at offset %zu: %s", asked, (size_t)at,
			(const char *)why);
	}
	return re;
}

static pcre2_code *compile_go(const char *pattern, struct err *err)
{
	pcre2_code *re = NULL;
	struct buf text;

	buf_init(&text, GO_BYTES_MAX);
	if (pattern_go_rewrite(pattern, &text, err) == 0)
		re = compile(buf_str(&text), GO_FLAGS, pattern, err);
	buf_done(&text);
	return re;
}

static int check(pcre2_code *re)
{
	if (!re)
		return -1;
	pcre2_code_free(re);
	return 0;
}

int pattern_check(const char *pattern, struct err *err)
{
	return check(compile(pattern, PCRE2_MULTILINE, pattern, err));
}

int pattern_go_check(const char *pattern, struct err *err)
{
	return check(compile_go(pattern, err));
}

/* Takes RE over. */
static int find(pcre2_code *re, const char *pattern, const char *text, size_t len,
		const char **capture, size_t *capture_len, struct err *err)
{
	pcre2_match_data *match;
	pcre2_match_context *ctx;
	int rc;

	if (!re)
		return -1;
	match = pcre2_match_data_create_from_pattern(re, NULL);
	ctx = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(ctx, MATCH_LIMIT_MAX);
	rc = pcre2_match(re, (PCRE2_SPTR)text, len, 0, 0, match, ctx);
	if (rc >= 0 && capture) {
		PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
		size_t group = rc > 1 && at[2] != PCRE2_UNSET ? 1 : 0;

		*capture = text + at[2 * group];
		*capture_len = at[2 * group + 1] - at[2 * group];
	}
	pcre2_match_context_free(ctx);
	pcre2_match_data_free(match);
	pcre2_code_free(re);
	if (rc >= 0)
		return 1;
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return err_set(err, ERR_LIMIT, "pattern '%s' gave up (PCRE2 error %d): simplify it",
		       pattern, rc);
}

int pattern_find(const char *pattern, const char *text, size_t len, const char **capture,
		 size_t *capture_len, struct err *err)
{
	return find(compile(pattern, PCRE2_MULTILINE, pattern, err), pattern, text, len, capture,
		    capture_len, err);
}

int pattern_go_find(const char *pattern, const char *text, size_t len, const char **capture,
		    size_t *capture_len, struct err *err)
{
	return find(compile_go(pattern, err), pattern, text, len, capture, capture_len, err);
}
