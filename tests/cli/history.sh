#!/usr/bin/env bash
# Histories that cannot be used: exit code 4, and the file stays as it was.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1

expect 0 'no runs recorded yet' "$ASSAY" history --history "$scratch/new.db"
expect 0 'nothing flipped' "$ASSAY" history flips --history "$scratch/new.db"
expect 2 "no run 'x'" "$ASSAY" history show x --history "$scratch/new.db"
expect 2 'write .runs.' "$ASSAY" history nonsense --history "$scratch/new.db"

echo 'this is a text file, longer than a header of SQLite would be, and it must survive' >text.db
sum=$(sha256sum text.db)
expect 4 'not an Assay history .not a SQLite database' "$ASSAY" history --history "$scratch/text.db"
same() { [ "$(sha256sum text.db)" = "$sum" ]; }
holds 'a file that is no history is not touched' same

sqlite3 other.db 'CREATE TABLE t (x)'
expect 4 "not an Assay history .another program" "$ASSAY" history --history "$scratch/other.db"
cp new.db newer.db
sqlite3 newer.db 'PRAGMA user_version = 99' >/dev/null
expect 4 'history schema 99, this Assay knows up to 3' "$ASSAY" history --history "$scratch/newer.db"
expect 4 'cannot open the history' "$ASSAY" history --history "$scratch/no/such/folder/h.db"
expect 4 "no store takes 'nosuch:'" "$ASSAY" history --history nosuch:x
finish
