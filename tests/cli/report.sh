#!/usr/bin/env bash
# The HTML report: what it writes, what it leaves alone, and its pages in a real Chromium.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
: "${MAKE_HISTORY:?path of the make_history program}"
cd "$scratch" || exit 1

mkdir state
"$MAKE_HISTORY" state/history.db 75 40 || exit 1
python3 "$top/tests/support/fill_state.py" state || exit 1
report() { "$ASSAY" report --history state/history.db "$@"; }

expect 2 'say where to: --html DIR' report
expect 2 "unexpected 'x'" report --html out x
expect 2 '^assay: --since.*yesterday' report --html out --since yesterday
expect 0 '^75 runs, [0-9]+ files, .*: out/index.html$' report --html out
expect 0 '"runs": 75' report --html out --json
holds 'the first page' test -s out/index.html
holds 'no scratch folder is left' test -z "$(find . -maxdepth 1 -name 'out.tmp-*')"

report --html again --quiet
holds 'equal histories give equal bytes' diff -r out again
expect 0 '^5 runs,' report --html few --runs 5
expect 0 '^0 runs,' report --html none --since 2030-01-01
expect 0 '^0 runs,' report --html none --suite no-such-suite
last=$(sqlite3 state/history.db 'SELECT started_at FROM runs ORDER BY started_at DESC LIMIT 1 OFFSET 2')
expect 0 '^3 runs,' report --html few --since "$last"
holds 'pages of runs that are not asked for go' test "$(find few/runs -name '*.html' | wc -l)" = 3

repo code
GIT_COMMITTER_DATE=2020-01-01T00:00:00Z commit code 'long ago'
expect 0 '^75 runs,' report --html few --repo code --since HEAD
expect 2 'nosuch' report --html few --repo code --since nosuch

mkdir mine && echo precious >mine/file
expect 2 'mine is not empty and not a report' report --html mine
holds 'nobody else'"'"'s folder is touched' grep -q precious mine/file
expect 2 'cannot write a report' report --html state/history.db
expect 2 'cannot write a report beside' report --html no/such/folder

# No page names another machine, and hostile text ended no script early.
names_no_machine() { ! grep -rlE '(src|href|url)[ =(]*["'"'"']?(https?:)?//' --include='*.html' --include='*.css' out; }
holds 'pages ask nothing of the network' names_no_machine
closes_its_own() { ! grep -c '</script>' -r out --include='run*.html' | grep -qv ':3$'; }
holds 'scripts end where they should' closes_its_own

if command -v chromium >/dev/null; then
	checks=$((checks + 1))
	python3 "$top/tests/cli/report_pages.py" out || failures=$((failures + 1))
else
	cannot 'pages in Chromium: it is not installed (ci/setup --dev)'
fi
finish
