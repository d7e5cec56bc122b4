#!/usr/bin/env bash
# The pages of docs/ are those that the binary prints.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
current() { "$ASSAY" help "$1" | cmp - "$top/docs/$2"; }
holds 'docs/assay.1 is assay help --man' current --man assay.1
holds 'docs/labels.md is assay help --labels' current --labels labels.md
holds 'docs/targets.md is assay help --targets' current --targets targets.md
expect 0 '^Usage: assay scan' "$ASSAY" help scan
expect 2 "no command 'scna'" "$ASSAY" help scna
# Every option that a command takes is in its section of the man page.
for command in run scan gate key bisect history compare suite doctor init; do
	for option in $("$ASSAY" "$command" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u); do
		holds "the man page tells $command $option" grep -qF -- "${option//-/\\-}" "$top/docs/assay.1"
	done
done
if command -v man >/dev/null; then
	warnings() { [ -z "$(man --warnings -l "$top/docs/assay.1" 2>&1 >/dev/null)" ]; }
	holds 'man has nothing to say against it' warnings
fi
finish
