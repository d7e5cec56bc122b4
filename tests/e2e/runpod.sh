#!/usr/bin/env bash
# RunPod jobs against the real SDK from PyPI, which serves the fixture's unmodified handler.
# Needs no engine; where PyPI cannot be reached it is a skip, and in CI a failure.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
version=1.12.0
venv=${ASSAY_ROOTS:-$HOME/.cache/assay}/runpod-$version
export API_KEY=rpa-1f9d3b7e5c2a4d6f8e

make_venv() {
	[ -e "$venv/made" ] && return
	python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "runpod==$version" && touch "$venv/made"
}
mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if ! make_venv >"$scratch/pip.log" 2>&1; then
	cannot "RunPod's SDK: $(tail -n 1 "$scratch/pip.log")"
	[ "$failures" = 0 ] && exit 77
	finish
fi
exec 9>&-

# serve COMMAND...: in the background with its port as last word; sets port and server.
serve() {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	(cd "$top/fixtures/service/app" && PYTHONDONTWRITEBYTECODE=1 exec "$@" "$port") >"$scratch/server.log" 2>&1 &
	server=$!
	for _ in $(seq 200); do
		curl -s -o /dev/null "http://127.0.0.1:$port/" && return
		read -rt 0.1 <> <(:) || :
	done
	echo "FAILED: no server: $(tail -n 3 "$scratch/server.log")"
	exit 1
}
trap 'kill $server 2>/dev/null; rm -rf "$scratch"' EXIT

# job TEMPLATE INPUT EXPECT [MORE]: one prompt check on an image that only lies there.
mkdir -p "$scratch/image/etc"
echo ID=none >"$scratch/image/etc/os-release"
job() {
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "jobs", "checks": [{"name": "job", "kind": "prompt",
 "request": {"template": "$1", "url": "http://127.0.0.1:$port", "auth": {"env": "API_KEY"}},
 "cases": [{"name": "one", "input": {$2}}], "expect": {$3}${4:-}}]}
END
	"$ASSAY" suite apply "$scratch/image" "$scratch/s.jsonc"
}
question='"prompt": "What is the capital of France?"'

serve "$venv/bin/python" handler.py --rp_serve_api --rp_api_host 127.0.0.1 --rp_api_port
for template in runpod-sync runpod-async; do
	expect 0 '^pass' job $template "$question" '"equals": "The capital of France is Paris.", "finish": "stop", "tokens_min": 6, "json": [{"path": "$.output.success", "equals": true}]'
	expect 1 'London.*prompt/text-mismatch' job $template "$question" '"contains": "London"'
	expect 1 'RuntimeError.*no kernel image.*runpod/failed' job $template "$question, \"faults\": \"raise\"" '"contains": "Paris"'
	expect 1 'CUDA out of memory.*runpod/failed' job $template "$question, \"faults\": \"error\"" '"contains": "Paris"'
	expect 1 'COMPLETED with .*false.*runpod/not-successful' job $template "$question, \"faults\": \"not-successful\"" '"contains": "Paris"'
	expect 1 'runpod/no-output' job $template "$question, \"faults\": \"nothing\"" '"contains": "Paris"'
done
# Under load too a job that denies success is no answer.
load() {
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "jobs", "checks": [{"name": "job", "kind": "load", "rate": 20, "duration": "1s", "send_lag_max": "1s",
 "request": {"template": "$1", "url": "http://127.0.0.1:$port", "auth": {"env": "API_KEY"}},
 "prompts": [{"input": {$2}}], "expect": {"contains": "Paris"}}]}
END
	"$ASSAY" suite apply "$scratch/image" "$scratch/s.jsonc"
}
expect 0 '^pass' load runpod-sync "$question"
expect 1 '20 assertion .*COMPLETED with .*load/errors' load runpod-sync "$question, \"faults\": \"not-successful\""
expect 1 '20 assertion .*no kernel image.*load/errors' load runpod-sync "$question, \"faults\": \"raise\""
expect 2 'a job of /run is polled' load runpod-async "$question"
kill "$server"
wait "$server" 2>/dev/null
expect 4 'cannot connect' job runpod-sync "$question" '"contains": "Paris"'

# What the SDK's own server cannot show: statuses of the API, and a queue that does not move.
cat >"$scratch/stub.py" <<'END'
"""RunPod's API with one fault, named by the first word."""
import http.server
import json
import sys

FAULT = sys.argv[1]
JOB = {"id": "job-1", "status": "IN_QUEUE"}
WORKERS = {"crashes": {"unhealthy": 3, "idle": 0}, "capacity": {"throttled": 2, "idle": 0}}


class Api(http.server.BaseHTTPRequestHandler):
    def give(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            self.give(200, {"jobs": {"inQueue": 1}, "workers": WORKERS.get(FAULT, {})})
        elif FAULT == "expired":
            self.give(404, {"error": "job not found"})
        else:
            self.give(200, JOB)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != "Bearer rpa-1f9d3b7e5c2a4d6f8e":
            return self.give(401, {"error": "no key"})
        if FAULT.isdigit():
            return self.give(int(FAULT), {"error": "as asked"})
        return self.give(200, {**JOB, "status": FAULT} if FAULT.isupper() else JOB)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Api).serve_forever()
END
for row in 401:1:runpod/unauthorized 429:1:runpod/rate-limited 413:1:runpod/payload-too-large 502:1:runpod/server-error \
	expired:1:runpod/expired crashes:1:runpod/crash-loop capacity:4:'no capacity' CANCELLED:1:runpod/cancelled \
	TIMED_OUT:1:runpod/timed-out ODD:1:runpod/protocol; do
	IFS=: read -r fault code words <<<"$row"
	serve python3 "$scratch/stub.py" "$fault"
	expect "$code" "$words" job runpod-async "$question" '"contains": "Paris"' ', "queue_timeout": "300ms"'
	kill "$server"
	wait "$server" 2>/dev/null
done
serve python3 "$scratch/stub.py" 200
API_KEY=wrong expect 1 'runpod/unauthorized' job runpod-async "$question" '"contains": "Paris"'
finish
