#!/usr/bin/env bash
# The founding incident, commit by commit: build results, verdicts, causes, flips, reuse.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
"$top/fixtures/incident/make-repo" "$scratch/repo" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state

judge() { "$ASSAY" run --repo "$scratch/repo" --commit "$@"; }
before=$(git -C "$scratch/repo" status --porcelain; sha256sum <"$scratch/repo/.git/index")

expect 0 '^pass ' judge story/1-works
expect 0 'no image input changed since' judge story/2-docs
# The target becomes an RTX 5090: no cu124 wheel has code for it.
expect 1 'torch-has-code-for-target: expected a match of .*sm_120' judge story/3-bump
expect 3 'AssertionError: Wrong CUDA: 12.6' judge story/4-swap
expect 3 'step [0-9]+/[0-9]+, Dockerfile:[0-9]+: RUN python3 -c' judge story/4-swap
# The true cause is told at the first bad commit, from the image of the last step that went well.
expect 3 'changed: python torch: 2.6.0\+cu124 -> 2.7.1\+cu126 \(step [0-9]+, RUN pip install --ignore-installed' judge story/4-swap --rebuild
expect 3 'dockerfile/ignore-installed' judge story/4-swap
expect 3 'arch/missing-sm: torch @rtx5090' judge story/4-swap
expect 3 'still failing +build' judge story/5-unrelated
expect 1 'fixed +build' judge story/6-widened
expect 1 'not built again|no image input changed' judge story/7a-docs
expect 1 'still failing .*torch-has-code-for-target' judge story/7b-handler
expect 0 'fixed .*torch-has-code-for-target' judge story/8-repair

# The widened image: metadata and module disagree, and the case says so in one line.
expect 1 'expected the same version as 2.6.0\+cu124 by command .*found 2.7.1\+cu126' judge story/6-widened --only torch-metadata-agrees
# What an undecided baseline does not say, the last decided outcome does.
expect 1 'regressed +torch-metadata-agrees' judge story/6-widened
image() { sqlite3 "$scratch/state/history.db" "SELECT image_id FROM runs WHERE commit_hash = '$(git -C "$scratch/repo" rev-parse "$1")' AND image_id IS NOT NULL ORDER BY rowid DESC LIMIT 1"; }
expect 0 'torch: 2.7.1\+cu126 -> 2.8.0\+cu128' "$ASSAY" compare "$(image story/6-widened)" "$(image story/8-repair)"
expect 1 'error +torch/replaced' "$ASSAY" scan "$(image story/6-widened)" --target rtx5090
expect 1 'error +torch/replaced' "$ASSAY" scan "$(image story/6-widened)" --target rtx5090 --no-storage --no-cache
expect 0 '^pass: ' "$ASSAY" scan "$(image story/8-repair)" --target rtx5090
expect 0 'regressed +build' "$ASSAY" history flips --history "$scratch/state/history.db"

# Equal inputs and --reuse: nothing is built or run again.
expect 0 '\(reused\)' judge story/8-repair --reuse
expect 3 'AssertionError: Wrong CUDA: 12.6' judge story/4-swap --reuse
expect 6 'nothing was measured' judge story/8-repair --only no-such-check
expect 0 '"verdict":[[:space:]]*"pass"' judge story/8-repair --reuse --json --quiet

after=$(git -C "$scratch/repo" status --porcelain; sha256sum <"$scratch/repo/.git/index")
holds 'work tree and index are as they were' [ "$before" = "$after" ]
finish
