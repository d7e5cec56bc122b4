#!/usr/bin/env bash
# Regressions that really happened are caught by their label, their healthy twins stay clean.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
command -v gcc >/dev/null || { cannot 'the zoo: gcc is missing'; finish; }
holds 'the zoo is made' "$top/fixtures/zoo/make" "$scratch/zoo"
expect 0 '[0-9]+ of [0-9]+ caught' "$top/fixtures/zoo/check" "$ASSAY" "$scratch/zoo"
finish
