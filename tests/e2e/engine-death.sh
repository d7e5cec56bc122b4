#!/usr/bin/env bash
# The engine dies under a build and under a check: exit 4, a clear line, nothing recorded as fail.
# shellcheck source-path=SCRIPTDIR source=../support.sh disable=SC2016
. "$(dirname "$0")/../support.sh"
needs_engine

# An engine of our own, since this one is going to be killed.
own=$scratch/engine
eval "$("$top/ci/engine" start --own --dir "$own")"
case ${DOCKER_HOST:-} in
unix://"$own"/*) ;;
*) echo "FAILED: no engine of our own could be started" && exit 1 ;;
esac
trap '"$top/ci/engine" stop --purge --dir "$own" >/dev/null 2>&1; rm -rf "$scratch"' EXIT
"$top/fixtures/incident/make-base" >/dev/null 2>&1 || exit 1

export ASSAY_STATE=$scratch/state
repo "$scratch/r"
write() { # RUN LINE, CHECK COMMAND
	printf 'FROM assay-fixture/base:1\nRUN %s\n' "$1" >"$scratch/r/Dockerfile"
	printf '{"assay": 1, "name": "death", "checks": [{"name": "c", "kind": "command", "command": ["sh", "-c", "%s"]}]}' \
		"$2" >"$scratch/r/assay.jsonc"
	commit "$scratch/r" "$1"
}

# dies_at PATTERN: run, kill the engine when the progress shows PATTERN, expect exit 4.
dies_at() {
	local code=0 run
	"$ASSAY" run --repo "$scratch/r" >"$scratch/out" 2>"$scratch/err" &
	run=$!
	for _ in $(seq 1 300); do
		eval "$1" && break
		read -rt 0.1 <> <(:) || :
	done
	kill -9 "$(cat "$own/engine.pid")"
	wait "$run" || code=$?
	holds "exit 4, not $code: $(tail -n 3 "$scratch/out")" [ "$code" = 4 ]
	holds "a clear line: $(head -n 5 "$scratch/out")" grep -qE 'infra .*(engine|connection|ended|reach)' "$scratch/out"
	eval "$("$top/ci/engine" start --own --dir "$own")"
}
containers() { curl -fsS --unix-socket "${DOCKER_HOST#unix://}" 'http://localhost/v1.41/containers/json?filters=%7B%22label%22%3A%5B%22assay.lock%22%5D%7D' 2>/dev/null; }

write 'tail -f /dev/null' true
dies_at 'grep -q "step 2/2" "$scratch/err"'
write true 'touch /tmp/here; tail -f /dev/null'
dies_at '[ "$(containers | head -c 3)" = "[{\"" ]'

nothing_failed() { [ "$(sqlite3 "$scratch/state/history.db" "SELECT count(*) FROM cases WHERE outcome = 'fail'")" = 0 ]; }
holds 'nothing is recorded as fail' nothing_failed
write true true
expect 0 '^pass' "$ASSAY" run --repo "$scratch/r"
all() { curl -fsS --unix-socket "${DOCKER_HOST#unix://}" 'http://localhost/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22assay.lock%22%5D%7D'; }
holds 'the next start leaves no container' [ "$(all)" = '[]' ]
finish
