#!/usr/bin/env bash
# Progress: one redrawn line with an estimate on a terminal, plain lines elsewhere.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
printf 'FROM assay-fixture/base:1\nRUN echo one; sleep 1\nRUN echo two; sleep 1\n' >"$scratch/r/Dockerfile"
printf '{"assay": 1, "name": "progress", "checks": [{"name": "a", "kind": "command", "command": ["true"]}]}' >"$scratch/r/assay.jsonc"
commit "$scratch/r" one
on_terminal() {
	TERM=xterm script -qec "$ASSAY run --repo $scratch/r $*" "$scratch/typescript" </dev/null >/dev/null
	tr '\r' '\n' <"$scratch/typescript"
}
# shellcheck disable=SC2069 # only what goes to standard error
plain() { "$ASSAY" run --repo "$scratch/r" "$@" 2>&1 >/dev/null; }

expect 0 '^\[ .*\] step 2/3 RUN echo one' plain
# The history now knows how long the steps take.
expect 0 'about [0-9.]+ m?s left\] step 2/3 RUN echo one' on_terminal --rebuild --no-cache
expect 0 '^pass +1 check passed' on_terminal --rebuild --no-cache
quiet() { ! on_terminal --quiet --rebuild --no-cache | grep -q 'step 2/3'; }
holds 'quiet shows none of it' quiet
no_control() { ! plain --rebuild --no-cache | grep -q $'\r\|\e'; }
holds 'a pipe gets no control characters' no_control
finish
