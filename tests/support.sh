# Shared by the shell tests: a scratch folder, expectations with exact exit codes, a tiny repository.
# shellcheck shell=bash
set -uo pipefail
: "${ASSAY:?path of the assay binary}"
# shellcheck disable=SC2034 # used by the tests
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null NO_COLOR=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example
export ASSAY_CACHE=$scratch/cache
unset ASSAY_STATE GITHUB_STEP_SUMMARY
failures=0 checks=0

# expect CODE PATTERN COMMAND…: the exit code is CODE and output (both streams) matches PATTERN.
expect() {
	local want=$1 pattern=$2 code=0 output
	shift 2
	output=$("$@" 2>&1) || code=$?
	checks=$((checks + 1))
	if [ "$code" != "$want" ] || ! grep -qE -- "$pattern" <<<"$output"; then
		failures=$((failures + 1))
		printf 'FAILED: %s\n  wanted exit %s and /%s/\n  got exit %s and:\n%s\n' \
			"$*" "$want" "$pattern" "$code" "$(head -c 3000 <<<"$output")"
	fi
}

# holds DESCRIPTION COMMAND…: the command succeeds.
holds() {
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >/dev/null 2>&1 || { failures=$((failures + 1)); printf 'FAILED: %s: %s\n' "$what" "$*"; }
}

# repo DIR: an empty repository.
repo() { git init -q -b main "$1"; }
commit() { git -C "$1" add -A && git -C "$1" commit -q --allow-empty -m "$2"; }

# cannot WHY: a part of a test that this machine cannot make; in CI that is a failure.
cannot() {
	if [ "${CI:-}" = true ] || [ "${REQUIRE_DOCKER:-}" = 1 ]; then
		failures=$((failures + 1))
		echo "FAILED: not tested: $1"
	else
		echo "not tested: $1"
	fi
}

# needs_engine: leave with 77, or with a failure where an engine is required.
needs_engine() {
	local host=${DOCKER_HOST:-unix:///var/run/docker.sock}
	curl -fsS --max-time 5 --unix-socket "${host#unix://}" http://localhost/_ping >/dev/null 2>&1 && return
	if [ "${REQUIRE_DOCKER:-}" = 1 ]; then
		echo "FAILED: no engine at $host, and REQUIRE_DOCKER=1"
		exit 1
	fi
	echo "skip: no engine at $host"
	exit 77
}

finish() {
	printf '%s passed, %s failed\n' "$((checks - failures))" "$failures"
	[ "$failures" = 0 ]
	exit
}
