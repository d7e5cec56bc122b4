#!/usr/bin/env bash
# An image measured in turn with another: a loss fails, none passes, noise is no verdict, and what
# cannot be compared says why. The values come out of each image, with a little noise of its own.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
r=$scratch/r
repo "$r"
cat >"$r/Dockerfile" <<'END'
FROM assay-fixture/base:1
COPY level noise /
END
cat >"$r/assay.jsonc" <<'END'
{"assay": 1, "name": "against", "checks": [
	{"name": "rate", "kind": "command",
	 "command": ["python3", "-S", "-c", "import random; v = float(open('/level').read()) * (1 + random.uniform(-1, 1) * float(open('/noise').read())); print('{\"ops\": %r, \"ms\": %r, \"pages\": 7}' % (v, 1e4 / v))"],
	 "metrics": [{"name": "ops", "path": "$.ops", "unit": "1/s", "better": "higher"},
	             {"name": "ms", "path": "$.ms", "unit": "ms", "better": "lower"},
	             {"name": "pages", "path": "$.pages", "unit": "1"}]},
	{"name": "there", "kind": "command", "command": ["true"]}
]}
END
printf 'assay.jsonc\n' >"$r/.dockerignore"
# level NAME VALUE NOISE: a commit whose image has this level.
level() {
	echo "$2" >"$r/level"
	echo "$3" >"$r/noise"
	commit "$r" "$1"
	git -C "$r" tag "$1"
}
level base 100 0.002
level slower 93 0.002
level faster 105 0.002
level same 100 0.0021
level noisy 100 0.6
judge() { "$ASSAY" run --repo "$r" --commit "$@"; }
trials() { sqlite3 "$scratch/state/history.db" "SELECT $1 FROM trials WHERE $2"; }

expect 1 'expected no loss of 2 % against [0-9a-f]{12}, found -(6|7)[.][0-9]+ % \(-[0-9.]+ to -[0-9.]+\) in 6 pairs, (99|100)[0-9.]* to 9[0-9.]+ 1/s.*\[metric/regressed\]' \
	judge slower --against base
expect 1 'found [+][78][.][0-9]+ % \([+].* ms' judge slower --against base --metric ms
no_other() { ! judge slower --against base --metric ms 2>&1 | grep -q against/rate/ops; }
holds '--metric leaves the others alone' no_other
expect 0 'PASS +against/rate/ops +[+][45][.]' judge faster --against base
expect 0 'PASS +against/rate/ops +[+-]0[.][0-9]+ %' judge same --against base
expect 0 'very same image' judge base --against base
expect 5 'undecided: .* in 8 pairs.*more --pairs or a quieter machine' judge noisy --against base --pairs 8 --metric ops
expect 0 'against/rate/ms' judge slower --against base --margin 0.2
# What a run without it does not have is neither gone nor new.
judge same >/dev/null 2>&1
quiet() { ! judge same 2>&1 | grep -E 'against/|gone'; }
holds 'a run without --against misses nothing' quiet

# An image by its id, without a commit.
expect 1 'loss of 2 % against sha256:' judge slower --metric ops --against \
	"$(sqlite3 "$scratch/state/history.db" "SELECT image_id FROM runs WHERE commit_hash = '$(git -C "$r" rev-parse base)' LIMIT 1")"

# Raw values are kept, pair by pair, with who went first.
kept() {
	[ "$(trials 'verdict, metric, length(orders)' "after_commit = '$(git -C "$r" rev-parse slower)' AND metric = 'ops' ORDER BY id LIMIT 1")" = 'fail|ops|12' ]
}
holds 'the trial is in the history' kept

expect 5 'against was skipped: no check measured a metric' judge base --against slower --only there
expect 5 'no metric that was measured has the name' judge base --against slower --metric nothing
expect 2 'neither a revision here nor an image' judge base --against nosuch
expect 2 'from 6 to 1000' judge base --against slower --pairs 5
expect 2 'more than 0' judge base --against slower --margin 0
expect 2 '--metric and --margin need --against' judge base --metric ops
git -C "$r" checkout -q -b broken base
printf 'RUN exit 3\n' >>"$r/Dockerfile"
commit "$r" broken
expect 5 'did not build' judge base --against broken
# A comparison that cannot be made is no pass: before the build where that can be seen, else broken.
git -C "$r" checkout -q -b bare base
git -C "$r" rm -q Dockerfile
commit "$r" bare
expect 2 'against: .*Dockerfile' judge base --against bare
sqlite3 "$scratch/state/history.db" "CREATE TRIGGER full BEFORE INSERT ON trials BEGIN SELECT RAISE(ABORT, 'no room for trials'); END"
expect 4 'against: .*no room for trials' judge same --against base
sqlite3 "$scratch/state/history.db" 'DROP TRIGGER full'
# A baseline that measures something else.
git -C "$r" checkout -q -b other base
rm "$r/level"
sed -i 's/level noise/noise/' "$r/Dockerfile"
commit "$r" other
expect 5 'does not measure it' judge base --against other
finish
