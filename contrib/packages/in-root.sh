#!/bin/sh
# What test.sh does in the clean Debian: install, run, upgrade, purge. In /tmp are the package, and one of a lower version.
set -eu
say() { printf '== %s\n' "$*"; }
die() { printf 'packages-test: %s\n' "$*" >&2; exit 1; }
eventually() { # CONDITION WHAT
	i=0
	until eval "$1" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat /tmp/agent.log >&2; die "not within 20 s: $2"; }
		sleep 0.2
	done
}
unit=/usr/lib/systemd/system/polso.service

say "installed"
dpkg -i /tmp/polso_old.deb
polso version
getent group polso >/dev/null || die "there is no group polso"
[ "$(stat -c '%a %U %G' /var/lib/polso)" = "700 root root" ] || die "/var/lib/polso is not root's alone"
[ -L /etc/systemd/system/multi-user.target.wants/polso.service ] || die "the unit is not enabled, as Debian's are"
[ "$(polso man /tmp/man 2>&1 | grep -c Wrote)" = 1 ] || die "polso man"
for page in polso polso-apply polso-realserver-setup polso.hcl node.hcl; do
	man -P cat "$page" | grep -q SYNOPSIS\\\|SETTINGS\\\|BLOCKS || die "man $page shows nothing"
done
for f in /usr/share/doc/polso/examples/*.hcl; do polso validate -f "$f"; done

say "the unit's command line runs"
command=$(sed -n 's/^ExecStart=//p' $unit)
$command --name r1 --kernel simulated --interface outside=eth0 --interface inside=eth0 >/tmp/agent.log 2>&1 &
agent=$!
eventually '[ -S /run/polso/polso.sock ]' "a socket"
[ "$(stat -c %G /run/polso/polso.sock)" = polso ] || die "the socket is not of group polso"
polso init --advertise 10.9.0.11 >/dev/null
sed 's/192\.0\.2\./10.9.0./' /usr/share/doc/polso/examples/web-nat.hcl >/tmp/edge.hcl
polso apply -f /tmp/edge.hcl --yes --wait 20s || [ $? = 3 ] # its servers are not there
eventually 'polso get vips | grep "^10.9.0.10.* UP "' "an address held"
kill $agent
wait $agent || die "the agent ended with $?"
$(sed -n 's/^ExecStopPost=//p' $unit)

say "the init script"
cp /usr/share/doc/polso/examples/polso.init /etc/init.d/polso
printf 'export POLSO_NAME=r1\n' >/etc/default/polso
printf 'kernel = "simulated"\ninterface = { outside = "eth0", inside = "eth0" }\n' >>/etc/polso/node.hcl
not_running() { # WHEN; 3 is what a status answers by the LSB
	code=0
	/etc/init.d/polso status || code=$?
	[ $code = 3 ] || die "$1: the status is $code, not 3"
}
not_running "before the start"
/etc/init.d/polso start
/etc/init.d/polso status
agent=$(cat /run/polso/agent.pid)
/etc/init.d/polso start
[ "$(cat /run/polso/agent.pid)" = "$agent" ] || die "a second start has started a second agent"
/etc/init.d/polso restart
[ "$(cat /run/polso/agent.pid)" != "$agent" ] || die "restart has left the agent as it was"
eventually 'polso get vips | grep "^10.9.0.10.* UP "' "an address held after the restart"
kill -9 "$(cat /run/polso/agent.pid)"
eventually '! /etc/init.d/polso status' "a status that knows that the agent has been killed"
not_running "killed"
/etc/init.d/polso start
/etc/init.d/polso stop
not_running "stopped"
! grep -q '10[.]9[.]0[.]10$' /proc/net/fib_trie || die "stopped, and the address is still there"
/etc/init.d/polso stop
rm /etc/init.d/polso /etc/default/polso /var/log/polso.log

say "upgraded: what the administrator wrote stays"
dpkg --force-confdef --force-confold -i /tmp/polso_9*.deb
grep -q 'kernel = "simulated"' /etc/polso/node.hcl || die "the administrator's settings are gone"
[ -e /etc/polso/node.hcl.dpkg-dist ] || die "the new settings were not put beside them"
[ -d /var/lib/polso/raft ] || [ -n "$(ls /var/lib/polso)" ] || die "the cluster's state is gone"

say "the unit, by systemd's own judgement"
systemd-analyze verify $unit
systemd-analyze security --offline=true --threshold=40 $unit >/tmp/exposure || { cat /tmp/exposure; die "the unit may do more than it needs"; }
tail -1 /tmp/exposure

say "removed, and purged"
dpkg -r polso
[ -e /etc/polso/node.hcl ] || die "remove has taken the settings"
[ -n "$(ls /var/lib/polso)" ] || die "remove has taken the cluster's state"
dpkg -P polso
! getent group polso || die "purge has left the group"
rm -rf /tmp/man
