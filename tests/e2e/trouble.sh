#!/usr/bin/env bash
# Trouble that is not the commit's: killed Assay, killed engine, full disk. Never recorded as fail.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
printf 'FROM assay-fixture/base:1\n' >"$scratch/r/Dockerfile"
printf '{"assay": 1, "name": "trouble", "checks": [{"name": "long", "kind": "command", "command": ["sh", "-c", "tail -f /dev/null"]}]}' >"$scratch/r/assay.jsonc"
commit "$scratch/r" one
history() { "$ASSAY" history "$@" --history "$scratch/state/history.db"; }
labelled() { curl -fsS --unix-socket "${DOCKER_HOST#unix://}" 'http://localhost/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22assay.lock%22%5D%7D'; }

# kill -9 while a check runs; the next start records the run as infra and removes the container.
"$ASSAY" run --repo "$scratch/r" >/dev/null 2>&1 &
pid=$!
for _ in $(seq 1 300); do [ "$(labelled)" != '[]' ] && break; read -rt 0.1 <> <(:) || :; done
kill -9 "$pid"
wait "$pid" 2>/dev/null
printf '{"assay": 1, "name": "trouble", "checks": [{"name": "short", "kind": "command", "command": ["true"]}]}' >"$scratch/r/assay.jsonc"
commit "$scratch/r" two
expect 0 'was killed: recorded as infra' "$ASSAY" run --repo "$scratch/r"
expect 0 'infra .*assay was killed' history runs
holds 'no container is left' [ "$(labelled)" = '[]' ]
holds 'the history is sound' [ "$(sqlite3 "$scratch/state/history.db" 'PRAGMA integrity_check')" = ok ]
holds 'no temporary file is left' [ -z "$(find "$scratch/state" -name '*.tmp-*')" ]
holds 'no run is open' [ -z "$(find "$scratch/state/runs" -name lock)" ]

# Killed between run.json and the history: decided, and recorded by the next start as it was.
last=$(sqlite3 "$scratch/state/history.db" 'SELECT id FROM runs ORDER BY rowid DESC LIMIT 1')
sqlite3 "$scratch/state/history.db" "PRAGMA foreign_keys = ON; DELETE FROM runs WHERE id = '$last'"
touch "$scratch/state/runs/$last/lock"
expect 0 "run $last was killed: recorded as pass" "$ASSAY" run --repo "$scratch/r"
expect 0 "^$last .*pass" history runs

# A full disk in the run folder.
if mkdir "$scratch/small" && mount -t tmpfs -o size=64k tmpfs "$scratch/small" 2>/dev/null; then
	head -c 60000 /dev/zero >"$scratch/small/filler"
	ASSAY_STATE=$scratch/small/state expect 4 'No space left|disk is full|full' "$ASSAY" run --repo "$scratch/r"
	umount "$scratch/small"
else
	cannot 'a full disk: tmpfs cannot be mounted'
fi
finish
