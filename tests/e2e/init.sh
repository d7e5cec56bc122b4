#!/usr/bin/env bash
# `init` on the incident's repaired commit: a suite that is right and runs at once, and no file lost.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
"$top/fixtures/incident/make-repo" "$scratch/repo" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
cd "$scratch/repo" || exit 1
expect 2 'assay.jsonc exists already' "$ASSAY" init
rm assay.jsonc
expect 0 'next: assay run --suite' "$ASSAY" init
expect 0 'no mistakes' "$ASSAY" suite check
expect 0 '^pass +6 checks passed' "$ASSAY" run --suite assay.jsonc
# The widened commit is caught by what init wrote, without anybody having told it.
expect 1 'torch-has-code-for-target' "$ASSAY" run --suite assay.jsonc --commit story/6-widened
repo "$scratch/empty"
expect 2 'has no Dockerfile' "$ASSAY" init --repo "$scratch/empty"
finish
