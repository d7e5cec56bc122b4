#!/usr/bin/env bash
# Registries that want tokens or keep blobs elsewhere, and where passwords do not go.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1
export HOME=$scratch
unset ASSAY_REGISTRY_AUTH DOCKER_CONFIG
repo r
echo >r/file
commit r one
printf '{"policy": 1, "name": "p", "suites": ["s"], "require": [{"check": "c"}]}' >gate.jsonc
: >ports
python3 "$top/tests/support/registry.py" log >ports &
trap 'kill %1; rm -rf "$scratch"' EXIT
until read -r port other <ports && [ -n "$other" ]; do read -rt 0.05 <> <(:) || true; done
gate() { : >log; "$ASSAY" gate --repo r --policy gate.jsonc --image "127.0.0.1:$port/team/$1:1" "${@:2}"; }
sent() { grep -c "$1" log; }

# No credentials: the token's service refuses, and says what to do.
expect 4 'unreachable: .*gives no token \(status 401\): set ASSAY_REGISTRY_AUTH' gate token
export ASSAY_REGISTRY_AUTH=ada:wrong
expect 4 'gives no token \(status 401\)' gate token
export ASSAY_REGISTRY_AUTH=ada:secret
expect 4 '^  manifest sha256:' gate token
holds 'the token was used' [ "$(sent '^registry /v2/team/token/manifests/1 Bearer')" = 1 ]
expect 4 'registry.example/token, where a password would go unencrypted' gate clear

# What docker login left.
unset ASSAY_REGISTRY_AUTH
mkdir .docker
printf '{"auths": {"127.0.0.1:%s": {"auth": "%s"}}}' "$port" "$(printf ada:secret | base64)" >.docker/config.json
expect 4 '^  manifest sha256:' gate token
mkdir elsewhere
printf '{"auths": {"127.0.0.1:%s": {"auth": "###"}}}' "$port" >elsewhere/config.json
DOCKER_CONFIG=elsewhere expect 4 'is not USER:PASSWORD in base64' gate token
printf '{' >elsewhere/config.json
DOCKER_CONFIG=elsewhere expect 4 'elsewhere/config.json: line 1' gate token

export ASSAY_REGISTRY_AUTH=ada:secret
# Engines with containerd's store know the image by its manifest.
manifest=$(gate token | sed -n 's/^  manifest //p')
config=$(gate token | sed -n 's/^  image    //p')
runs() { "$top/tests/cli/gate_runs.py" "$@" >runs.jsonl && "$ASSAY" history import runs.jsonl --history h.db >/dev/null; }
holds 'a run of the manifest is made' runs "$manifest,60,build=pass,c=pass"
expect 0 '^open: ' gate token --history h.db
holds 'its failure is made' runs "$manifest,30,build=pass,c=fail"
expect 1 'failed: c' gate token --history h.db
holds 'a run of the configuration is made' runs "$config,20,build=pass,c=pass"
expect 4 'recorded as sha256:.* and as sha256:.*use one kind' gate token --history h.db

# Blobs elsewhere are fetched without credentials.
"$ASSAY" key new k >/dev/null
printf '{"policy": 1, "name": "p", "suites": ["s"], "require": [{"check": "c"}],
 "signers": [{"name": "k", "key": %s, "may": ["attest"]}]}' \
	"$("$ASSAY" key show k --json | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["key"]))')" >gate.jsonc
refused() { ! gate "$@" >out 2>&1 && ! grep -q 'status 307' out; }
holds 'what lies elsewhere is judged' refused away --verify registry
holds "the other place was asked: $(cat log)" [ "$(sent '^other /blob $')" = 1 ]
holds 'it was shown no password' [ "$(sent '^other.*Basic')" = 0 ]
expect 4 'a blob is said to be at http://127.0.0.1.example/blob: neither HTTPS nor this machine' gate far --verify registry
expect 4 'status 307' gate loop --verify registry
finish
