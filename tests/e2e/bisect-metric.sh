#!/usr/bin/env bash
# Bisection of a slowdown: what is measured varies by 1 %, one commit makes it 6 % slower, and no
# single run tells on which side of it a commit is.
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
	if [ "$i" -lt 6 ]; then echo 20.0; else echo 21.2; fi >"$r/level"
	commit "$r" "c $i"
	git -C "$r" tag "c$i"
done
hunt() { "$ASSAY" bisect --repo "$r" --suite "$scratch/speed.jsonc" "$@"; }

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
expect 0 'is the first fixed commit.*rate [+]' hunt --good c6 --bad "$(git -C "$r" commit-tree -p c16 -m back "c0^{tree}")" --metric rate --fix
expect 5 'no culprit, .*latency at .* is within 1 % of the good end' hunt --good c7 --metric latency
expect 2 'does not measure nothing' hunt --good c0 --metric nothing
expect 2 'one worker' hunt --good c0 --metric latency --workers 2
expect 2 'needs --metric' hunt --good c0 --margin .1
finish
