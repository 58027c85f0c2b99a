#!/usr/bin/env bash
# Boots a Debian root that has the package of a lower version, and in /root the one to upgrade to, with systemd as init in namespaces of
# its own, and has the unit show there that what it may do is enough, and that it survives: under-systemd.sh ROOT simulated|real. real is
# for the laboratory, whose kernel has IPVS: `make packages-lab`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1 kernel=$2
[ "$kernel" = simulated ] || modprobe -a ip_vs ip_vs_wlc nf_tables # modules are the machine's, and no container's
cp "$here/in-systemd.sh" "$root/usr/local/sbin/"
cp -r "$here/rpm" "$root/root/"
printf 'name = "r1"\nkernel = "%s"\ninterface = { outside = "host0" }\n' "$kernel" >"$root/etc/polso/node.hcl"
printf '[Unit]\nAfter=polso.service\n[Service]\nExecStart=/usr/local/sbin/in-systemd.sh %s\n' "$kernel" >"$root/etc/systemd/system/try.service"
printf '[Match]\nName=host0\n[Network]\nAddress=10.9.0.11/24\n' >"$root/etc/systemd/network/10-host0.network"
for unit in try systemd-networkd polso; do
	path=/lib/systemd/system/$unit.service
	[ $unit != try ] || path=/etc/systemd/system/try.service
	ln -sf "$path" "$root/etc/systemd/system/multi-user.target.wants/"
done
rm -rf "$root"/verdict "$root"/log "$root"/var/lib/polso/* "$root"/var/log/journal/*
timeout -k 5 500 unshare --net --mount bash -c '
	(for _ in $(seq 100); do sleep 0.2; ip link set ve-polso up 2>/dev/null; done) &
	systemd-nspawn --register=no --keep-unit -q -D "$1" -M polso --network-veth --boot --console=pipe </dev/null' - "$root" >"$root/console" 2>&1 || true
[ "$(cat "$root/verdict" 2>/dev/null)" = good ] || { tail -20 "$root/console"; cat "$root/log"; exit 1; }
grep '^==' "$root/log"
