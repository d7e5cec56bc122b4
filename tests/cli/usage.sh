#!/usr/bin/env bash
# Commands, options and revisions that are wrong: one clear line and exit code 2.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1

expect 0 '^Usage: assay COMMAND' "$ASSAY" --help
expect 0 '^assay [0-9]' "$ASSAY" --version
expect 2 "unknown command 'rnu', did you mean 'run'" "$ASSAY" rnu
expect 2 'unknown option --comit, did you mean --commit' "$ASSAY" run --comit HEAD
expect 2 '^assay: --commit needs a value' "$ASSAY" run --commit
expect 2 "'x' is not a whole number" "$ASSAY" run --jobs x
expect 2 "no format 'jnit'; formats: github, json, junit" "$ASSAY" run -o jnit=x
expect 2 'write FORMAT=FILE' "$ASSAY" run -o junit
expect 2 'write NAME=VALUE' "$ASSAY" run --var x
for command in run history suite doctor init; do
	expect 0 "^Usage: assay $command" "$ASSAY" "$command" --help
done

expect 2 'not .*repository|no .*repository' "$ASSAY" run --repo "$scratch"
full() { "$ASSAY" --help >/dev/full; }
expect 4 'cannot write to standard output' full
expect 2 'contradict each other' "$ASSAY" run --reuse --rebuild

repo "$scratch/r"
expect 2 'commit|branch|empty' "$ASSAY" run --repo "$scratch/r"
echo x >"$scratch/r/a"
commit "$scratch/r" one
expect 2 'no assay.jsonc: write one with' "$ASSAY" run --repo "$scratch/r"
expect 2 'nosuch' "$ASSAY" run --repo "$scratch/r" --commit nosuch
expect 2 'no such file' "$ASSAY" run --repo "$scratch/r" --suite nosuch.jsonc
printf '{"assay": 1, "name": "x", "checks": []}' >"$scratch/r/assay.jsonc"
commit "$scratch/r" two
expect 2 'Dockerfile' "$ASSAY" run --repo "$scratch/r"
expect 2 '^assay: --baseline: .*nosuch' "$ASSAY" run --repo "$scratch/r" --baseline nosuch

# A bad exit would tell `git bisect run` to call the commit bad: everything wrong here must stop it.
expect 128 'nosuch' "$ASSAY" run --repo "$scratch/r" --commit nosuch --exit-style=bisect
finish
