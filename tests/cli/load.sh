#!/usr/bin/env bash
# Load over the loopback without an engine: each fault has its class, its exit code, and an end.
# shellcheck source-path=SCRIPTDIR source=../support.sh source=../support/endpoint.sh
. "$(dirname "$0")/../support.sh"
. "$top/tests/support/endpoint.sh"
mkdir -p "$scratch/image/etc"
echo ID=none >"$scratch/image/etc/os-release"
certificate server 2
certificate old -1
certificate client 2
plain='' tls='' expired='' asks='' hasty=''
start plain
start tls "$scratch/server.pem" "$scratch/server.key"
start expired "$scratch/old.pem" "$scratch/old.key"
start asks "$scratch/server.pem" "$scratch/server.key" "$scratch/client.pem"
start hasty "$scratch/server.pem" "$scratch/server.key" "$scratch/client.pem" hasty

usual='"rate": 200, "duration": "100ms"'
# load URL REQUEST [SCHEDULE]: one load check, by itself of 20 requests.
load() {
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "load", "service": {"url": "$1"}, "checks": [{"name": "c", "kind": "load", "timeout": "70s",
 "request": {$2}, "prompts": [{"prompt": "Which city?"}], "expect": {"contains": "Paris"}, "send_lag_max": "${lag:-10s}",
 "warmup": 0, "answer_timeout": "${answer:-60s}", "connect_timeout": "60s", ${3:-$usual}}]}
END
	timeout 80 "$ASSAY" suite apply "$scratch/image" "$scratch/s.jsonc"
}
at=http://127.0.0.1:$plain
path() { load "$at" "\"path\": \"/$1\""; }
stream() { load "$at" "\"template\": \"openai-chat\", \"stream\": true, \"path\": \"/$1\""; }
expect 0 '^pass' path good
expect 0 '^pass' stream stream
for row in silent slow-loris; do
	answer=1s expect 1 "20 of 20: 20 timeout .*load/errors" path "$row"
done
for row in refuse:http nothing:reset reset:truncated empty:empty huge:too-large \
	not-utf8:protocol chunk-garbage:protocol garbage:protocol loop:http other:assertion; do
	expect 1 "20 of 20: 20 ${row#*:} .*load/errors" path "${row%:*}"
done
for row in killed-stream:truncated no-end-stream:truncated role-only-stream:empty no-choices-stream:empty good:protocol; do
	expect 1 "20 of 20: 20 ${row#*:} .*load/errors" stream "${row%:*}"
done
expect 1 'redirect.*load/errors' load "$at" '"path": "/loop"' "$usual, \"redirects\": 3"

# The client is measured too: where it is late itself, the times say nothing, and it says so.
lag=5ms expect 5 'the client was the limit: p99 of its lateness in sending' \
	load "$at" '' '"rate": 5000, "duration": "100ms", "concurrency": 1'
says() { grep -qE "$2" <<<"$("$ASSAY" doctor --load "$1")"; } # whatever else is missing here
holds 'the client can be measured by itself' says 200 'load +200 requests/s are sent .* one core sends [1-9][0-9]{2,} at most'

# An endpoint that cannot be reached says nothing about the image. A handshake is dear: 2 requests.
usual='"rate": 20, "duration": "100ms"'
expect 4 'Connection refused|Failed to connect' load http://127.0.0.1:1 ''
expect 4 'resolve' load http://no-such-host.invalid ''
expect 4 'self.signed certificate' load "https://localhost:$tls" ''
ca="\"ca\": \"$scratch/server.pem\""
expect 0 '^pass' load "https://localhost:$tls" "\"tls\": {$ca}"
expect 4 'no alternative certificate subject name matches' load "https://127.0.0.1:$tls" "\"tls\": {$ca}"
expect 0 '^pass' load "https://127.0.0.1:$tls" '"tls": {"insecure": true}'
expect 4 'certificate has expired' load "https://localhost:$expired" "\"tls\": {\"ca\": \"$scratch/old.pem\"}"
expect 4 'alert certificate required' load "https://localhost:$asks" "\"tls\": {$ca}"
own="\"cert\": \"$scratch/client.pem\", \"key\": \"$scratch/client.key\""
expect 0 '^pass' load "https://localhost:$asks" "\"tls\": {$ca, $own}"
# Whether the alert is read before the connection is lost is chance; what it is about is said either way.
expect 4 'alert certificate required|want a certificate of the client' \
	load "https://localhost:$hasty" "\"tls\": {$ca}" '"rate": 200, "requests": 20'
expect 4 'no-such.pem' load "https://localhost:$tls" '"tls": {"ca": "/no-such.pem"}'
expect 4 'SSL|wrong version' load "https://127.0.0.1:$plain" ''

# A proxy is asked in the endpoint's place: this one answers every path.
expect 0 '^pass' load http://no-such-host.invalid "\"proxy\": \"$at\""
http_proxy=$at expect 0 '^pass' load http://no-such-host.invalid ''
http_proxy=http://127.0.0.1:1 expect 0 '^pass' load "$at" '"proxy": ""'
expect 4 'refused|Failed to connect' load "$at" '"proxy": "http://127.0.0.1:1"'
finish
