# Imported from pair.conf (keepalived.conf).

# pair.conf:10: hint: no longer needed: a router's name is that of its agent (--name)
#     router_id lb1
# pair.conf:11: hint: no longer needed: the director announces its addresses itself
#     vrrp_garp_master_refresh 60
# pair.conf:12: hint: no longer needed: Polso has no VRRP (also line 28, 44)
#     vrrp_strict
# pair.conf:18: hint: no longer needed: all addresses move together
#     group {
# pair.conf:26: hint: cluster { prefer } says who should direct, and failback whether the addresses go back to it (also line 29, 42, 45)
#     state MASTER
# pair.conf:27: hint: a router whose device is called otherwise maps it: --interface eth0=DEVICE
#     interface eth0
# pair.conf:30: hint: a router silent for 3s was replaced; the profile nearest to that is wan (lan, of 0.4s, is what routers on one switch take) (also line 46)
#     advert_int 1
# pair.conf:31: hint: no longer needed: routers know each other by certificates
#     authentication {
# pair.conf:36: hint: an address is put on without label
#     192.0.2.10/24 dev eth0 label eth0:1
# pair.conf:43: hint: a router whose device is called otherwise maps it: --interface eth1=DEVICE
#     interface eth1
# pair.conf:49: hint: an address is put on without brd
#     10.0.0.1/24 brd 10.0.0.255
cluster {
  standby = "warm"
  sync_daemon {
    interface = "eth1"
    id        = 12
  }
  timeouts {
    tcp = "1h"
    udp = "1m"
  }
}

vip "inside" {
  address   = "10.0.0.1/24"
  interface = "eth1"
}

vip "outside" {
  address   = "192.0.2.11/24"
  interface = "eth0"
}

virtual "192.0.2.10-80" {
  address   = "192.0.2.10"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
  check "http" {
    path    = "/healthz"
    host    = "www.example.net"
    status  = "200-204,301"
    every   = "5s"
    timeout = "2s"
    rise    = 1
    fall    = 3
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 10
  }

  server "10.0.0.12" {
    address = "10.0.0.12:8080"
    weight  = 20
  }
}

# pair.conf:22: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that
#     notify_master /etc/keepalived/now.sh master
notify "both-active" {
  events  = ["active"]
  command = ["/etc/keepalived/now.sh", "master"]
  timeout = "10s"
  limit   = 30
}

notify "mail" {
  events  = ["server_down", "server_up"]
  mail    = ["ops@example.net", "night@example.net"]
  from    = "lb1@example.net"
  smtp    = "192.0.2.25:25"
  timeout = "30s"
  limit   = 30
}
