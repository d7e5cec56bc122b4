#include "gpu/dispatch.h"

#define RELEASE_FUSED 50 /* first with cgemm_4bit_* */
#define ROWS_ALWAYS 4
#define ROWS_MAX 1536
#define ROWS_SIMT 8 /* below: the kernel without tensor cores */
#define SMALL_WEIGHT (UINT64_C(4) * 1024 * 1024)

/* One question: is the fused kernel chosen? Waves are tiles of 64 outputs against SMs. */
struct shape {
	uint64_t m, n, k;
	uint64_t tiles, sms;
	bool sm75, sm80, sm86, sm90, sm120, sm121;
	bool hbm;
};

/* K much shorter than N: latency decides, and the fused kernel has less of it. */
static bool small_short_k(const struct shape *s)
{
	if (s->hbm) {
		bool low = s->tiles * 3 < s->sms;

		if (s->sm80)
			return s->m <= (low ? 1536u : 512u);
		return s->m <= (low ? 512u : 320u);
	}
	if (s->sm75) {
		if (s->tiles >= s->sms * 3 || s->k < 704)
			return s->m <= 320;
		return s->m <= (s->k >= 1024 ? 64u : 96u);
	}
	if (s->tiles < s->sms && s->tiles * s->k > s->sms * 320)
		return s->m <= 192;
	return s->m <= 320;
}

static bool small_weight(const struct shape *s)
{
	bool quarter = s->tiles * 4 <= s->sms;

	if (s->k * 2 < s->n)
		return small_short_k(s);
	if (s->sm80 && quarter) {
		if (s->k >= s->n)
			return s->m <= (s->tiles * 8 <= s->sms ? 32u : 128u);
		return s->m <= 384;
	}
	if (s->sm75 && s->tiles < s->sms && s->m > 8)
		return s->m <= 64;
	if (quarter)
		return s->m <= (s->k < s->n || s->hbm ? 32u : 23u);
	return s->tiles * 2 <= s->sms && s->m <= 16;
}

/* 5 to 7 rows: fused, but for two bands on cards with HBM. */
static bool few_rows(const struct shape *s)
{
	bool under75 = s->tiles * 4 < s->sms * 3, under60 = s->tiles * 5 < s->sms * 3;

	if (!s->hbm || s->m < 6 || s->tiles < (s->sm90 ? 36u : 48u))
		return true;
	if (s->k > s->n && under75)
		return false;
	if (s->k == s->n && s->sm80 && under60)
		return false;
	return !(s->k == s->n && s->sm90 && under75 && !under60);
}

static bool rows_sm75(const struct shape *s)
{
	if (s->tiles >= s->sms * 3)
		return s->m <= (s->k < s->n ? 128u : 64u);
	return s->m <= (s->tiles >= s->sms / 2 ? 64u : 32u);
}

static bool rows_sm80(const struct shape *s)
{
	if (s->tiles >= s->sms * 3)
		return s->m <= 128;
	if (s->tiles >= s->sms)
		return s->m <= (s->k < s->n ? 64u : 32u);
	if (s->k >= s->n * 3 && s->tiles * 4 > s->sms)
		return false;
	if (s->k == s->n && s->tiles >= 48 && s->tiles * 5 < s->sms * 3)
		return false;
	if (s->tiles * 2 < s->sms) {
		if (s->k <= s->n)
			return s->m <= 128;
		if (s->tiles * 3 >= s->sms)
			return false;
	}
	if (s->tiles >= s->sms / 2 && s->k < s->n)
		return s->m <= 128;
	return s->m <= 16;
}

static bool rows_sm86(const struct shape *s)
{
	if (s->tiles >= s->sms)
		return s->m <= 128;
	return s->m <= (s->tiles >= s->sms / 2 ? 64u : 16u);
}

static bool rows_sm90(const struct shape *s)
{
	if (s->tiles >= s->sms * 3)
		return s->m <= 64;
	if (s->tiles >= s->sms * 2)
		return s->m <= 48;
	if (s->tiles >= s->sms)
		return s->m <= 32;
	if (s->tiles < s->sms / 2 || (s->k >= s->n && s->tiles * 4 < s->sms * 3))
		return false;
	return s->m <= 16;
}

static bool rows_sm120(const struct shape *s)
{
	if (s->tiles >= s->sms * 3)
		return s->m <= 256;
	if (s->tiles >= s->sms * 2)
		return s->m <= 128;
	if (s->tiles * 5 >= s->sms * 4)
		return s->m <= (s->k >= s->n ? 96u : 64u);
	if (s->tiles >= s->sms / 2)
		return s->m <= (s->k * 2 >= s->n && s->tiles >= 128 ? 64u : 8u);
	return s->m <= (s->k > s->n * 2 && s->tiles > 64 ? 16u : 8u);
}

/* sm_89, sm_121 below one wave, and cards the release does not know. */
static bool rows_other(const struct shape *s)
{
	bool tall = s->k > s->n * 2;

	if (s->tiles >= s->sms * 3)
		return s->m <= 256;
	if (s->tiles >= s->sms * 2)
		return s->m <= 128;
	if (s->tiles * 5 >= s->sms * 4) {
		if (tall || s->tiles >= 200)
			return s->m <= 128;
		if (s->k >= s->n)
			return s->m <= (s->sms >= 60 ? 128u : 32u);
		return s->m <= 64;
	}
	if (s->tiles >= s->sms / 2) {
		if (tall)
			return s->m <= 64;
		return s->m <= (s->tiles >= 64 ? 8u : 32u);
	}
	if (s->k > s->n && s->tiles <= 48)
		return s->m <= (s->k >= s->n * 3 ? 12u : 10u);
	return s->m <= (tall || s->tiles < 48 ? 16u : 8u);
}

static bool rows_sm100(const struct shape *s)
{
	if (s->tiles >= s->sms * 3)
		return s->m <= 32;
	return s->tiles >= s->sms && s->k < s->n && s->m <= 8;
}

static bool by_shape(const struct shape *s)
{
	if (s->n * s->k < SMALL_WEIGHT)
		return small_weight(s);
	if (s->m > 512)
		return false;
	if (s->m < ROWS_SIMT)
		return few_rows(s);
	if (s->sm75)
		return rows_sm75(s);
	if (s->sm80)
		return rows_sm80(s);
	if (s->sm86)
		return rows_sm86(s);
	if (s->sm90)
		return rows_sm90(s);
	if (s->sm121 && s->tiles >= s->sms)
		return s->m <= 256;
	return s->sm120 ? rows_sm120(s) : rows_other(s);
}

static bool fused(const struct card *card, enum number type, uint64_t m, uint64_t n, uint64_t k)
{
	unsigned cc = card->major * 10 + card->minor;
	const struct shape shape = {
		.m = m,
		.n = n,
		.k = k,
		.tiles = (n + 63) / 64,
		.sms = card->sms,
		.sm75 = cc == 75,
		.sm80 = cc == 80,
		.sm86 = cc == 86,
		.sm90 = card->major == 9,
		.sm120 = cc == 120,
		.sm121 = cc == 121,
		.hbm = cc == 80 || card->major == 9,
	};

	if (m <= ROWS_ALWAYS)
		return true;
	if (type == NUMBER_FP32 || cc < 75 || (card->major == 7 && type != NUMBER_FP16))
		return m < ROWS_SIMT;
	if (cc == 87 || card->major == 11)
		return false;
	if (card->major == 10)
		return rows_sm100(&shape);
	return by_shape(&shape);
}

enum path dispatch_path(unsigned release, const struct card *card, enum number type, uint64_t m,
			uint64_t n, uint64_t k, unsigned blocksize)
{
	if (release < RELEASE_FUSED)
		return m == 1 && k % blocksize == 0 ? PATH_GEMV : PATH_DEQUANT;
	if (m > ROWS_MAX || k % blocksize != 0)
		return PATH_DEQUANT;
	return fused(card, type, m, n, k) ? PATH_FUSED : PATH_DEQUANT;
}

const char *path_name(enum path path)
{
	static const char *const names[] = {"gemv", "fused", "dequant+gemm"};

	return names[path];
}
