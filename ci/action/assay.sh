#!/usr/bin/env bash
# What action.yml runs, and any other CI may: assay.sh install|run|gate|bisect, with INPUT_SUITE,
# INPUT_COMMIT, INPUT_IMAGE, INPUT_POLICY, INPUT_GOOD, INPUT_HISTORY and INPUT_PUSH from the
# environment. Exits as assay does. Values are only ever words of a command, never code.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
assay=${ASSAY:-assay}
words=()
add() { [ -z "$2" ] || words+=("$1" "$2"); }

finish() { # CODE
	[ -z "${GITHUB_OUTPUT:-}" ] || echo "exit-code=$1" >>"$GITHUB_OUTPUT"
	exit "$1"
}

# The newest commit whose run passed, by the history.
newest_good() {
	local history=()
	[ -z "${INPUT_HISTORY:-}" ] || history=(--history "$INPUT_HISTORY")
	"$assay" history runs --json -n 1000 "${history[@]}" |
		python3 -c 'import json, sys; print(next((r["commit"] for r in json.load(sys.stdin) if r["verdict"] == "pass"), ""))'
}

case ${1-} in
install)
	command -v "$assay" >/dev/null && exit
	"$top/ci/setup" && cd "$top" && cmake --preset release && cmake --build --preset release --target assay || exit 4
	echo "$top/build/release/src/cmd" >>"${GITHUB_PATH:?assay is not installed, and there is no GITHUB_PATH to add it to}"
	exit
	;;
run)
	words=(run --commit "${INPUT_COMMIT:-HEAD}" -o github=- -o junit=assay.xml -o json=assay.json)
	add --suite "${INPUT_SUITE:-}"
	add --history "${INPUT_HISTORY:-}"
	;;
gate)
	words=(gate --policy "${INPUT_POLICY:-gate.jsonc}" -o github=- -o json=assay-gate.json -o status=assay-status.json)
	if [ -n "${INPUT_IMAGE:-}" ]; then add --image "$INPUT_IMAGE"; else add --commit "${INPUT_COMMIT:-HEAD}"; fi
	add --history "${INPUT_HISTORY:-}"
	[ "${INPUT_PUSH:-false}" != true ] || words+=(--push)
	;;
bisect)
	good=${INPUT_GOOD:-$(newest_good)}
	[ -n "$good" ] || { echo "assay.sh: no run in the history passed: set INPUT_GOOD" >&2; finish 6; }
	words=(bisect --good "$good" --bad "${INPUT_COMMIT:-HEAD}")
	add --suite "${INPUT_SUITE:-}"
	add --history "${INPUT_HISTORY:-}"
	;;
*)
	echo "usage: assay.sh install|run|gate|bisect" >&2
	finish 2
	;;
esac
code=0
"$assay" "${words[@]}" || code=$?
finish $code
