# Imported from vrrp.conf (keepalived.conf).
# vrrp.conf:24: lost: a number in a file moved the priority; a router_check asks whether a file is there, or holds a text, and polso drain router takes one out
#     track_file load {
# vrrp.conf:28: lost: Polso sets no routes; let the router's own configuration do it
#     static_routes {
# vrrp.conf:32: hint: no longer needed: the director announces its addresses itself
#     garp_group {
# vrrp.conf:77: lost: vip "VI_1-192.0.2.0": 192.0.2.0/24 is the address of the subnet itself, so vip "VI_1-192.0.2.0" (192.0.2.0/24) is left out
#     192.0.2.0/24

# vrrp.conf:3: hint: no longer needed: a notify block runs a program when something happens, as a user of its own
#     enable_script_security
# vrrp.conf:5: hint: no longer needed: the agent adopts the kernel's table and changes only what differs
#     lvs_flush
# vrrp.conf:6: lost: Polso has no SNMP
#     enable_snmp_checker
# vrrp.conf:7: lost: let the agent's service unit run it
#     startup_script /etc/keepalived/start.sh
# vrrp.conf:8: lost: "soon" is not a number of seconds
#     lvs_timeouts tcp soon
# vrrp.conf:9: lost: tcp, tcpfin or udp and seconds are wanted, not "900"
#     lvs_timeouts 900
# vrrp.conf:10: lost: id "999" is not a number within its range
#     lvs_sync_daemon eth1 VI_1 id 999
# vrrp.conf:12: lost: "bond:1" is no interface
#     lvs_sync_daemon bond:1
# vrrp.conf:13: hint: no longer needed: Polso has no VRRP (also line 49, 52, 60, 61)
#     vrrp_no_such_word_yet
# vrrp.conf:14: hint: about keepalived's own processes
#     checker_priority -5
# vrrp.conf:15: lost: keepalived's global_defs has no such word
#     no_word_at_all
# vrrp.conf:37: hint: no longer needed: all addresses move together (also line 38)
#     VI_1
# vrrp.conf:39: hint: there is no notification_email whom it would be sent to (also line 91)
#     smtp_alert
# vrrp.conf:46: hint: cluster { prefer } says who should direct, and failback whether the addresses go back to it (also line 50, 98)
#     state MASTER
# vrrp.conf:47: hint: a router whose device is called otherwise maps it: --interface eth0=DEVICE
#     interface eth0
# vrrp.conf:48: changed: one sync daemon does for all; it uses eth1
#     lvs_sync_daemon_interface eth2
# vrrp.conf:51: hint: a router silent for 0.3s was replaced; the profile nearest to that is lan (lan, of 0.4s, is what routers on one switch take)
#     advert_int 0.1
# vrrp.conf:53: changed: an address has its router's own MAC address, and moves by announcing
#     use_vmac vrrp.51
# vrrp.conf:54: hint: with cluster { failback = true } the addresses go back, a minute after the router is fit
#     preempt_delay 60
# vrrp.conf:55: changed: the director answers at its addresses
#     no_accept
# vrrp.conf:56: changed: a link that carries an address counts
#     dont_track_primary
# vrrp.conf:57: hint: no longer needed: routers know each other by certificates
#     auth_hmac {
# vrrp.conf:69: hint: tracked already: a router is fit for all addresses or for none
#     alive
# vrrp.conf:72: hint: an address is put on without scope
#     192.0.2.10/24 scope global
# vrrp.conf:73: hint: 192.0.2.10 stands in line 72 already
#     192.0.2.10/24
# vrrp.conf:74: lost: an address takes no peer 198.51.100.1
#     192.0.2.12/32 peer 198.51.100.1
# vrrp.conf:75: lost: "fwmark" is not an IP address
#     fwmark 21
# vrrp.conf:76: lost: "eth0:1" is no interface
#     192.0.2.13 dev eth0:1
# vrrp.conf:80: hint: an address is put on without -nodad
#     2001:db8::10/64 dev eth0 -nodad
# vrrp.conf:83: lost: Polso sets no routes; let the router's own configuration do it (also line 86)
#     virtual_routes {
# vrrp.conf:90: hint: Polso tells nothing of it; see what a notify block can tell of
#     notify_priority_changes
# vrrp.conf:92: lost: an address goes on a link of the agent's namespace
#     vrf red
# vrrp.conf:96: changed: one instance is MASTER and another BACKUP here; all addresses move together
#     state BACKUP
# vrrp.conf:99: lost: not a number of seconds within 31 days
#     advert_int often
# vrrp.conf:101: lost: "eth 1" is no interface (also line 97)
#     198.51.100.10
# vrrp.conf:106: hint: a router whose device is called otherwise maps it: --interface bond0=DEVICE
#     interface bond0
# vrrp.conf:107: hint: a router silent for 0.6s was replaced; the profile nearest to that is lan (lan, of 0.4s, is what routers on one switch take)
#     advert_int 0.2
# vrrp.conf:112: hint: a router silent for 1.5s was replaced; the profile nearest to that is vm (lan, of 0.4s, is what routers on one switch take)
#     advert_int 0.5
cluster {
  standby = "warm"
  sync_daemon {
    interface = "eth1"
    id        = 51
    port      = 8849
    ttl       = 3
  }
}

vip "203.0.113.10" {
  address = "203.0.113.10/32"
}

vip "VI_1-192.0.2.10" {
  address   = "192.0.2.10/24"
  interface = "eth0"
}

vip "VI_1-192.0.2.12" {
  address   = "192.0.2.12/32"
  interface = "eth0"
}

vip "VI_1-192.0.2.13" {
  address = "192.0.2.13/32"
}

vip "VI_1-2001-db8--10" {
  address   = "2001:db8::10/64"
  interface = "eth0"
}

vip "VI_1-fe80--10" {
  address   = "fe80::10/64"
  interface = "eth0"
}

vip "VI_2" {
  address = "198.51.100.10/32"
}

vip "VI_3" {
  address   = "203.0.113.7/32"
  interface = "bond0"
}

vip "VI_4-203.0.113.8" {
  address   = "203.0.113.8/32"
  interface = "bond0"
}

vip "VI_4-203.0.113.9" {
  address   = "203.0.113.9/32"
  interface = "bond0"
}

# vrrp.conf:89: changed: runs with MASTER when the router directs, and with BACKUP when it does no more; FAULT and STOP are not told apart
#     notify /etc/keepalived/any.sh
notify "VI_1-notify-active" {
  events  = ["active"]
  command = ["/etc/keepalived/any.sh", "INSTANCE", "VI_1", "MASTER", "255"]
  user    = "root"
  timeout = "10s"
  limit   = 30
}

# vrrp.conf:89: changed: runs with MASTER when the router directs, and with BACKUP when it does no more; FAULT and STOP are not told apart
#     notify /etc/keepalived/any.sh
notify "VI_1-notify-inactive" {
  events  = ["inactive"]
  command = ["/etc/keepalived/any.sh", "INSTANCE", "VI_1", "BACKUP", "255"]
  user    = "root"
  timeout = "10s"
  limit   = 30
}

# vrrp.conf:18: hint: of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here 20
#     vrrp_script alive {
# vrrp.conf:19: changed: pgrep looks for the process, which every user may
#     script pidof nginx
router_check "alive" {
  command = ["/usr/bin/pgrep", "-x", "nginx"]
  user    = "root"
  every   = "2s"
  timeout = "2s"
  rise    = 1
  fall    = 1
  penalty = 20
}

# vrrp.conf:66: hint: of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here 10
#     eth3 weight 10
router_check "eth3" {
  interface = "eth3"
  every     = "1s"
  timeout   = "1s"
  rise      = 1
  fall      = 1
  penalty   = 10
}
