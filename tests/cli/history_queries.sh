#!/usr/bin/env bash
# What a history answers, from one that an older Assay wrote; export, import and prune.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
data=$(cd "$(dirname "$0")/../unit/store" && pwd)
cd "$scratch" || exit 1
sqlite3 old.db <"$data/schema_1.sql"
history() { "$ASSAY" history "$@" --history "$scratch/old.db"; }

expect 0 'incident / torch / latency, ms, lower is better' history metric latency
expect 0 '2026-11-20T05:51:00.250Z *c0ffee *2 *1.3  needs 6 samples *0.1 *2.5  old0' history metric latency
expect 0 'gpu=H100,driver=570' history metric latency --cell gpu=H100
expect 0 'nothing measured' history metric latency --cell gpu=A100
expect 2 'write KEY=VALUE' history metric latency --cell H100
expect 0 'nothing measured' history metric latency --since 2026-11-23
expect 0 'old2' history metric latency --since 2026-11-22
expect 0 'nothing measured' history metric latency --case build
expect 2 'write a date' history metric latency --since main --repo /
expect 0 '^incident,torch,latency,ms,lower,"gpu=H100,driver=570",old1,2026-11-21T05:51:00.250Z,c0ffee,1,2,1.3' \
	history metric latency --format csv
json() { history metric latency --format json | python3 -c '
import json, sys
a = json.load(sys.stdin)
assert a["assay_metric"] == 1 and [len(s["points"]) for s in a["series"]] == [2, 1], a
assert a["series"][0]["points"][0]["samples"] == [0.1, 2.5], a'; }
holds 'JSON has each series with its raw samples' json
expect 0 'no case both passed and failed' history flaky
expect 0 'no case is or was in quarantine' history quarantine
expect 2 'write --until DATE and --reason TEXT' history quarantine torch
expect 2 'write --until DATE and --reason TEXT' history quarantine torch --until 2030-01-01
soon=$(date -u -d '+9 days' +%F)
expect 2 'has passed' history quarantine torch --until 2026-01-01 --reason r
expect 2 'write a day' history quarantine torch --until soon --reason r
expect 2 'at most 90 days' history quarantine torch --until "$(date -u -d '+92 days' +%F)" --reason r
expect 2 'did you mean .torch.' history quarantine toch --until "$soon" --reason r
expect 2 'a build cannot' history quarantine build --until "$soon" --reason r
expect 2 'no run is recorded' history quarantine torch --suite x --until "$soon" --reason r
expect 2 'is not in quarantine' history quarantine torch --release
expect 0 "incident / torch is in quarantine until $soon" history quarantine torch --until "$soon" --reason races
expect 0 "until +$soon +incident / torch: races" history quarantine
expect 0 '"ended": false' history quarantine --json
expect 0 'is released' history quarantine torch --release
expect 0 "ended +$(date -u +%F) +incident / torch: races" history quarantine
expect 0 'v_attempts' history sql-views
expect 0 'v_metrics' history sql-views
expect 0 '^old2.*regressed' sqlite3 -list old.db 'SELECT run, case_name, flip FROM v_flips'

# Two runs of the history: metrics of one cell, never across cells.
mkdir state && cp old.db state/history.db && repo code
for run in old0 old1 old2; do
	mkdir -p "state/runs/$run" && echo '{"assay_facts":1}' >"state/runs/$run/facts.json"
done
sqlite3 state/history.db "UPDATE measurements SET samples = x'00000000000000400000000000000040'
	WHERE run = (SELECT key FROM runs WHERE id = 'old2')"
compare() { ASSAY_STATE=$scratch/state "$ASSAY" compare "$@" --repo code; }
expect 0 'torch / latency: 1.3 -> 2 ms .[+]53.8 %.' compare old0 old2
expect 0 '    too few: needs 4 samples of each run, there are 2 and 2; shift [+]0.7' compare old0 old2
expect 0 '"finding": "too few",' compare old0 old2 --json
expect 0 '"after": 2,' compare old0 old2 --json
samples() { # RUN FIRST: eight values from FIRST on
	sqlite3 state/history.db "UPDATE measurements SET count = 8, samples = x'$(python3 -c '
import struct, sys
print(struct.pack("<8d", *(int(sys.argv[1]) + i for i in range(8))).hex())' "$2")'
		WHERE run = (SELECT key FROM runs WHERE id = '$1')"
}
samples old0 10 && samples old2 30
expect 0 'torch / latency: 13.5 -> 33.5 ms .[+]148.1 %, worse' compare old0 old2
expect 0 '    different; shift [+]20, 95 % from [+]17 to [+]23' compare old0 old2
expect 0 'torch / latency: 33.5 -> 13.5 ms .-59.7 %, better' compare old2 old0
expect 0 '"shift_high": 23' compare old0 old2 --json
samples old2 11
expect 0 'torch / latency: 13.5 -> 14.5 ms .[+]7.4 %.' compare old0 old2
expect 0 '    same; shift [+]1, 95 % from -2 to [+]4' compare old0 old2
expect 0 '13.5  10..17 ' "$ASSAY" history metric latency --history state/history.db
expect 0 ',8,13.5,10,17,' "$ASSAY" history metric latency --history state/history.db --format csv
expect 0 '"median_high": 17' "$ASSAY" history metric latency --history state/history.db --format json
expect 0 '"needed_samples": 6' history metric latency --format json
across() { compare old0 old1 | grep latency; }
holds 'nothing is compared across cells' eval '! across'

expect 0 '3 runs exported' history export out.jsonl
expect 0 '^3 runs imported, 0 already there' "$ASSAY" history import out.jsonl --history new.db
expect 0 '^0 runs imported, 3 already there' "$ASSAY" history import out.jsonl --history new.db
"$ASSAY" history export again.jsonl --history new.db >/dev/null
holds 'an import exports as the same bytes' cmp out.jsonl again.jsonl
sed '2s/pin it/pin_it/' out.jsonl >changed.jsonl
expect 2 'changed.jsonl:2: .*it was changed' "$ASSAY" history import changed.jsonl --history other.db
head -c 700 out.jsonl >cut.jsonl
expect 2 'cut.jsonl:1: ' "$ASSAY" history import cut.jsonl --history cut.db
echo '{"assay_run":1}' >wrong.jsonl
expect 2 'wrong.jsonl:1: not a line of' "$ASSAY" history import wrong.jsonl --history cut.db
expect 2 'No such file' "$ASSAY" history import nosuch.jsonl --history cut.db

expect 2 'say what stays' history prune
expect 0 '^old0  2026-11-20' history prune --keep-runs 2 --dry-run
expect 0 '^1 run would be removed, 2 kept' history prune --keep-runs 2 --dry-run
expect 0 '^3 runs exported' history export out.jsonl
expect 0 '^1 run removed, 2 kept' history prune --keep-runs 2
expect 0 '^0 runs removed, 2 kept' history prune --keep-runs 2
expect 2 "no run 'old0'" history show old0
expect 0 '^4$' sqlite3 old.db 'SELECT sum(count) FROM v_metrics'
expect 0 '^0$' sqlite3 old.db 'SELECT count(*) FROM measurements WHERE run NOT IN (SELECT key FROM runs)'
finish
