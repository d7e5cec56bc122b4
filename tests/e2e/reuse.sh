#!/usr/bin/env bash
# Reuse: what is shared, what is not, and never results of two images in one run.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
printf 'FROM assay-fixture/base:1\nRUN cat /proc/sys/kernel/random/uuid > /id\n' >"$scratch/r/Dockerfile"
printf '{"assay": 1, "name": "reuse", "checks": [{"name": "a", "kind": "command", "command": ["cat", "/id"]}, {"name": "b", "kind": "command", "command": ["cat", "/id"]}]}' >"$scratch/r/assay.jsonc"
commit "$scratch/r" one
judge() { "$ASSAY" run --repo "$scratch/r" "$@"; }
image() { sqlite3 "$scratch/state/history.db" 'SELECT image_id FROM runs ORDER BY rowid DESC LIMIT 1'; }
found() { sqlite3 "$scratch/state/history.db" "SELECT actual FROM cases WHERE name = '$1' ORDER BY rowid DESC LIMIT 1"; }

expect 0 '^pass +1 check passed' judge --only a
first=$(image)
# The same inputs built again: another image, by a run that checked nothing.
expect 6 'nothing was measured' judge --rebuild --no-cache --only nosuch
another() { [ "$(image)" != "$first" ]; }
holds 'the second build made another image' another
# a is reused, so b must be checked on the image that a was checked on.
expect 0 'a .*\(reused\)' judge --reuse
same() { [ "$(image)" = "$first" ] && [ "$(found a)" = "$(found b)" ]; }
holds 'both results are of one image' same
expect 0 'not built again' judge

# Another suite on the same inputs shares the image, not the results.
sed -i 's/"name": "reuse"/"name": "reuse", "description": "changed"/' "$scratch/r/assay.jsonc"
printf 'assay.jsonc\n' >"$scratch/r/.dockerignore"
commit "$scratch/r" two
fresh() { ! judge --reuse 2>&1 | grep -q '(reused)'; }
holds 'a changed suite reuses no result' fresh

# --changed: what the change cannot affect stands, check by check.
suite() { printf '{"assay": 1, "name": "changed", "checks": [{"name": "a", "kind": "command", "command": ["cat", "/id"]}, {"name": "b", "kind": "command", "command": ["echo", "%s"]}, {"name": "rules", "kind": "rules", "select": ["dockerfile"]}]}' "$1" >"$scratch/r/assay.jsonc"; }
suite one
commit "$scratch/r" 'suite changed'
expect 0 '^pass' judge --changed
reused() { sqlite3 "$scratch/state/history.db" "SELECT group_concat(checks.name) FROM cases JOIN checks ON checks.id = cases.check_id WHERE reused_from IS NOT NULL AND kind <> 'build' AND run = (SELECT max(key) FROM runs)"; }
holds 'a suite of another name has nothing to take over' [ -z "$(reused)" ]
suite two
commit "$scratch/r" 'one check changed'
expect 0 '^pass +3 checks' judge --changed
holds "only the check that changed is made, and what looks at the commit: $(reused)" [ "$(reused)" = a ]
mkdir "$scratch/r/docs"
echo more >"$scratch/r/docs/more"
printf 'assay.jsonc\ndocs\n' >"$scratch/r/.dockerignore"
commit "$scratch/r" 'ignore docs'
expect 0 '^pass' judge --changed
echo text >"$scratch/r/docs/more"
commit "$scratch/r" 'docs only'
expect 0 '^pass +3 checks' judge --changed
holds "words change nothing: $(reused)" [ "$(reused)" = a,b ]
echo 'RUN true' >>"$scratch/r/Dockerfile"
commit "$scratch/r" 'another image'
expect 0 '^pass' judge --changed
holds "another image is judged anew: $(reused)" [ -z "$(reused)" ]
expect 2 'changed and --rebuild contradict' judge --changed --rebuild
finish
