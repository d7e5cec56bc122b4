#!/usr/bin/env bash
# The examples of docs/ci: their scripts run, their files are held against the vendors' schemas.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1
action=$top/ci/action/assay.sh

# An assay that only says what it was asked, and exits as it is told.
mkdir bin
cat >bin/assay <<'END'
#!/bin/sh
[ "$1 $2" = 'history runs' ] && { echo '[{"commit": "bad1", "verdict": "fail"}, {"commit": "good1", "verdict": "pass"}]'; exit; }
echo "assay: $*"
exit "${CODE:-0}"
END
chmod +x bin/assay
asked() { env ASSAY="$scratch/bin/assay" GITHUB_OUTPUT="$scratch/output" "$@"; }
said() { grep -qx "exit-code=$1" output; }
expect 0 '^assay: run --commit HEAD -o github=- -o junit=assay.xml -o json=assay.json$' asked "$action" run
expect 3 'run --commit v1 .* --suite gpu.jsonc$' asked env CODE=3 INPUT_COMMIT=v1 INPUT_SUITE=gpu.jsonc "$action" run
holds 'the exit code is an output' said 3
expect 0 'bisect --good good1 --bad HEAD$' asked "$action" bisect
expect 0 'bisect --good v1 --bad v2$' asked env INPUT_GOOD=v1 INPUT_COMMIT=v2 "$action" bisect
expect 0 'gate --policy gate.jsonc .* --image r.example/llm:1 --push$' asked env INPUT_IMAGE=r.example/llm:1 INPUT_PUSH=true "$action" gate
expect 0 'gate --policy p .* --commit HEAD$' asked env INPUT_POLICY=p "$action" gate
# shellcheck disable=SC2016 # a value that looks like code stays a word
expect 0 'run --commit \$\(touch owned\);touch owned ' asked env INPUT_COMMIT='$(touch owned);touch owned' "$action" run
holds 'values are not code' [ ! -e owned ]
expect 2 usage asked "$action" nonsense
expect 0 '^$' asked "$action" install
expect 0 'gate --commit v1 --policy gate.jsonc' asked "$top/docs/ci/generic.sh" v1
expect 1 'gate --commit HEAD' asked env CODE=1 "$top/docs/ci/generic.sh"
no_gate() { ! asked env CODE=4 "$top/docs/ci/generic.sh" | grep gate; }
holds 'broken infrastructure asks no gate' no_gate

# The real one, on a real history.
"$top/tests/cli/gate_runs.py" a,60,arch=pass b,60,arch=fail >runs.jsonl
"$ASSAY" history import runs.jsonl --history h.db >/dev/null
echo '{"policy": 1, "name": "deploy", "suites": ["s"], "require": [{"check": "arch"}]}' >gate.jsonc
image() { printf 'sha256:'; printf "$1%.0s" {1..64}; }
real() { env ASSAY="$ASSAY" INPUT_HISTORY=h.db INPUT_IMAGE="$(image "$1")" GITHUB_OUTPUT="$scratch/output" GITHUB_STEP_SUMMARY="$scratch/summary.md" "$action" gate; }
expect 0 '^::notice title=assay gate open::' real a
expect 1 '^::error title=assay gate failed::arch' real b
holds 'the step summary has both' [ "$(grep -c '^### Gate' summary.md)" = 2 ]
status() { python3 -c 'import json; s = json.load(open("assay-status.json")); assert s["state"] == "failure" and len(s["description"]) <= 140'; }
holds 'the commit status is one that GitHub takes' status
web() { python3 -c 'import json; assert json.load(open("assay-gate.json"))["open"] is False'; }
holds 'what the web metric reads is there' web
expect 0 '"open":[[:space:]]*true' "$ASSAY" gate --image "$(image a)" --history h.db --policy gate.jsonc -o json

# Every word that an example gives to assay is one that it knows.
options() {
	local command option
	for command in run gate; do
		grep -rhoE "assay\"? $command [^#|]*" "$top/docs/ci" | grep -oE -- '--[a-z-]+' | sort -u |
			while read -r option; do "$ASSAY" "$command" --help | grep -qF -- "$option" || { echo "$command $option"; return 1; }; done || return 1
	done
}
holds 'the examples use options that exist' options

# What is to be filled in is said so, and is all there is to fill in: nothing else is named so.
filled_in() {
	local file
	for file in "$top"/docs/ci/github-*.yml; do
		sed -n 2p "$file" | grep -qx '# To fill in: OWNER/assay is .*' || return 1
		! sed 2d "$file" | grep OWNER | grep -vE '^ +(- )?uses: OWNER/assay/ci/action@v1$' || return 1
	done
	! grep -rl OWNER "$top/ci/action" "$top"/docs/ci/{gitlab-ci.yml,generic.sh,argo-rollouts.yaml}
}
holds 'the value to fill in is told, and stands for the action alone' filled_in
nightly() { tail -n 2 "$top/docs/ci/github-nightly-bisect.yml" | tr -d '\n' | grep -qE "if: always\(\) && steps.judge.outputs.exit-code != '0' +run: exit 1$"; }
holds 'a night is green only when it passed' nightly

# GitHub's and GitLab's own schemas.
python=${ASSAY_TEST_PYTHON:-python3}
if "$python" -c 'import check_jsonschema' 2>/dev/null; then
	check() { "$python" -m check_jsonschema --builtin-schema "$@"; }
	holds 'the action is one' check vendor.github-actions "$top/ci/action/action.yml"
	holds 'the workflows are some' check vendor.github-workflows "$top"/docs/ci/github-*.yml
	holds 'the GitLab file is one' check vendor.gitlab-ci "$top/docs/ci/gitlab-ci.yml"
	sed 's/^runs:/run:/' "$top/ci/action/action.yml" >bad.yml
	refused() { ! check vendor.github-actions bad.yml; }
	holds 'a mistake is seen' refused
else
	cannot 'the schemas of GitHub and GitLab: check-jsonschema is missing (see ci/test-python)'
fi
finish
