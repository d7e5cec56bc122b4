#!/usr/bin/env bash
# Prompts over the loopback without an engine: what endpoints do wrong, goldens, secrets.
# shellcheck source-path=SCRIPTDIR source=../support.sh source=../support/endpoint.sh
. "$(dirname "$0")/../support.sh"
mkdir -p "$scratch/image/etc"
echo ID=none >"$scratch/image/etc/os-release"
export API_KEY=key-3c5e7a9b1d2f4e6a8c
. "$top/tests/support/endpoint.sh"
certificate server 2
certificate old -1
certificate client 2
plain='' tls='' expired='' asks=''
start plain
start tls "$scratch/server.pem" "$scratch/server.key"
start expired "$scratch/old.pem" "$scratch/old.key"
start asks "$scratch/server.pem" "$scratch/server.key" "$scratch/client.pem"

# ask URL REQUEST EXPECT [MORE]: one prompt check.
ask() {
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "ask", "service": {"url": "$1"}, "checks": [{"name": "c", "kind": "prompt",
 "request": {$2}, "cases": [{"name": "one", "prompt": "Which city?"}], "expect": {$3}${4:-}}]}
END
	"$ASSAY" suite apply "$scratch/image" "$scratch/s.jsonc"
}
at=http://127.0.0.1:$plain
paris='"contains": "Paris"'
expect 0 '^pass' ask "$at" '' "$paris"
expect 1 'prompt/timed-out' ask "$at" '"path": "/slow-loris"' "$paris" ', "answer_timeout": "700ms"'
expect 1 'prompt/timed-out' ask "$at" '"path": "/slow-loris"' "$paris" ', "timeout": "1s"'
expect 1 'prompt/too-large' ask "$at" '"path": "/huge"' "$paris"
expect 1 'prompt/not-json' ask "$at" '"path": "/not-utf8"' "$paris"
expect 1 'prompt/truncated' ask "$at" '"path": "/chunk-garbage"' "$paris"
expect 1 '302, a redirect to .*prompt/redirect' ask "$at" '"path": "/loop"' "$paris"
expect 1 'prompt/truncated' ask "$at" '"path": "/nothing"' "$paris"
expect 1 'prompt/truncated' ask "$at" '"path": "/garbage"' "$paris"
expect 1 'prompt/truncated' ask "$at" '"path": "/reset"' "$paris"
expect 4 'Connection refused' ask http://127.0.0.1:1 '' "$paris"
expect 4 'resolve' ask http://no-such-host.invalid '' "$paris"
expect 4 'self.signed certificate' ask "https://localhost:$tls" '' "$paris"
expect 4 'SSL|wrong version' ask "https://127.0.0.1:$plain" '' "$paris"
ca="\"ca\": \"$scratch/server.pem\""
expect 0 '^pass' ask "https://localhost:$tls" "\"tls\": {$ca}" "$paris"
expect 0 '^pass' ask "https://127.0.0.1:$tls" '"tls": {"insecure": true}' "$paris"
expect 4 'no alternative certificate subject name matches' ask "https://127.0.0.1:$tls" "\"tls\": {$ca}" "$paris"
expect 4 'certificate has expired' ask "https://localhost:$expired" "\"tls\": {\"ca\": \"$scratch/old.pem\"}" "$paris"
expect 4 'alert certificate required' ask "https://localhost:$asks" "\"tls\": {$ca}" "$paris"
own="\"cert\": \"$scratch/client.pem\", \"key\": \"$scratch/client.key\""
expect 0 '^pass' ask "https://localhost:$asks" "\"tls\": {$ca, $own}" "$paris"
expect 4 'no-such.pem' ask "https://localhost:$tls" '"tls": {"ca": "/no-such.pem"}' "$paris"
# So does a service elsewhere that never was there when it had to be ready.
cat >"$scratch/ready.jsonc" <<END
{"assay": 1, "name": "r", "service": {"url": "http://127.0.0.1:1", "ready": {"prompt": "Which city?", "timeout": "300ms"}},
 "checks": [{"name": "c", "kind": "prompt", "cases": [{"name": "one", "prompt": "Which city?"}], "expect": {$paris}}]}
END
expect 4 'the service: cannot connect.*refused' "$ASSAY" suite apply "$scratch/image" "$scratch/ready.jsonc"
sed -i "s|http://127.0.0.1:1\"|$at\"|; s|\"prompt\": \"Which city?\", \"timeout\"|\"prompt\": \"x\", \"request\": {\"path\": \"/refuse\"}, \"timeout\"|" "$scratch/ready.jsonc"
expect 1 'status 503.*service/not-ready' "$ASSAY" suite apply "$scratch/image" "$scratch/ready.jsonc"

# A proxy is asked in the endpoint's place: this one answers every path.
expect 0 '^pass' ask http://no-such-host.invalid "\"proxy\": \"$at\"" "$paris"
http_proxy=$at expect 0 '^pass' ask http://no-such-host.invalid '' "$paris"
http_proxy=http://127.0.0.1:1 expect 0 '^pass' ask "$at" '"proxy": ""' "$paris"

# Secrets: hidden wherever an endpoint sends them back; a missing one is told by its name alone.
key='"path": "/echo-key", "auth": {"env": "API_KEY"}'
expect 0 '^pass' ask "$at" "$key" "\"contains\": \"Bearer $API_KEY\""
expect 1 "you sent Bearer \*\*\*" ask "$at" "$key" "$paris"
hidden() { ! ask "$at" "$key" "$paris" 2>&1 | grep -F "$API_KEY"; }
holds 'the key is not shown' hidden
expect 4 'UNSET_KEY is not set' ask "$at" '"auth": {"env": "UNSET_KEY"}' "$paris"
expect 2 'a password: use auth' ask "http://me:secret@127.0.0.1:$plain" '"url": "http://me:secret@h"' "$paris"

# A process that holds a secret leaves no core dump, and says so to the kernel.
ask "$at" '"path": "/slow-loris", "auth": {"env": "API_KEY"}' "$paris" ', "answer_timeout": "5s"' >/dev/null &
asker=$!
undumpable() {
	local pid
	for _ in $(seq 50); do
		for pid in $(pgrep -f "suite apply $scratch/image"); do
			[ "$(awk '/^Max core file size/ { print $5 $6 }' "/proc/$pid/limits" 2>/dev/null)" = 00bytes ] ||
				[ "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$pid/limits" 2>/dev/null)" = '0 0' ] || continue
			return 0
		done
		read -rt 0.1 <> <(:) || :
	done
	return 1
}
holds 'core dumps are off while a secret is held' undumpable
wait "$asker"

# What is lost on the way was not asked: no pass, though enough repetitions held.
once=''
start once
expect 4 'Connection refused' ask "http://127.0.0.1:$once" '"path": "/last"' "$paris" ', "repeat": 2, "at_least": 1'

# Mistakes are located before anything is sent.
expect 2 's.jsonc:[0-9]+:[0-9]+: .*asserts nothing' ask "$at" '' ''
expect 2 'unknown key.*did you mean "contains"' ask "$at" '' '"contain": "x"'
finish
