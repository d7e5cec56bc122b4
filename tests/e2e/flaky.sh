#!/usr/bin/env bash
# Failures that are known, and those that come and go: expected failures, quarantine, reruns, references.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
r=$scratch/r
repo "$r"
printf 'FROM assay-fixture/base:1\n' >"$r/Dockerfile"
commit "$r" one

# suite CHECK…: a suite of these checks; run OPTION…: made on the commit.
suite() {
	local IFS=,
	printf '{"assay": 1, "name": "flaky", "targets": ["h100", "rtx5090"], "checks": [%s]}' "$*" >"$scratch/s.jsonc"
}
run() { "$ASSAY" run --repo "$r" --suite "$scratch/s.jsonc" "$@"; }
# A case's attempts share one container, whose /tmp they may write to: it fails but for the Nth time.
# shellcheck disable=SC2016 # the container's shell
comes() { printf '{"name": "comes", "kind": "command", "command": ["sh", "-c", "echo x >>/tmp/n; test $(wc -l </tmp/n) = %s"]%s}' "$1" "${2:-}"; }
fails() { printf '{"name": "%s", "kind": "command", "command": ["sh", "-c", "exit 3"]%s}' "$1" "${2:-}"; }
good='{"name": "good", "kind": "command", "command": ["true"]}'

# Reruns: what passes then is flaky, what never does fails.
suite "$good" "$(comes 3)"
expect 1 'FAIL +comes' run
expect 5 'FLAKY +comes' run --rerun-failures
expect 5 'flaky: failed 2 of 3 attempts on this image' run --rerun-failures
expect 5 '^inconclusive +comes' run --rerun-failures
suite "$good" "$(comes 3 ', "reruns": 1')"
expect 1 'failed 2 of 2 attempts on this image' run --rerun-failures
suite "$good" "$(comes 3 ', "reruns": 2')"
expect 5 'FLAKY +comes' run
expect 1 'FAIL +comes' run --no-reruns
expect 2 'contradict' run --rerun-failures --no-reruns
expect 125 'FLAKY' run --exit-style bisect
suite "$good" "$(comes 3 ', "reruns": 2, "isolated": true')" # another container each time: it never is the third
expect 1 'failed 3 of 3 attempts' run
suite "$good" "$(fails breaks)"
expect 1 'failed 7 of 7 attempts on this image' run --rerun-failures
expect 1 '1 passed, 1 failed|2 passed, 1 failed' run --rerun-failures
suite "$good" '{"name": "hangs", "kind": "command", "command": ["tail", "-f", "/dev/null"], "timeout": "1s", "reruns": 5}'
expect 1 'TIMEOUT +hangs' run
db=$ASSAY_STATE/history.db
expect 0 '^0$' sqlite3 "$db" "SELECT count(*) FROM v_attempts WHERE case_name = 'hangs'"
expect 0 '^1:fail 2:pass$' sqlite3 "$db" "SELECT group_concat(position || ':' || outcome, ' ') FROM (SELECT * FROM v_attempts
	WHERE case_name = 'comes' AND run = (SELECT max(run) FROM v_attempts WHERE outcome = 'pass') ORDER BY position)"
expect 0 'flaky +comes +[0-9]+ .*/' "$ASSAY" history flaky --repo "$r"
json() { "$ASSAY" history flaky --repo "$r" --json | python3 -c '
import json, sys
rows = {row["case"]: row for row in json.load(sys.stdin)}
assert set(rows) == {"comes"}, rows
row = rows["comes"]
assert row["images"] == 1 and 0 < row["low"] < row["rate"] < row["high"] < 1 and row["entropy"] > 0.5, row'; }
holds 'what always fails is not flaky' json

# Quarantine: recorded, shown, and fails nothing until it ends.
suite "$good" "$(fails breaks)"
day=$(date -u -d '+9 days' +%F)
expect 2 'at most 90 days' "$ASSAY" history quarantine breaks --repo "$r" --reason races --until 2099-01-01
expect 0 'is in quarantine until' "$ASSAY" history quarantine breaks --repo "$r" --suite flaky --until "$day" --reason 'races with the cache'
expect 0 "until +$day +flaky / breaks: races" "$ASSAY" history quarantine --repo "$r"
expect 0 'QUARANTINED +breaks' run
expect 0 "exit code 3.*quarantine until $day: races" run -o markdown=-
expect 0 '^pass +1 check passed, 1 failed in quarantine' run
expect 0 '^not ok 3 - breaks # TODO quarantine until' run -o tap=- --quiet
expect 0 '^fail$' sqlite3 "$db" "SELECT outcome FROM v_cases WHERE case_name = 'breaks' ORDER BY started_at DESC LIMIT 1"
sqlite3 "$db" "UPDATE quarantines SET expires_at = '2026-01-02T23:59:59.999Z', created_at = '2026-01-01T00:00:00.000Z'"
expect 1 'FAIL +breaks' run
expect 1 'quarantine ended 2026-01-02: races' run -o markdown=-
expect 0 'in quarantine until' "$ASSAY" history quarantine breaks --repo "$r" --until "$day" --reason 'again'
expect 0 'QUARANTINED' run
expect 0 'is released' "$ASSAY" history quarantine breaks --repo "$r" --release
expect 1 'FAIL +breaks' run
expect 0 '^2$' sqlite3 "$db" 'SELECT count(*) FROM quarantines'

# Expected failures.
suite "$good" "$(fails known ', "expect_failure": "waits for cu128"')"
expect 0 'XFAIL +known' run
expect 0 'expected to fail: waits for cu128' run -o markdown=-
expect 0 '1 failed as expected' run
expect 0 '^not ok 3 - known # TODO expected to fail: waits' run -o tap=- --quiet
expect 0 '<skipped type="xfail" message=' run -o junit=- --quiet
no_annotation() { ! run -o github=- --quiet | grep -E '^::(error|warning)'; }
holds 'an expected failure is no annotation' no_annotation
suite '{"name": "known", "kind": "command", "command": ["true"], "expect_failure": "waits for cu128"}'
expect 1 '^fail +known: expected to fail .waits for cu128., passes: remove expect_failure' run
expect 1 '^::error .*title=known::expected to fail' run -o github=- --quiet
suite "$(fails known ', "expect_failure": {"reason": "r", "labels": "file/missing"}')"
expect 1 'expected to fail otherwise: file/missing' run -o markdown=-
suite "$(fails known ', "expect_failure": {"reason": "r", "until": "2026-01-01"}')"
expect 1 'expect_failure ended 2026-01-01: r' run -o markdown=-
suite "$(fails known ', "targets": ["h100", "rtx5090"], "expect_failure": {"reason": "r", "targets": "h100"}')"
expect 1 'XFAIL +known@h100' run
expect 1 'FAIL +known@rtx5090' run

# References.
measures() {
	printf '{"name": "speed", "kind": "command", "command": ["echo", "{\\"n\\": [%s]}"], "metrics": [{"name": "n", "path": "$.n", "unit": "ms", "better": "lower"}], "references": %s}' "$1" "$2"
}
suite "$(measures '99, 108, 300' '{"*": {"n": [100, -10, 10, "ms"]}}')"
expect 0 '^pass' run # the median
suite "$(measures '112, 112.5, 90' '{"*": {"n": [100, -10, 10, "ms"]}}')"
expect 1 'expected n from 90 to 110 ms .100 ms -10 % [+]10 %., found 112 ms, [+]12 %, worse' run
expect 1 'metric/out-of-reference' run
suite "$(measures '50' '{"*": {"n": [100, -10, 10, "ms"]}}')"
expect 1 'found 50 ms, -50 %, better' run
suite "$(measures '50' '{"*": {"n": [100, null, 10, "ms"]}}')"
expect 0 '^pass' run
suite "$(measures '100' '{"*": {"n": [100, null, 10, "s"]}}')"
expect 1 'expected n in s, found ms' run
suite "$(measures '100' '{"*": {"m": [100, null, 10, "ms"]}}')"
expect 1 'metric/not-reported' run
suite "$(measures '900' '{"gpu=H100": {"n": [100, null, 10, "ms"]}}')"
expect 0 'n not judged: no reference for a metric without cell' run -o markdown=-
finish
