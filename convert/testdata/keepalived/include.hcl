# Imported from include.conf, conf.d/a.conf, servers.inc, conf.d/b.conf (keepalived.conf).
# include.conf:3: lost: no file is named so (also line 4)
#     include "conf.d/none.conf"
# include.conf:5: lost: not read: permission denied
#     includea /etc/keepalived/refused.conf
# include.conf:6: lost: keepalived's top level has no such word (also line 7)
#     include
# conf.d/a.conf:7: lost: conf.d/a.conf includes itself
#     include a.conf

cluster {
  standby = "warm"
}

# conf.d/a.conf:1: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 80 {
# conf.d/a.conf:5: lost: keepalived's virtual_server has no such word
#     no_such_word
virtual "192.0.2.10-80" {
  address   = "192.0.2.10"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 2
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
  }
}

# conf.d/b.conf:2: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.11 81 {
# conf.d/b.conf:6: lost: keepalived's virtual_server has no such word
#     no_such_word
virtual "192.0.2.11-81" {
  address   = "192.0.2.11"
  port      = 81
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11:80"
    weight  = 2
  }

  server "10.0.0.12" {
    address = "10.0.0.12:80"
    weight  = 1
  }
}

# include.conf:8: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.12 81 {
virtual "192.0.2.12-81" {
  address   = "192.0.2.12"
  port      = 81
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11:80"
    weight  = 2
  }

  server "10.0.0.12" {
    address = "10.0.0.12:80"
    weight  = 1
  }
}
