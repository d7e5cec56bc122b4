#!/usr/bin/env bash
# Bisection of a slowdown: what is measured varies by 1 %, a commit makes it some per cent slower, and
# no single run tells on which side of it a commit is. And ranges with more than one culprit.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
r=$scratch/repo
repo "$r"
printf 'FROM assay-fixture/base:1\nCOPY n level /srv/\n' >"$r/Dockerfile"
cat >"$scratch/speed.jsonc" <<'EOF_SUITE'
{"assay": 1, "name": "speed", "image": {"dockerfile": "Dockerfile", "context": ".", "network": "none"},
 "checks": [{"name": "bench", "kind": "command", "command": ["python3", "-c",
  "import random; v = float(open('/srv/level').read()) * random.gauss(1, .007); print('{\"latency\": %g, \"rate\": %g}' % (v, 1000 / v))"],
  "metrics": [{"name": "latency", "path": "$.latency", "unit": "ms", "better": "lower"},
              {"name": "rate", "path": "$.rate", "unit": "1/s", "better": "higher"}]}]}
EOF_SUITE
for i in $(seq 0 16); do
	echo "$i" >"$r/n"
	if [ "$i" -lt 6 ]; then echo 20.0; elif [ "$i" -lt 13 ]; then echo 21.2; else echo 23.0; fi >"$r/level"
	commit "$r" "c $i"
	git -C "$r" tag "c$i"
done
hunt() { "$ASSAY" bisect --repo "$r" --suite "$scratch/speed.jsonc" --bad c12 "$@"; }

expect 0 '^[0-9a-f]{12} c 6$' hunt --good c0 --metric latency -o "json=$scratch/latency.json"
holds 'the change, its unit and its size' python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
m = d['metric']
assert d['ending'] == 'culprit' and d['confirmed'] and d['cost']['builds'] <= 7, d['cost']
assert m['name'] == 'latency' and m['unit'] == 'ms' and .03 < m['change'] < .09, m
assert 19 < m['good'] < 21 and m['noise'] < .03, m
assert all(e['seen'] == 'measured' and abs(e['change']) < .2 for e in d['evidence'])" "$scratch/latency.json"
expect 0 'latency [+][4-8][.][0-9] % \([12][0-9.]+ -> 2[0-9.]+ ms\), measured [0-9]+ times there' hunt --good c0 --metric latency
# Where higher is better the same change is a loss, and what is measured already is not built again.
expect 0 'rate -[4-7][.][0-9] % .* 1/s\)' hunt --good c0 --metric rate
expect 5 'no culprit, .*latency at .* is within 3 % of the good end' hunt --good c7 --metric latency --margin .03
expect 2 'does not measure nothing' hunt --good c0 --metric nothing
expect 2 'one worker' hunt --good c0 --metric latency --workers 2
expect 2 'needs --metric' hunt --good c0 --margin .1

# Two steps in one range, and two checks that two commits broke.
expect 0 'c 13' hunt --good c0 --bad c16 --metric latency --margin .03 --all -o "json=$scratch/steps.json"
named() {
	python3 -c "
import json, sys
d = json.load(open(sys.argv[1]))
found = {c for a in [d, *d['further']] if a['ending'] == 'culprit' for c in a['commits']}
assert found == set(sys.argv[2:]), found" "$1" "$(git -C "$2" rev-parse "$3")" "$(git -C "$2" rev-parse "$4")"
}
holds 'both steps are named' named "$scratch/steps.json" "$r" c6 c13
t=$scratch/two
repo "$t"
printf 'FROM assay-fixture/base:1\nCOPY . /srv/\n' >"$t/Dockerfile"
cat >"$t/assay.jsonc" <<'EOF_SUITE'
{"assay": 1, "name": "two", "image": {"dockerfile": "Dockerfile", "context": ".", "network": "none"},
 "checks": [{"name": "one", "kind": "command", "command": ["test", "!", "-e", "/srv/bug-1"]},
            {"name": "other", "kind": "command", "command": ["test", "!", "-e", "/srv/bug-2"]}]}
EOF_SUITE
for i in 0 1 2 3 4 5 6; do
	echo "$i" >"$t/n"
	[ "$i" = 2 ] && touch "$t/bug-1"
	[ "$i" = 5 ] && touch "$t/bug-2"
	commit "$t" "t $i"
	git -C "$t" tag "t$i"
done
expect 0 'other fails at the end of the range but not there' "$ASSAY" bisect --repo "$t" --good t0
expect 0 't 5' "$ASSAY" bisect --repo "$t" --good t0 --all -o "json=$scratch/two.json"
holds 'both culprits are named' named "$scratch/two.json" "$t" t2 t5
expect 2 'needs a suite' "$ASSAY" bisect --repo "$t" --good t0 --command true --all
finish
