/* The answer and what it rests on, for people. */
#include "base/units.h"
#include "cmd/bisect_private.h"

#include <math.h>
#include <stdio.h>

#define LISTED_MAX 40 /* commits in the table */
#define DIFFERENCES_MAX 20
#define WORTH_LISTING .001 /* probability */

/* --- bars ------------------------------------------------------------------------------------ */

void bisect__bars(const struct hunt *hunt, unsigned columns, struct buf *out)
{
	static const char *const levels[] = {"\u00b7", "\u2581", "\u2582", "\u2583", "\u2584",
					     "\u2585", "\u2586", "\u2587", "\u2588"};
	const struct posterior *posterior = search_posterior(hunt->search);
	uint32_t n = graph_count(hunt->graph), from = 0;
	unsigned cells = n < columns ? n : columns;

	for (unsigned i = 0; i < cells; i++) {
		uint32_t to = (uint32_t)((uint64_t)(i + 1) * n / cells);
		double mass = posterior_span(posterior, from, to - 1);

		buf_addstr(out, levels[mass < .005 ? 0 : 1 + (size_t)fmin(mass * 8, 7)]);
		from = to;
	}
}

/* --- text ------------------------------------------------------------------------------------ */

static void print_commit(struct hunt *hunt, const char *lead, const char *hash)
{
	printf("%s%.12s %s\n", lead, hash, bisect__subject(hunt, hash));
}

static void print_members(struct hunt *hunt, const struct verdict_of_search *answer)
{
	for (size_t i = 0; i < answer->member_count && i < LISTED_MAX; i++)
		print_commit(hunt, "  ", bisect__hash_at(hunt, answer->members[i]));
	if (answer->member_count > LISTED_MAX)
		printf("  and %zu more\n", answer->member_count - LISTED_MAX);
}

static void print_seen(const struct hunt *hunt, const struct verdict_of_search *answer)
{
	printf("seen %s %u time%s there, %s %u time%s before it", hunt->new, answer->fails,
	       answer->fails == 1 ? "" : "s", hunt->old, answer->passes,
	       answer->passes == 1 ? "" : "s");
}

static void print_measured(const struct hunt *hunt, const struct verdict_of_search *answer)
{
	struct levels levels = posterior_levels(search_posterior(hunt->search));
	const char *unit;
	double level = bisect__level(hunt, &unit), change = bisect__change(hunt, levels.bad);

	printf("%s %+.1f %% (%.4g -> %.4g%s%s), measured %u time%s there, %u time%s before it, "
	       "noise %.1f %%",
	       hunt->options->metric, change, level, level * (1 + change / 100), *unit ? " " : "",
	       unit, answer->fails, answer->fails == 1 ? "" : "s", answer->passes,
	       answer->passes == 1 ? "" : "s", 100 * levels.noise);
}

static void print_culprit(struct hunt *hunt, const struct verdict_of_search *answer)
{
	if (answer->member_count == 1)
		print_commit(hunt, "", bisect__hash_at(hunt, answer->members[0]));
	printf("%s %s commit, %.1f %%: ",
	       answer->member_count == 1 ? "is the first" : "one of these is the first", hunt->new,
	       100 * answer->mass);
	if (hunt->options->metric)
		print_measured(hunt, answer);
	else
		print_seen(hunt, answer);
	printf("%s\n", answer->confirmed ? "" : ", not confirmed");
	if (answer->member_count == 1)
		return;
	print_members(hunt, answer);
	printf("  they cannot be told apart: %zu do%s not build or show nothing", answer->broken,
	       answer->broken == 1 ? "es" : "");
	if (answer->presumed)
		printf(", %zu between them were not built", answer->presumed);
	printf("\n");
}

static void print_no_culprit(const struct hunt *hunt, const struct verdict_of_search *answer)
{
	printf("no culprit, %.1f %%: ", 100 * answer->mass);
	if (hunt->options->metric)
		printf("%s at %.12s is within %.3g %% of the good end (measured %u time%s)\n",
		       hunt->options->metric, hunt->bad.hash,
		       100 * hunt->search_options.model.tests.margin, answer->passes,
		       answer->passes == 1 ? "" : "s");
	else
		printf("what failed at %.12s passes there now (%u of %u)\n", hunt->bad.hash,
		       answer->passes, answer->passes + answer->fails);
}

static void print_answer(struct hunt *hunt, const struct verdict_of_search *answer)
{
	switch (answer->ending) {
	case ENDING_CULPRIT:
		print_culprit(hunt, answer);
		break;
	case ENDING_NO_CULPRIT:
		print_no_culprit(hunt, answer);
		break;
	case ENDING_OLDER:
		printf("no culprit in this range, %.1f %%: %.12s fails already\n",
		       100 * answer->mass, hunt->good.hash);
		break;
	case ENDING_OPEN:
	case ENDING_UNDECIDED:
		printf("undecided: %zu commits are left, with %.1f %% together\n",
		       answer->member_count, 100 * answer->mass);
		print_members(hunt, answer);
		break;
	}
}

/* It fails from there on, and yet no commit did it. */
static void print_innocent(struct hunt *hunt, const struct verdict_of_search *answer)
{
	print_members(hunt, answer);
	printf("%s first found %s, %.1f %%, but no commit is to blame\n",
	       answer->member_count == 1 ? "is" : "are", hunt->new, 100 * answer->mass);
}

static void print_cause(const struct cause *cause)
{
	if (cause->external)
		printf("\nexternal cause: %s\n", cause->external);
	for (size_t i = 0; i < cause->notes.count; i++)
		printf("%s  %s\n", i ? "" : "\nwhy it does not build\n", cause->notes.items[i]);
	if (cause->silent && !cause->notes.count)
		printf("\nno comparison of images: %s\n", cause->silent);
	if (cause->before && cause->after && !cause->silent)
		printf("\nwhat changed%s\n", cause->count ? "" : ": nothing that facts tell");
	for (size_t i = 0; i < cause->count && i < DIFFERENCES_MAX; i++) {
		const struct difference *one = &cause->differences[i];

		printf("  %s %s: %s -> %s", one->topic, one->name,
		       one->before ? one->before : "none", one->after ? one->after : "none");
		printf(one->where && *one->where ? "   (%s)\n" : "%s\n",
		       one->where ? one->where : "");
	}
	if (cause->count > DIFFERENCES_MAX)
		printf("  and %zu more: assay compare %.19s %.19s\n",
		       cause->count - DIFFERENCES_MAX, cause->before, cause->after);
	for (size_t i = 0; i < cause->elsewhere.count; i++)
		printf("\n%s fails at the end of the range but not there: another commit broke it "
		       "(--only %s)\n",
		       cause->elsewhere.items[i], cause->elsewhere.items[i]);
}

bool bisect__is_tested(const struct hunt *hunt, uint32_t position)
{
	struct seen seen = search_seen(hunt->search, position);

	return seen.fails || seen.passes || seen.measured;
}

static bool is_listed(const struct hunt *hunt, uint32_t v)
{
	return search_face(hunt->search, v) == v &&
	       (posterior_mass(search_posterior(hunt->search), v) > WORTH_LISTING ||
		bisect__is_tested(hunt, v) || search_is_broken(hunt->search, v));
}

static void print_row(struct hunt *hunt, uint32_t position, const char *hash)
{
	const struct posterior *posterior = search_posterior(hunt->search);
	struct seen seen = search_seen(hunt->search, position);

	printf("  %.12s ", hash);
	if (position == GRAPH_NOWHERE)
		printf("%7s ", hunt->old);
	else
		printf("%5.1f %% ", 100 * posterior_mass(posterior, position));
	if (search_is_broken(hunt->search, position))
		printf("%11s ", "no verdict");
	else if (seen.measured)
		printf("%+6.1f %% %2ux ", bisect__change(hunt, seen.sum / seen.measured),
		       seen.measured);
	else if (hunt->options->metric)
		printf("%12s", "");
	else
		printf("%4u of %4u ", seen.fails, seen.fails + seen.passes);
	printf(" %.50s\n", bisect__subject(hunt, hash));
}

static void print_evidence(struct hunt *hunt)
{
	uint32_t shown = 0, n = graph_count(hunt->graph);

	printf("\n  %-12s %7s %12s  %s\n", "commit", "culprit",
	       hunt->options->metric ? "change" : "fails", "subject");
	print_row(hunt, GRAPH_NOWHERE, hunt->good.hash);
	for (uint32_t v = 0; v < n && shown < LISTED_MAX; v++)
		if (is_listed(hunt, v)) {
			print_row(hunt, v, bisect__hash_at(hunt, v));
			shown++;
		}
}

static void print_cost(const struct hunt *hunt)
{
	char took[32];

	printf("\n%u commits, %zu different to build; %u build%s, %u test%s, %s of work",
	       graph_count(hunt->graph), hunt->kinds, hunt->builds, hunt->builds == 1 ? "" : "s",
	       hunt->tests, hunt->tests == 1 ? "" : "s",
	       units_duration((uint64_t)(hunt->busy_s * 1e9), took, sizeof(took)));
	if (hunt->resumed)
		printf("; %zu observations of earlier calls", hunt->resumed);
	printf("\n");
}

void bisect__print(struct hunt *hunt, const struct verdict_of_search *answer,
		   const struct cause *cause)
{
	if (cause->external && answer->ending == ENDING_CULPRIT)
		print_innocent(hunt, answer);
	else
		print_answer(hunt, answer);
	print_cause(cause);
	if (!hunt->options->common.quiet)
		print_evidence(hunt);
	print_cost(hunt);
}
