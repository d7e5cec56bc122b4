#!/usr/bin/env bash
# A private PostgreSQL server for tests, on a unix socket: `tests/postgres.sh start DIR` makes it in
# DIR/pg, which must be short, `stop DIR` ends it. 77: this machine has no server.
set -euo pipefail
[ $# = 2 ] || { echo "usage: tests/postgres.sh start|stop DIR" >&2; exit 2; }
home=$2/pg
programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
[ -x "$programs/postgres" ] || exit 77
# The server refuses to be root.
as_user=()
[ "$(id -u)" != 0 ] || as_user=(runuser -u nobody --)
case $1 in
start)
	mkdir -p "$home"
	chmod 700 "$home"
	[ "$(id -u)" != 0 ] || { chmod 711 "$2"; chown nobody "$home"; }
	cd "$home"
	"${as_user[@]}" "$programs/initdb" -D "$home/data" -U assay -A trust --no-locale -E UTF8 -N >/dev/null
	printf "listen_addresses=''\nunix_socket_directories='%s'\nfsync=off\n" "$home" |
		"${as_user[@]}" tee -a "$home/data/postgresql.conf" >/dev/null
	"${as_user[@]}" "$programs/pg_ctl" -D "$home/data" -l "$home/log" -w start >/dev/null
	;;
stop)
	cd "$home"
	"${as_user[@]}" "$programs/pg_ctl" -D "$home/data" -m immediate stop >/dev/null
	;;
esac
