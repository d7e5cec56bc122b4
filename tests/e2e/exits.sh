#!/usr/bin/env bash
# Every exit code of the design, each from a real run.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"

# suite CHECK…: write the suite with these checks and commit
suite() {
	printf '{"assay": 1, "name": "exits", "checks": [%s]}' "$1" >"$scratch/r/assay.jsonc"
	commit "$scratch/r" "suite"
}
judge() { "$ASSAY" run --repo "$scratch/r" "$@"; }
printf 'FROM assay-fixture/base:1\nENV A=1\n' >"$scratch/r/Dockerfile"

suite '{"name": "a", "kind": "env", "variable": "A", "value": "1"}'
expect 0 '^pass +1 check passed' judge
expect 0 . judge --exit-style=bisect
suite '{"name": "a", "kind": "env", "variable": "A", "value": "2"}'
expect 1 'a: expected .2., found .1. .variable A of the image' judge
expect 1 . judge --exit-style=bisect
expect 2 'unknown revision|nosuch' judge --commit nosuch
expect 128 . judge --commit nosuch --exit-style=bisect
suite '{"name": "g", "kind": "env", "variable": "A", "needs": ["gpu"]}'
expect 5 'inconclusive +g was skipped: needs a GPU' judge
expect 125 . judge --exit-style=bisect
suite '{"name": "g", "kind": "env", "variable": "A", "needs": ["gpu"], "optional": true}, {"name": "a", "kind": "env", "variable": "A"}'
expect 0 'pass +1 check passed' judge
suite ''
expect 6 'no check was selected' judge
expect 128 . judge --exit-style=bisect
suite '{"name": "a", "kind": "env", "variable": "A"}'
expect 4 'cannot reach|no engine|connect' judge --engine "unix://$scratch/nothing.sock"
expect 128 . judge --engine "unix://$scratch/nothing.sock" --exit-style=bisect
printf 'FROM assay-fixture/base:1\nRUN echo before && exit 7\n' >"$scratch/r/Dockerfile"
commit "$scratch/r" 'broken build'
expect 3 'step 2/2, Dockerfile:2: RUN echo before' judge
expect 125 . judge --exit-style=bisect
expect 1 . judge --exit-style=bisect --build-failure=bad

# Ctrl-C in the middle of a build: recorded, 130, nothing left behind.
printf 'FROM assay-fixture/base:1\nRUN touch /started && tail -f /dev/null\n' >"$scratch/r/Dockerfile"
commit "$scratch/r" 'build that never ends'
"$ASSAY" run --repo "$scratch/r" >"$scratch/out" 2>"$scratch/err" &
pid=$!
for _ in $(seq 1 300); do grep -q 'step 2/2' "$scratch/err" && break; read -rt 0.1 <> <(:) || :; done
kill -INT "$pid"
code=0
wait "$pid" || code=$?
holds "interrupted exits 130 (got $code)" [ "$code" = 130 ]
expect 0 'infra .*interrupted' "$ASSAY" history runs --history "$scratch/state/history.db"
finish
