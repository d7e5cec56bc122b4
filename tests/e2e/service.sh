#!/usr/bin/env bash
# The image under test as a service: each fault gets its label and exit code, secrets stay secret,
# and no container is left, also not after kill -9.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
needs_engine
"$top/fixtures/service/make-base" >/dev/null || exit 1
export ASSAY_STATE=$scratch/state API_TOKEN=tok-5e2c1d9a7f3b4c6d
repo "$scratch/r"
cp -r "$top/fixtures/service/Dockerfile" "$top/fixtures/service/app" "$scratch/r/"
commit "$scratch/r" one
question='What is the capital of France?'

# suite ENV CHECKS...: a suite whose service has the variables ENV, in $scratch/s.jsonc.
suite() {
	local env=$1 check checks=
	shift
	for check; do checks="$checks{\"kind\": \"prompt\", $check},"; done
	cat >"$scratch/s.jsonc" <<END
{"assay": 1, "name": "service",
 "service": {"network": "host", "port": 0, "env": {$env}, "secrets": ["API_TOKEN"],
	"ready": {"prompt": "$question", "timeout": "${patience:-20s}",
		"request": {"auth": {"env": "API_TOKEN"}}}},
 "checks": [$checks]}
END
}
# ask NAME TEMPLATE FAULTS EXPECT [MORE]: one check.
ask() {
	printf '"name": "%s", "request": {"auth": {"env": "API_TOKEN"}, %s, "headers": {"X-Faults": "%s"}}, "expect": {%s}, "cases": [{"name": "capital", "prompt": "%s"}]%s' \
		"$1" "$2" "$3" "$4" "$question" "${5:-}"
}
run() { "$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc" "$@"; }
label_of() { # CHECK LABEL-OR-PASS: what the last run kept in out.json says of CHECK
	python3 - "$scratch/out.json" "$1" "$2" <<'END'
import json, sys
for case in json.load(open(sys.argv[1]))["cases"]:
    if case["name"] == sys.argv[2]:
        found = case.get("label") or case["outcome"]
        sys.exit(0 if found == sys.argv[3] else f"{sys.argv[2]}: {found}, not {sys.argv[3]}")
sys.exit("no such case")
END
}

fast='"template": "fastapi"' chat='"template": "openai-chat"' stream='"template": "openai-chat", "stream": true'
suite '' "$(ask right "$fast" '' '"equals": "The capital of France is Paris.", "finish": "stop", "tokens_min": 6, "tokens_max": 6')" \
	"$(ask streams "$stream" '' '"equals": "The capital of France is Paris.", "finish": "stop", "tokens_min": 6')" \
	"$(ask role-first "$stream" 'role-first=0.3' '"contains": "Paris"')" \
	"$(ask empty "$stream" 'empty-stream' '"contains": "Paris"')" \
	"$(ask role-only "$stream" 'role-only' '"contains": "Paris"')" \
	"$(ask truncated "$stream" 'truncated-stream' '"contains": "The"')" \
	"$(ask error-inside "$stream" 'error-in-stream' '"contains": "The"')" \
	"$(ask wrong-type "$chat" 'wrong-type' '"contains": "Paris"')" \
	"$(ask stalls "$fast" 'stall=1' '"contains": "Paris"' ', "answer_timeout": "500ms"')" \
	"$(ask some-errors "$fast" 'errors=0.5' '"contains": "Paris"' ', "repeat": 40')" \
	"$(ask random "$fast" 'random' '"deterministic": true' ', "repeat": 3')" \
	"$(ask leaks "$fast" 'leak=8' '"contains": "Paris"' ', "repeat": 6, "memory_growth_max": "20MiB"')" \
	"$(ask dead "$chat" 'dead-model' '"contains": "Paris"')" \
	"$(ask tells "$fast" 'secret-in-log' '"contains": "Paris"' ', "repeat": 3')" \
	'"name": "no-key", "expect": {"status": 401}, "cases": [{"name": "x", "prompt": "x"}]'
code=0
run -o json="$scratch/out.json" -o junit="$scratch/out.xml" -o markdown="$scratch/out.md" -o tap="$scratch/out.tap" >"$scratch/text" 2>&1 || code=$?
holds "a run with failures exits 1, not $code" [ "$code" = 1 ]
for row in right:pass streams:pass role-first:pass no-key:pass empty:prompt/empty-stream role-only:prompt/empty-stream \
	truncated:prompt/truncated error-inside:prompt/error-in-reply wrong-type:prompt/content-type \
	stalls:prompt/timed-out some-errors:prompt/status random:prompt/not-deterministic \
	leaks:service/memory-growth dead:prompt/status tells:service/secret-in-log; do
	expect 0 '' label_of "${row%%:*}" "${row#*:}"
done

# sample CHECK METRIC FROM TO: its first sample in out.json.
sample() {
	python3 - "$scratch/out.json" "$@" <<'END'
import json, sys
case, = [c for c in json.load(open(sys.argv[1]))["cases"] if c["name"] == sys.argv[2]]
metric, = [m for m in case["metrics"] if m["name"] == sys.argv[3]]
sys.exit(not float(sys.argv[4]) <= metric["samples"][0] < float(sys.argv[5]))
END
}
# A token whose role came 0.3 s before it is timed by itself.
expect 0 '' sample role-first first_token 0.3 2
expect 0 '' sample right cold_start 0.05 20

# The secret is nowhere in what is kept: run directories, history, reports, screen.
expect 1 '' grep -rqF "$API_TOKEN" "$scratch/state" "$scratch/text" "$scratch"/out.*
expect 0 '\*\*\*' cat "$scratch"/state/runs/*/service.log

# What is printed after the last look at the log is found at the end.
suite '' "$(ask late "$fast" 'secret-late=1' '"contains": "Paris"')" '"name": "x"'
sed -i 's/{"kind": "prompt", "name": "x"}/{"kind": "command", "name": "other", "command": ["sleep", "6"]}/' "$scratch/s.jsonc"
expect 1 'PASS +late.*' run -o json="$scratch/out.json"
expect 0 '' label_of late pass
expect 0 '' label_of service.log service/secret-in-log
expect 1 '' grep -rqF "$API_TOKEN" "$scratch/state" "$scratch"/out.json

# And so is what it prints when it is ended.
suite '' "$(ask parting "$fast" 'secret-at-exit' '"contains": "Paris"')"
expect 1 'PASS +parting.*' run -o json="$scratch/out.json"
expect 0 '' label_of parting pass
expect 0 '' label_of service.log service/secret-in-log
expect 1 '' grep -rqF "$API_TOKEN" "$scratch/state" "$scratch"/out.json

# Goldens: missing, shown, written, held, and differing again.
golden='"name": "fixed", "golden": "goldens.json", "request": {"auth": {"env": "API_TOKEN"}, "temperature": 0}, "expect": {"golden": true}, "cases": [{"name": "capital", "prompt": "'$question'"}]'
show() { (cd "$scratch/r" && "$ASSAY" suite golden "$@" fixed "$scratch/s.jsonc"); }
suite '' "$golden"
expect 1 'prompt/golden-missing' run
expect 1 '^\+The capital of France is Paris\.' show
expect 1 'goldens.json: differs from run' show
expect 0 'goldens.json: updated from run' show --update
expect 0 'goldens.json: as in run' show
expect 0 '^pass' run
sed -i s/Paris/London/ "$scratch/goldens.json"
expect 1 'prompt/golden-differs' run
expect 1 '^-The capital of France is London\.' show

suite '"FAULTS": "slow-start=1"' "$(ask right "$fast" '' '"contains": "Paris"')"
expect 0 '^pass' run
# A service is asked anew, also where results of equal inputs are taken over.
reused() { run --reuse | grep -E '^PASS +right.*reused'; }
expect 1 '' reused
patience=1s suite '"FAULTS": "slow-start=30"' "$(ask right "$fast" '' '"contains": "Paris"')"
expect 1 'status 503.*service/not-ready' run
suite '"FAULTS": "crash"' "$(ask right "$fast" '' '"contains": "Paris"')"
expect 1 'exit code 1.*no kernel image.*service/exited' run
unset API_TOKEN
expect 4 'API_TOKEN is not set' run

# Through a port that the engine publishes, where its networks work.
export API_TOKEN=tok-5e2c1d9a7f3b4c6d
suite '' "$(ask right "$fast" '' '"contains": "Paris"')"
sed -i 's/"network": "host", "port": 0/"network": "published", "port": 8000/' "$scratch/s.jsonc"
if curl -fsS --unix-socket "${DOCKER_HOST#unix://}" http://localhost/v1.41/networks | grep -q '"Name":"bridge"'; then
	expect 0 '^pass' run
else # as ci/engine's: that is not the image's fault
	expect 4 'engine published no port' run
fi

# Killed or interrupted: no container is left, by this run or the next.
containers() { curl -fsS --unix-socket "${DOCKER_HOST#unix://}" 'http://localhost/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22assay.lock%22%5D%7D'; }
start_and_wait() { # sets pid once the container is there
	patience=60s suite '"FAULTS": "slow-start=60"' "$(ask right "$fast" '' '"contains": "Paris"')"
	"$ASSAY" run --repo "$scratch/r" --suite "$scratch/s.jsonc" >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		[ "$(containers)" != '[]' ] && break
		read -rt 0.1 <> <(:) || :
	done
	holds 'a container was started' [ "$(containers)" != '[]' ]
}
start_and_wait
kill -INT "$pid"
code=0
wait "$pid" || code=$?
holds "an interrupted run exits 130, not $code" [ "$code" = 130 ]
holds 'it leaves no container' [ "$(containers)" = '[]' ]
start_and_wait
line=$(tr '\0' ' ' <"/proc/$pid/cmdline")
holds 'the secret is in no command line' [ "${line#*"$API_TOKEN"}" = "$line" ]
kill -9 "$pid"
wait "$pid" 2>/dev/null
suite '' "$(ask right "$fast" '' '"contains": "Paris"')"
expect 0 'removed 1 container of killed runs' run
holds "no container is left" [ "$(containers)" = '[]' ]

# The example that is published.
expect 0 '^pass' "$ASSAY" run --repo "$scratch/r" --suite "$top/suites/service.jsonc" --only answers
finish
