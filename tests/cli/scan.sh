#!/usr/bin/env bash
# scan and compare without an engine: a root folder with what the incident left behind.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1
site=root/usr/lib/python3.11/site-packages
wheels=$top/fixtures/incident/wheels

# image NAME WHEEL…: a root folder into which the wheels were unpacked one over the other.
image() {
	local name=$1 wheel
	shift
	mkdir -p "$name/$site" "$name/root/usr/bin" "$name/root/etc"
	printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >"$name/root/etc/os-release"
	printf '#!/bin/sh\n' >"$name/root/usr/bin/python3.11"
	chmod +x "$name/root/usr/bin/python3.11"
	ln -s python3.11 "$name/root/usr/bin/python3"
	for wheel; do
		python3 -m zipfile -e "$(find "$wheels" -name "$wheel" | head -n 1)" "$name/$site"
	done
	printf '{"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin"]}, "rootfs": {"type": "layers", "diff_ids": []}}' >"$name/config.json"
}
image good 'torch-2.8.0+cu128-*.whl'
image bad 'torch-2.6.0+cu124-*.whl' 'torch-2.7.1-*.whl'
scan() { "$ASSAY" scan --rootfs "$1/root" --config "$1/config.json" "${@:2}"; }

expect 0 '^pass: ' scan good --target rtx5090 --select arch --select torch/metadata-lies
expect 1 'arch/missing-sm +torch +@rtx5090' scan bad --target rtx5090
expect 1 'metadata says 2\.6\.0\+cu124' scan bad --target rtx5090
expect 1 'python/duplicate-metadata +torch' scan bad
expect 0 'no GPU was named' scan bad --select arch
expect 0 '^pass' scan bad --target rtx4090 --select arch/missing-sm
expect 1 '^error +arch/missing-sm' scan bad --target sm_120 --select arch
expect 0 '^pass: ' scan bad --target rtx5090 --ignore arch --ignore python --ignore torch --ignore loader

# Formats: one scan, every reader.
expect 1 . scan bad --target rtx5090 --quiet -o json=s.json -o junit=s.xml -o facts=f.json -o cyclonedx=c.json -o spdx=p.json
holds 'the facts name what import reports' grep -q '"version": *"2.7.1+cu126"' f.json
holds 'junit holds the finding' grep -q 'arch/missing-sm torch@rtx5090' s.xml
json() { python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$@"; }
holds 'CycloneDX lists torch once' json c.json 'sum(c["purl"].startswith("pkg:pypi/torch@") for c in d["components"]) == 1'
holds 'SPDX describes the image' json p.json '"SPDXRef-image" in [r["relatedSpdxElement"] for r in d["relationships"] if r["relationshipType"] == "DESCRIBES"]'
expect 1 '"assay_scan": *1' scan bad --target rtx5090 --json

# compare: folders, bundles, kept facts.
expect 0 'torch: 2\.7\.1\+cu126 -> 2\.8\.0\+cu128' "$ASSAY" compare bad good
expect 0 'torch: 2\.7\.1\+cu126 -> 2\.8\.0\+cu128' "$ASSAY" compare f.json good/root
expect 0 '^0 differences' "$ASSAY" compare good good
expect 0 'file' "$ASSAY" compare --files bad good
expect 2 'kept facts name no files' "$ASSAY" compare --files f.json good

# Wrong words.
expect 2 'name one image' "$ASSAY" scan
expect 2 'name one image' "$ASSAY" scan --tar x --rootfs y
expect 2 "no such GPU, did you mean 'rtx5090'" scan good --target rtx509
expect 2 'arch/misssing-sm' scan good --select arch/misssing-sm
expect 2 'no format' scan good -o nosuch=x
expect 2 '.' "$ASSAY" scan --rootfs nosuch
expect 2 '.' "$ASSAY" scan --tar nosuch.tar
expect 2 '.' "$ASSAY" scan --oci root
expect 2 'config' "$ASSAY" scan --tar f.json --config good/config.json
printf 'not a tar' >junk.tar
expect 2 'junk.tar' "$ASSAY" scan --tar junk.tar
printf "{" >half.json
expect 2 "half.json" "$ASSAY" compare half.json good
finish
