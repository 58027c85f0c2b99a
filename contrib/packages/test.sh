#!/usr/bin/env bash
# What the packages promise, shown: the same bytes twice, lintian's and mandoc's word, a clean Debian that they are put into, run in,
# upgraded in and taken out of, an RPM root, the unit under systemd-analyze, the init script, the container. Root; no service of this
# machine is touched. The Debian root is kept in .lab, so that only the first run fetches it.
set -euo pipefail
cd "$(dirname "$0")/../.."
SUITE=bookworm MIRROR=${MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

say() { printf '== %s\n' "$*"; }
die() { printf 'packages-test: %s\n' "$*" >&2; exit 1; }

missing=
for p in lintian rpm debootstrap mandoc iproute2 buildah systemd-container; do dpkg -s $p >/dev/null 2>&1 || missing="$missing $p"; done
[ -z "$missing" ] || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >&2

base=$PWD/.lab/debian-$SUITE
if [ ! -e "$base.done" ]; then
	say "a clean Debian in $base"
	rm -rf --one-file-system "$base"
	debootstrap --variant=minbase --include=man-db,systemd "$SUITE" "$base" "$MIRROR" >&2
	rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
	touch "$base.done"
fi

say "built twice, in two places: the same bytes"
commit=$(git rev-parse --short=12 HEAD)
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
rm -rf dist
contrib/packages/build.sh v9.9.0 "$commit" >&2
mkdir "$work/elsewhere"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -C "$work/elsewhere" -x
mkdir -p "$work/elsewhere/.lab/bin"
cp .lab/bin/nfpm-* "$work/elsewhere/.lab/bin/"
"$work/elsewhere/contrib/packages/build.sh" v9.9.0 "$commit" >&2
diff dist/SHA256SUMS "$work/elsewhere/dist/SHA256SUMS" || die "two builds differ"
(cd dist && sha256sum --quiet -c SHA256SUMS)
deb=$(echo dist/polso_*.deb) rpm=$(echo dist/polso-*.rpm)
completions="/usr/share/bash-completion/completions/polso /usr/share/zsh/vendor-completions/_polso /usr/share/fish/vendor_completions.d/polso.fish"

say "completions in the deb; bash reads its own"
dpkg-deb -c "$deb" | awk '{ print substr($6, 2) }' >"$work/files"
for f in $completions; do
	grep -qx "$f" "$work/files" || die "$f is not in the deb"
done
dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*/bash-completion/completions/polso' >"$work/completion"
[ -s "$work/completion" ] || die "the completion for bash is empty"
bash -n "$work/completion"

say "lintian, mandoc"
lintian --allow-root --fail-on error "$deb"
POLSO_PACKAGES=require go test -count=1 -run TestManualIsClean ./cmd/polso

say "a lower version, for the upgrade"
dpkg-deb -R "$deb" "$work/old"
sed -i 's/^Version: .*/Version: 9.8.0-1/' "$work/old/DEBIAN/control"
LC_ALL=C sed -i 's/9\.9\.0/9.8.0/g' "$work/old/usr/bin/polso" # of the same length: it says so of itself, too
echo '# as it was in 9.8' >>"$work/old/etc/polso/node.hcl"
dpkg-deb -Znone -b "$work/old" "$work/polso_old.deb" >/dev/null

root=$work/root
cp -a "$base" "$root"
cp "$deb" "$work/polso_old.deb" "$root/tmp/"
cp contrib/packages/in-root.sh "$root/tmp/"
listing() { (cd "$1" && find . -xdev ! -path './tmp/*' ! -path './var/lib/dpkg/*' ! -path './var/cache/*' ! -path './var/log/*' ! -name '*-' ! -path './run/*' | sort); }
listing "$root" >"$work/before"
# A network and mounts of its own: what runs in there sees nothing of this machine's.
inside() {
	unshare --net --mount --pid --fork --kill-child sh -euc '
		root=$1; shift
		ip link set lo up
		ip link add eth0 type veth peer name eth1
		ip link set eth0 up
		ip link set eth1 up
		ip addr add 10.9.0.11/24 dev eth0
		ip addr add 10.0.0.11/24 dev eth0
		mount -t proc proc "$root/proc"
		mount --bind /dev "$root/dev"
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' - "$root" "$@"
}
inside sh -eu /tmp/in-root.sh
listing "$root" >"$work/after"
diff "$work/before" "$work/after" || die "purge leaves something, or takes something along"

say "the unit under systemd as init"
live=.lab/debian-live # kept for the laboratory: make packages-lab
rm -rf --one-file-system "$live"
cp -a "$base" "$live"
cp "$deb" "$live/root/polso_new.deb"
cp "$work/polso_old.deb" "$live/root/"
older() { chroot "$live" dpkg --force-downgrade --force-confold -i /root/polso_old.deb >/dev/null 2>&1; }
older
contrib/packages/under-systemd.sh "$PWD/$live" simulated
older # and so it is kept

say "rpm"
rpm -qpl "$rpm" >"$work/files"
for f in /usr/bin/polso /usr/lib/systemd/system/polso.service /etc/polso/node.hcl /usr/share/man/man1/polso.1.gz $completions; do
	grep -qx "$f" "$work/files" || die "$f is not in the rpm"
done
rpm --root "$root" --nodeps -i "$PWD/$rpm"
chroot "$root" polso version
rpm --root "$root" --nodeps -e polso
[ ! -e "$root/usr/bin/polso" ] || die "rpm -e leaves the binary"

say "container"
mkdir -p bin
tar -xzf dist/polso-*.tar.gz -C "$work" && cp "$work"/polso-9.9.0/polso bin/polso
contrib/packages/container.sh >&2
container=$(buildah --storage-driver vfs from polso)
buildah --storage-driver vfs run --isolation chroot "$container" polso version
buildah --storage-driver vfs rm "$container" >/dev/null
buildah --storage-driver vfs rmi polso >/dev/null
say "all as promised"
