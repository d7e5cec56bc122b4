#!/usr/bin/env bash
# What checks meet in a real container: isolation, limits, endless and flooding commands.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/incident/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state
repo "$scratch/r"
printf 'FROM assay-fixture/base:1\nRUN echo content > /file && chmod 600 /file && ln -s /file /link && useradd -u 4242 someone || echo someone:x:4242:4242::/:/bin/sh >> /etc/passwd\nUSER 4242\nWORKDIR /srv\n' >"$scratch/r/Dockerfile"

# holds_in CHECK: a suite of one check passes; fails_in PATTERN CHECK: it fails with this reason.
one() {
	printf '{"assay": 1, "name": "checks", "checks": [{"name": "c", %s}]}' "$1" >"$scratch/s.jsonc"
	"$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc"
}
commit "$scratch/r" one
sh='"kind": "command", "command": ["sh", "-c",'

expect 0 '^pass' one "$sh \"id -u; pwd\"], \"stdout\": {\"equals\": \"4242\\n/srv\"}"
expect 0 '^pass' one "$sh \"grep CapEff /proc/self/status\"], \"stdout\": {\"matches\": [\"0000000000000000\"]}"
expect 0 '^pass' one "$sh \"grep -c : /proc/net/dev\"], \"stdout\": {\"equals\": \"1\"}"
expect 0 '^pass' one "$sh \"touch /x\"], \"user\": \"0\", \"exit\": 1"
expect 0 '^pass' one "$sh \"touch /x && test -e /x\"], \"user\": \"0\", \"isolated\": true"
expect 0 '^pass' one "$sh \"touch /tmp/x\"]"
expect 1 'TIMEOUT .*c|timeout' one "$sh \"tail -f /dev/null\"], \"timeout\": \"2s\""
expect 1 'still running after 2.0 s' one "$sh \"tail -f /dev/null & tail -f /dev/null\"], \"timeout\": \"2s\""
expect 1 'stdout-mismatch' one "$sh \"head -c 1000000000 /dev/zero | tr '\\\\\\\\0' x\"], \"stdout\": {\"contains\": [\"y\"]}"
expect 1 "no program 'nosuch'" one '"kind": "command", "command": ["nosuch"]'
expect 1 'exit code 3' one "$sh \"exit 3\"]"
expect 0 '^pass' one '"kind": "file", "path": "/file", "mode": "0600", "uid": 0, "contains": ["content"]'
expect 0 '^pass' one '"kind": "file", "path": "/link", "contains": ["content"]'
expect 0 '^pass' one '"kind": "file", "path": "/link", "link": "/file"'
expect 1 'file/missing' one '"kind": "file", "path": "/nosuch"'
expect 1 'mode 0644, found mode 0600' one '"kind": "file", "path": "/file", "mode": "0644"'
expect 0 '^pass' one '"kind": "metadata", "user": "4242", "workdir": "/srv"'
expect 0 '^pass' one '"kind": "command", "command": ["echo", "{\"n\": 1.5}"], "json": [{"path": "$.n", "equals": 1.5}], "metrics": [{"name": "n", "path": "$.n", "unit": "s", "better": "lower"}]'
expect 0 '^1.5$' sqlite3 "$scratch/state/history.db" 'SELECT median FROM v_metrics'

left=$(curl -fsS --unix-socket "${DOCKER_HOST#unix://}" 'http://localhost/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22assay.lock%22%5D%7D')
holds "no container is left: $left" [ "$left" = '[]' ]
finish
