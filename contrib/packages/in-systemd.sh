#!/bin/bash
# What under-systemd.sh runs inside, as a unit of its own.
exec >/log 2>&1
rm -f /upgraded /unserved /seen
trap '[ "$?" = 0 ] && echo good >/verdict; journalctl -u polso --no-pager | grep -v part=raft | tail -60; sync; systemctl poweroff' EXIT
set -eu
eventually() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "not in time: $*"; "$@" || true; polso status || true; exit 1; }
		sleep 0.1
	done
}
shows() { "${@:2}" | grep -q -- "$1"; }
pid() { systemctl show -P MainPID polso; }

eventually 60 test -S /run/polso/polso.sock
eventually 60 shows 'belongs to no cluster' systemctl show -P StatusText polso # the machine boots still: init may not answer yet
shows '^polso$' stat -c %G /run/polso/polso.sock
polso init --profile vm --advertise 10.9.0.11 >/dev/null # the laboratory's machine is emulated, and slow
cat >/edge.hcl <<'HCL'
virtual "web" {
  address   = "10.9.0.50"
  interface = "outside"
  port      = 80
  forward   = "nat"
  check "script" {
    command = ["/usr/bin/id"]
    every   = "5s"
    timeout = "4s"
  }
  server "a" {
    address = "10.9.0.60:8080"
  }
}
router_check "runs" {
  command = ["/bin/true"]
}
HCL
polso apply -f /edge.hcl --yes --wait 1m
eventually 90 shows '^10.9.0.50.* UP ' polso get vips
eventually 90 shows ' UP .*uid=65534(nobody)' polso get servers web
eventually 90 shows '-r 10.9.0.60:8080' polso ipvs --save
shows '10.9.0.50' cat /proc/net/fib_trie
polso doctor >/dev/null || { polso doctor; exit 1; }
shows '^Status: directs polso, revision 2' sh -c 'echo Status: $(systemctl show -P StatusText polso)'
shows 'NoNewPrivs:.1' cat /proc/"$(pid)"/status
echo "== an address, a table, kernel settings, the fence, a check run by nobody: within the unit's bounds"

unit=/usr/lib/systemd/system/polso.service
set_by() { sed -n "s/^$1=//p" $unit; } # SETTING
bounds() { # the mask of the capabilities that the unit grants; the bits are capabilities(7)'s, linux/capability.h
	local mask=0 name bit
	for name in $(set_by CapabilityBoundingSet); do
		case $name in
		CAP_CHOWN) bit=0 ;;
		CAP_KILL) bit=5 ;;
		CAP_SETGID) bit=6 ;;
		CAP_SETUID) bit=7 ;;
		CAP_NET_BIND_SERVICE) bit=10 ;;
		CAP_NET_ADMIN) bit=12 ;;
		CAP_NET_RAW) bit=13 ;;
		*) echo "argue $name in a decision, as 0013 does" >&2; exit 1 ;;
		esac
		mask=$((mask | 1 << bit))
	done
	printf '%016x' $mask
}
bound=$(bounds)
shows "^CapBnd:.$bound\$" cat /proc/"$(pid)"/status
shows '^Seccomp:.2$' cat /proc/"$(pid)"/status
if (set_by OOMScoreAdjust >/proc/self/oom_score_adj) 2>/dev/null; then # root may not everywhere: systemd goes on without
	shows "^$(set_by OOMScoreAdjust)\$" cat /proc/"$(pid)"/oom_score_adj
fi
[ "$(stat -c %U /proc/"$(pid)")" = root ]
nice=$(set_by Nice)
[ "$(sed 's/.*) //' /proc/"$(pid)"/stat | cut -d' ' -f17)" = "$nice" ]
echo "== capabilities $bound, a filter of system calls, nice $nice: as the unit says"

journalctl --sync
shows '"POLSO_PART":' journalctl -u polso -o json --no-pager
part=$(journalctl -u polso -o json --no-pager | sed -n 's/.*"POLSO_PART":"\([^"]*\)".*/\1/p' | head -1)
shows "part=$part" journalctl -u polso "POLSO_PART=$part" --no-pager
echo "== the journal has fields"

well() { # WHAT: the unit has been restarted, has not failed, and runs the program that is installed
	[ "$(pid)" != "$mine" ] || { echo "$1: not restarted"; exit 1; }
	[ "$(systemctl is-active polso)" = active ]
	[ "$(systemctl show -P NRestarts polso)" = 0 ] || { echo "$1: it had to be started anew"; exit 1; }
	[ "$(readlink /proc/"$(pid)"/exe)" = /usr/bin/polso ]
	if journalctl -u polso --no-pager | grep 'Failed with result'; then exit 1; fi
	[ "$kernel" = simulated ] || shows '-a -t 10.9.0.50:80 -r 10.9.0.60:8080' polso ipvs --save # at once: it has stayed
	eventually 90 shows '^10.9.0.50.* UP ' polso get vips
}
kernel=$1 mine=$(pid)
served() { grep -q '0A090032:0050' /proc/net/ip_vs && grep -q '0A09003C:1F90' /proc/net/ip_vs; } # 10.9.0.50:80, by 10.9.0.60:8080
[ "$kernel" = simulated ] || served
(
	until [ -e /upgraded ]; do
		[ "$kernel" = simulated ] || served || echo "at $(date +%T.%N)" >>/unserved
		sleep 0.1
	done
) &
watch=$!
shows ' 9[.]8[.]0' polso upgrade status
dpkg --force-confold -i /root/polso_new.deb # the settings are the administrator's
touch /upgraded
wait $watch
well upgrade
shows ' 9[.]9[.]0' polso upgrade status
[ ! -e /unserved ] || { echo "the table was empty meanwhile:"; cat /unserved; exit 1; }
stayed=", the table has stayed"
[ "$kernel" = real ] || stayed= # it is the process's there
echo "== upgraded as it runs: the unit is active with the new program$stayed"

mine=$(pid)
sh -eu /root/rpm/post 2 # what rpm -U runs, in rpm's order; the program is in its place by then
sh -eu /root/rpm/preun 1
[ "$(pid)" = "$mine" ] || { echo "rpm: the agent was not left alone until the last"; exit 1; }
sh -eu /root/rpm/postun 1
well "upgrade by rpm"
echo "== and by the scripts of the rpm"

# What ExecStopPost has done is seen before the new start, which here comes at once: long before the address would go by itself.
mkdir -p /run/systemd/system/polso.service.d
cat >/run/systemd/system/polso.service.d/look.conf <<'UNIT'
[Service]
RestartSec=0
ExecStartPre=+/bin/sh -c 'if grep -q 10.9.0.50 /proc/net/fib_trie; then echo there; else echo gone; fi >>/seen'
UNIT
systemctl daemon-reload
mine=$(pid)
shows '10.9.0.50' cat /proc/net/fib_trie
kill -9 "$mine"
eventually 90 sh -c "[ \$(systemctl show -P MainPID polso) != $mine ] && polso get vips | grep -q ' UP '"
[ "$(cat /seen)" = gone ] || { echo "killed: the address was $(cat /seen) before the new start"; exit 1; }
rm -r /run/systemd/system/polso.service.d
systemctl daemon-reload
echo "== killed: the address is gone before the new start, and the unit starts anew by itself"

mine=$(pid)
kill -STOP "$mine"
eventually 90 sh -c "p=\$(systemctl show -P MainPID polso); [ \$p != $mine ] && [ \$p != 0 ] && polso get vips | grep -q ' UP '"
echo "== stood still: the watchdog has started it anew"

systemctl stop polso
[ "$(systemctl show -P Result polso)" = success ]
if shows '10.9.0.50' cat /proc/net/fib_trie; then echo "the address is still there"; exit 1; fi
echo "== stopped: the address is gone"

polso realserver setup 10.9.0.70 --permanent >/dev/null
polso realserver remove >/dev/null
systemctl daemon-reload
systemctl start polso-realserver
[ "$(systemctl is-active polso-realserver)" = active ]
shows '10.9.0.70' cat /proc/net/fib_trie
[ "$(cat /proc/sys/net/ipv4/conf/all/arp_ignore)" = 1 ]
systemctl stop polso-realserver
[ "$(systemctl show -P Result polso-realserver)" = success ]
if shows '10.9.0.70' cat /proc/net/fib_trie; then echo "the address is still there"; exit 1; fi
echo "== a real server's unit: the address comes and goes with it"
