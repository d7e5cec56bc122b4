#!/usr/bin/env bash
# Prompts over the loopback without an engine: what endpoints do wrong, goldens, secrets.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
mkdir -p "$scratch/image/etc"
echo ID=none >"$scratch/image/etc/os-release"
export API_KEY=key-3c5e7a9b1d2f4e6a8c NO_PROXY='' no_proxy=''
unset http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy

cat >"$scratch/stub.py" <<'END'
"""Answers a prompt badly: the last part of the path says how. Prints its port."""
import json
import socket
import socketserver
import ssl
import sys
import threading

GOOD = b'{"output": "Paris."}'


def head(status="200 OK", kind="application/json", *more, length=None):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Stub(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode()
        length, key = 0, ""
        while (header := self.rfile.readline().strip()):
            name, _, value = header.decode().partition(": ")
            length = int(value) if name.lower() == "content-length" else length
            key = value if name.lower() == "authorization" else key
        self.rfile.read(length)
        how = line.split()[1].rsplit("/", 1)[-1]
        try:
            getattr(self, how.replace("-", "_"), self.good)(key)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def good(self, key):
        self.wfile.write(head(length=len(GOOD)) + GOOD)

    def echo_key(self, key):
        body = json.dumps({"output": f"you sent {key}"}).encode()
        self.wfile.write(head(length=len(body)) + body)

    def slow_loris(self, key):
        self.wfile.write(head(length=len(GOOD)))
        for byte in GOOD:
            self.wfile.write(bytes([byte]))
            threading.Event().wait(0.3)

    def huge(self, key):
        self.wfile.write(head(length=100_000_000))
        for _ in range(100):
            self.wfile.write(b"x" * 1_000_000)

    def not_utf8(self, key):
        body = b'{"output": "Par\xff\xfeis"}'
        self.wfile.write(head(length=len(body)) + body)

    def chunk_garbage(self, key):
        self.wfile.write(head("200 OK", "application/json", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n")

    def loop(self, key):
        self.wfile.write(head("302 Found", "text/plain", "Location: /loop", length=0))

    def nothing(self, key):
        pass

    def last(self, key):
        self.server.socket.shutdown(socket.SHUT_RDWR)  # close() alone waits for who polls it
        self.server.socket.close()
        self.good(key)
        threading.Thread(target=self.server.shutdown).start()

    def garbage(self, key):
        self.wfile.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")

    def reset(self, key):
        self.wfile.write(head(length=1000) + b'{"out')
        self.connection.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Stub)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
END
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT
start() { # VARIABLE ARGUMENT...: sets VARIABLE to the port
	local name=$1 port
	shift
	exec {pipe}< <(exec python3 "$scratch/stub.py" "$@")
	servers+=($!)
	read -r port <&"$pipe"
	printf -v "$name" %s "$port"
}
plain='' tls=''
start plain
start tls "$scratch/cert.pem" "$scratch/key.pem"

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
expect 4 'SSL|certificate' ask "https://localhost:$tls" '' "$paris"
expect 4 'SSL|wrong version' ask "https://127.0.0.1:$plain" '' "$paris"
expect 0 '^pass' ask "https://localhost:$tls" "\"tls\": {\"ca\": \"$scratch/cert.pem\"}" "$paris"
expect 0 '^pass' ask "https://127.0.0.1:$tls" '"tls": {"insecure": true}' "$paris"
expect 4 'certificate|SSL|subject' ask "https://127.0.0.1:$tls" "\"tls\": {\"ca\": \"$scratch/cert.pem\"}" "$paris"
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
