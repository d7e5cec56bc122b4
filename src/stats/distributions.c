#include "stats/distributions.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#define ROOT_2PI 2.50662827463100050242
#define STEPS_MAX 4000 /* of a search; Newton's take a dozen */

static bool is_share(double p)
{
	return p >= 0 && p <= 1;
}

/* --- normal ---------------------------------------------------------------------------------- */

double stats_normal_cdf(double z)
{
	return erfc(-z / M_SQRT2) / 2;
}

/* Abramowitz and Stegun 26.2.23 to start with, then Halley's steps on the tail, whose digits
 * erfc() keeps, or on the middle, whose digits erf() keeps. */
static double normal_lower(double p)
{
	double t = sqrt(-2 * log(p));
	double z = (2.515517 + t * (0.802853 + t * 0.010328)) /
			   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
		   t;

	for (int i = 0; i < 3; i++) {
		double off = p < 0.25 ? stats_normal_cdf(z) - p : erf(z / M_SQRT2) / 2 - (p - 0.5);
		double u = off * ROOT_2PI * exp(z * z / 2);

		z -= u / (1 + z * u / 2);
	}
	return z;
}

double stats_normal_quantile(double p)
{
	if (!is_share(p))
		return NAN;
	if (p < DBL_MIN)
		return -INFINITY;
	if (p == 1)
		return INFINITY;
	return p <= 0.5 ? normal_lower(p) : -normal_lower(1 - p);
}

/* --- beta ------------------------------------------------------------------------------------ */

/*
 * x^a y^b / B(a, b) with y = 1 - x, from a binomial probability in Loader's form (2000, "Fast and
 * Accurate Computation of Binomial Probabilities"): differences of logarithms of the gamma function
 * would leave no digits when a and b are large.
 */

/* log(n!) less Stirling's formula for it. */
static double stirling_error(double n)
{
	double n2 = n * n;
	int sign;

	if (n <= 15) /* lgamma() writes a global, signgam: it is for one thread */
		return lgamma_r(n + 1, &sign) - (n + 0.5) * log(n) + n - log(ROOT_2PI);
	return (1.0 / 12 -
		(1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / n2) / n2) / n2) / n2) /
	       n;
}

/* x log(x / m) - d with d = x - m, by its series where that is a small difference. */
static double deviance(double x, double m, double d)
{
	double v = d / (x + m), sum = d * v, term = 2 * x * v;

	if (fabs(v) >= 0.1)
		return x * log(x / m) - d;
	for (int i = 3; i < 1000; i += 2) {
		double last = sum;

		term *= v * v;
		sum += term / i;
		if (sum == last)
			break;
	}
	return sum;
}

static double beta_front(double a, double b, double x, double y)
{
	double n = a + b, d = a * y - b * x; /* a - n x */

	return exp(stirling_error(n) - stirling_error(a) - stirling_error(b) -
		   deviance(a, n * x, d) - deviance(b, n * y, -d)) *
	       sqrt(a * (b / n)) / ROOT_2PI;
}

/*
 * The continued fraction of DiDonato and Morris (1992, "Algorithm 708", ACM TOMS 18), which stays
 * clear of differences of near numbers, evaluated as Lentz does, modified by Thompson and Barnett.
 * It converges within a few times sqrt(max(a, b)) terms for x < (a + 1) / (a + b + 2).
 */
#define TERMS_MAX 10000000
#define TINY 1e-300

static double keep_off_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

static double beta_fraction(double a, double b, double x, double y)
{
	double mean = a * y - b * x + 1;
	double result = a * mean / (a + 1), c = result, d = 0;

	for (int m = 1; m < TERMS_MAX; m++) {
		double at = a + 2 * m - 1, step = m * (b - m) * x / at;
		double over = (a + m - 1) / at * (a + b + m - 1) * step * x;
		double under = m + step + (a + m) * (mean + m * (1 + y)) / (a + 2 * m + 1);

		d = 1 / keep_off_zero(under + over * d);
		c = keep_off_zero(under + over / c);
		result *= c * d;
		if (fabs(c * d - 1) < DBL_EPSILON)
			break;
	}
	return result;
}

/* I_x(a, b) with y = 1 - x, which the caller may know better. */
static double beta_lower(double a, double b, double x, double y)
{
	if (x <= 0 || y <= 0)
		return x <= 0 ? 0 : 1;
	if (a * y - b * x + 1 > 2 * x)
		return beta_front(a, b, x, y) / beta_fraction(a, b, x, y);
	return 1 - beta_front(b, a, y, x) / beta_fraction(b, a, y, x);
}

static bool is_beta(double a, double b)
{
	return a > 0 && b > 0 && isfinite(a) && isfinite(b);
}

double stats_beta_cdf(double a, double b, double x)
{
	return is_beta(a, b) && is_share(x) ? beta_lower(a, b, x, 1 - x) : (double)NAN;
}

/* Newton's steps within a bracket; where one leads out of it, the bracket is halved, by powers
 * while it spans some. */
double stats_beta_quantile(double a, double b, double p)
{
	double low = DBL_MIN, high = 1, x;

	if (!is_beta(a, b) || !is_share(p))
		return NAN;
	if (p == 0 || p == 1)
		return p;
	x = a / (a + b);
	for (int i = 0; i < STEPS_MAX && high - low > DBL_EPSILON / 2 * high; i++) {
		double error = beta_lower(a, b, x, 1 - x) - p, next;

		if (error == 0)
			return x;
		*(error > 0 ? &high : &low) = x;
		next = x - error * x * (1 - x) / beta_front(a, b, x, 1 - x);
		if (!(next > low && next < high))
			next = high > 4 * low ? sqrt(low) * sqrt(high) : low + (high - low) / 2;
		if (fabs(next - x) <= DBL_EPSILON / 2 * x)
			return next;
		x = next;
	}
	return x;
}

/* --- Student's t ----------------------------------------------------------------------------- */

double stats_student_cdf(double t, double df)
{
	double under, tail;

	if (isnan(t) || !(df > 0) || isinf(df))
		return isinf(df) && df > 0 ? stats_normal_cdf(t) : (double)NAN;
	if (isinf(t))
		return t < 0 ? 0 : 1;
	under = df + t * t;
	tail = beta_lower(df / 2, 0.5, df / under, t * t / under) / 2;
	return t < 0 ? tail : 1 - tail;
}

/* T is not zero. */
static double student_density(double t, double df)
{
	double under = df + t * t;

	return beta_front(df / 2, 0.5, df / under, t * t / under) / fabs(t);
}

/* The lower half is convex, so Newton's steps from a point too near to zero never overshoot; a
 * normal quantile is such a point. */
double stats_student_quantile(double p, double df)
{
	double t;

	if (!is_share(p) || !(df > 0))
		return NAN;
	if (p == 0 || p == 0.5 || p == 1)
		return p == 0.5 ? 0 : p == 0 ? -(double)INFINITY : (double)INFINITY;
	if (p > 0.5)
		return -stats_student_quantile(1 - p, df);
	t = stats_normal_quantile(p);
	for (int i = 0; i < STEPS_MAX && isfinite(df); i++) {
		double step = (stats_student_cdf(t, df) - p) / student_density(t, df);

		t -= step;
		if (!(fabs(step) > DBL_EPSILON * fabs(t)))
			break;
	}
	return t;
}

/* --- rates ----------------------------------------------------------------------------------- */

double stats_binomial_cdf(uint64_t k, uint64_t n, double p)
{
	if (!is_share(p))
		return NAN;
	return k >= n ? 1 : beta_lower((double)(n - k), (double)k + 1, 1 - p, p);
}

static bool is_rate(uint64_t k, uint64_t n, double confidence)
{
	return k <= n && confidence > 0 && confidence < 1;
}

static double rate_at_least(uint64_t k, uint64_t n, double alpha)
{
	return k ? stats_beta_quantile((double)k, (double)(n - k) + 1, alpha) : 0;
}

static double rate_at_most(uint64_t k, uint64_t n, double alpha)
{
	return k < n ? stats_beta_quantile((double)k + 1, (double)(n - k), 1 - alpha) : 1;
}

struct stats_interval stats_clopper_pearson(uint64_t k, uint64_t n, double confidence)
{
	double alpha = (1 - confidence) / 2;

	if (!is_rate(k, n, confidence))
		return (struct stats_interval){NAN, NAN};
	return (struct stats_interval){rate_at_least(k, n, alpha), rate_at_most(k, n, alpha)};
}

double stats_rate_at_most(uint64_t k, uint64_t n, double confidence)
{
	return is_rate(k, n, confidence) ? rate_at_most(k, n, 1 - confidence) : (double)NAN;
}

struct stats_interval stats_wilson(uint64_t k, uint64_t n, double confidence)
{
	double trials = (double)n, p = (double)k / trials;
	double z = -stats_normal_quantile((1 - confidence) / 2), z2 = z * z;
	double centre = (p + z2 / (2 * trials)) / (1 + z2 / trials);
	double half =
		z * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials);

	if (!is_rate(k, n, confidence))
		return (struct stats_interval){NAN, NAN};
	if (!n)
		return (struct stats_interval){0, 1};
	return (struct stats_interval){k ? fmax(0, centre - half) : 0,
				       k < n ? fmin(1, centre + half) : 1};
}
