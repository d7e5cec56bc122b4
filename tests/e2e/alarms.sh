#!/usr/bin/env bash
# Alarms: a metric that gets worse is suspected within a few commits, an A/B run confirms or retracts,
# a person acknowledges, the old level fixes; what gets better, or another case, is none.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
r=$scratch/r
repo "$r"
printf 'FROM assay-fixture/base:1\nCOPY level /\n' >"$r/Dockerfile"
cat >"$r/assay.jsonc" <<'END'
{"assay": 1, "name": "alarms", "checks": [{"name": "speed", "kind": "command",
	"command": ["python3", "-S", "-c", "import random; v = float(open('/level').read()) * random.uniform(.999, 1.001); print('{\"ms\": %r, \"ops\": %r}' % (v, v))"],
	"metrics": [{"name": "ms", "path": "$.ms", "unit": "ms", "better": "lower"},
	            {"name": "ops", "path": "$.ops", "unit": "1/s", "better": "higher"}]}]}
END
printf 'assay.jsonc\n' >"$r/.dockerignore"
number=0
# level VALUE COUNT: so many commits with this level, each run.
level() {
	echo "$1" >"$r/level"
	for _ in $(seq "$2"); do
		number=$((number + 1))
		commit "$r" "c$number"
		git -C "$r" tag "c$number"
		"$ASSAY" run --repo "$r" >"$scratch/out" 2>&1 || cat "$scratch/out"
	done
}
alarms() { "$ASSAY" history alarms --repo "$r" "$@"; }

expect 0 'no alarms' alarms
level 100 10
expect 0 'no alarms' alarms
level 110 5
expect 0 "^$(git -C "$r" rev-parse c11 | cut -c1-12), after $(git -C "$r" rev-parse c10 | cut -c1-12)" alarms
expect 0 'suspected +[+](9|10)[.].* speed ms' alarms --metric ms --state suspected
expect 0 'no alarms' alarms --metric ops # it is the better for it
expect 0 'no alarms' alarms --state fixed

# A run of an older commit does not see the points that showed it, so it takes nothing back.
"$ASSAY" run --repo "$r" --commit c11 >/dev/null 2>&1
expect 0 'suspected' alarms --metric ms

# The line that the alarm gives confirms it.
expect 1 'found [+]' "$ASSAY" run --repo "$r" --commit c11 --against c10 --metric ms
expect 0 'confirmed .*A/B run' alarms --metric ms
expect 2 'needs --commit' alarms --acknowledge 'known'
expect 2 'no open alarm' alarms --acknowledge 'known' --commit c3
# The old level comes back.
level 100 6
expect 0 'fixed .*the old level is back' alarms --metric ms

# Another loss, that a person takes.
level 107 6
expect 0 'suspected' alarms --commit c22
expect 0 'acknowledged .*: more work per call' alarms --commit c22 --acknowledge 'more work per call'
level 107 2
expect 0 'acknowledged' alarms --commit c22 --json
expect 2 '--state nosuch' alarms --state nosuch
finish
