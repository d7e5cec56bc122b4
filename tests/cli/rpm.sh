#!/usr/bin/env bash
# Packages of an image of rpm's, as rpm itself lists them.
# shellcheck source-path=SCRIPTDIR source=../support.sh
. "$(dirname "$0")/../support.sh"
cd "$scratch" || exit 1
export HOME=$scratch

# package NAME VERSION-RELEASE EPOCH: an rpm with a file of its own.
package() {
	cat >"$1.spec" <<END
Name: $1
Epoch: $3
Version: ${2%-*}
Release: ${2#*-}
Summary: a package
License: MIT
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/opt/$1
echo $1 >%{buildroot}/opt/$1/data
%files
/opt/$1
END
	rpmbuild -bb --quiet --define "_topdir $scratch/build" "$1.spec" >rpmbuild.log 2>&1 || cat rpmbuild.log
}
db='--dbpath /usr/lib/sysimage/rpm'
mkdir -p root/etc root/usr/lib/sysimage/rpm
printf 'ID="rhel"\nVERSION_ID="9.4"\n' >root/etc/os-release
for name in alpha beta gamma; do package $name 1.5-3.el9 "$([ $name = beta ] && echo 2 || echo 0)"; done
# shellcheck disable=SC2086 # two words
rpm --root "$scratch/root" $db -i --nodeps --noscripts --force-debian build/RPMS/noarch/*.rpm >rpm.log 2>&1 || cat rpm.log

"$ASSAY" scan -q --rootfs root -o facts=facts.json -o cyclonedx=sbom.json
python3 - >found <<'END'
import json
for p in json.load(open("facts.json"))["packages"]:
    print(p["name"], p["version"], p["arch"])
END
# shellcheck disable=SC2086
rpm --root "$scratch/root" $db -qa --qf '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n' | sed 's/ 0:/ /' >wanted
holds "rpm lists three packages" [ "$(wc -l <wanted)" = 3 ]
expect 0 '^$' diff <(sort wanted) <(sort found)
expect 0 'pkg:rpm/rhel/beta@1.5-3.el9\?arch=noarch&epoch=2' grep purl sbom.json
expect 0 ', 3 packages' "$ASSAY" scan --rootfs root

# What is not whole is told, and never half read.
mv root/usr/lib/sysimage/rpm/rpmdb.sqlite whole
head -c 50000 whole >root/usr/lib/sysimage/rpm/rpmdb.sqlite
expect 0 'packages not read: /usr/lib/sysimage/rpm/rpmdb.sqlite' "$ASSAY" scan --rootfs root
cp whole root/usr/lib/sysimage/rpm/rpmdb.sqlite
echo log >root/usr/lib/sysimage/rpm/rpmdb.sqlite-wal
expect 0 'packages not read: /usr/lib/sysimage/rpm/rpmdb.sqlite' "$ASSAY" scan --rootfs root
rm root/usr/lib/sysimage/rpm/rpmdb.sqlite*
echo hash >root/usr/lib/sysimage/rpm/Packages
expect 0 'packages not read: /usr/lib/sysimage/rpm/Packages' "$ASSAY" scan --rootfs root
# A table whose rows have no end is left in time.
sqlite3 root/usr/lib/sysimage/rpm/rpmdb.sqlite 'CREATE VIEW Packages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 1 AS hnum, i AS blob FROM n'
expect 0 'packages not read: /usr/lib/sysimage/rpm/rpmdb.sqlite' timeout 60 "$ASSAY" scan --rootfs root
finish
