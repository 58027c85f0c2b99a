# Imported from balance.conf (keepalived.conf).

cluster {
  standby = "warm"
}

# balance.conf:102: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 5060 {
virtual "192.0.2.10-5060-udp" {
  address   = "192.0.2.10"
  port      = 5060
  protocol  = "udp"
  scheduler = "wlc"
  flags     = ["ops"]
  forward   = "tun"
  persistent {
    timeout = "1m"
    engine  = "sip"
  }
  tunnel {
    type     = "gue"
    port     = 6081
    checksum = "remcsum"
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
    tunnel {
      type     = "gre"
      checksum = "csum"
    }
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    upper   = 10
    lower   = 5
  }

  # balance.conf:116: lost: "type geneve" is not understood; the tunnel is of type ipip
  #     lvs_method TUN type geneve
  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 1
    tunnel {
      type = "ipip"
    }
  }
}

# balance.conf:67: changed: it has no protocol: udp, as keepalived has it
#     virtual_server 192.0.2.10 53 {
# balance.conf:67: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 53 {
virtual "192.0.2.10-53-udp" {
  address   = "192.0.2.10"
  port      = 53
  protocol  = "udp"
  scheduler = "wlc"
  flags     = ["ops"]
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# balance.conf:2: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 80 {
# balance.conf:6: changed: a flag of mh, and the scheduler is sh
#     mh-port
# balance.conf:7: changed: for udp alone; left out, as keepalived does
#     ops
# balance.conf:10: lost: it means nothing without persistence_timeout
#     persistence_engine sip
# balance.conf:12: changed: min_servers counts servers, not their weight: 2
#     quorum 11
# balance.conf:17: hint: a sorry server keeps its connections, with weight 0, when the servers are back
#     sorry_server_inhibit
# balance.conf:19: hint: there is no notification_email whom it would be sent to
#     smtp_alert
# balance.conf:20: hint: a router that stops tells inactive, and nothing of its servers
#     omega
# balance.conf:21: hint: every router asks the servers, whether it holds the addresses or not
#     ha_suspend
# balance.conf:31: changed: on_failure is the virtual's, and most servers have "quiesce"
#     real_server 10.0.0.12 8080 {
virtual "192.0.2.10-80" {
  address     = "192.0.2.10"
  port        = 80
  protocol    = "tcp"
  scheduler   = "sh"
  flags       = ["fallback", "port"]
  forward     = "dr"
  min_servers = 2
  hysteresis  = 1
  on_failure  = "quiesce"

  # balance.conf:28: hint: there is no notification_email whom it would be sent to
  #     smtp_alert off
  # balance.conf:29: hint: a server without a check counts as up
  #     alpha
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 5
    upper   = 100
    lower   = 50
  }

  # balance.conf:31: changed: dr leaves the port at 80; keepalived passes over 8080 too
  #     real_server 10.0.0.12 8080 {
  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 0
  }

  server "10.0.0.13" {
    address = "10.0.0.13"
    forward = "tun"
    weight  = 7
    tunnel {
      type     = "gue"
      port     = 6080
      checksum = "none"
    }
  }

  sorry_server "sorry" {
    address = "10.0.0.9:8080"
    forward = "nat"
    weight  = 1
  }
}

# balance.conf:42: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 81 {
# balance.conf:43: changed: no scheduler is called "fastest"; it is wlc
#     lb_algo fastest
# balance.conf:44: lost: no method is called "FULLNAT"
#     lb_kind FULLNAT
# balance.conf:46: lost: 255.0.255.0 has holes, or holds every client
#     persistence_granularity 255.0.255.0
# balance.conf:47: changed: all servers together weigh 2; keepalived takes that too
#     quorum 100
virtual "192.0.2.10-81" {
  address   = "192.0.2.10"
  port      = 81
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  persistent {
    timeout = "6m"
  }

  server "10.0.0.11" {
    address = "10.0.0.11:80"
    weight  = 2
  }
}

# balance.conf:53: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 82 {
# balance.conf:59: lost: not a number from 1 to 2678400
#     persistence_timeout never
# balance.conf:60: lost: "nobody" is not an IP address
#     sorry_server nobody 80
# balance.conf:61: lost: there is no sorry_server above it
#     sorry_server_lvs_method NAT
virtual "192.0.2.10-82-sctp" {
  address   = "192.0.2.10"
  port      = 82
  protocol  = "sctp"
  scheduler = "mh"
  flags     = ["flag-1"]
  forward   = "tun"

  # balance.conf:63: lost: not a number from 0 to 65535
  #     weight heavy
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# balance.conf:75: changed: it has no protocol: udp, as keepalived has it
#     virtual_server 192.0.2.10 84 {
# balance.conf:75: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 84 {
# balance.conf:77: lost: no protocol is called "ICMP"
#     protocol ICMP
virtual "192.0.2.10-84-udp" {
  address      = "192.0.2.10"
  port         = 84
  protocol     = "udp"
  scheduler    = "wlc"
  forward      = "nat"
  min_servers  = 2
  sorry_server = "10.0.0.9"

  server "10.0.0.11" {
    address = "10.0.0.11:80"
    weight  = 20
  }

  server "10.0.0.12" {
    address = "10.0.0.12:80"
    weight  = 20
  }

  server "10.0.0.13" {
    address = "10.0.0.13:80"
    weight  = 20
  }
}

# balance.conf:91: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 85 {
# balance.conf:92: lost: there is no sorry_server above it
#     sorry_server_inhibit
virtual "192.0.2.10-85" {
  address   = "192.0.2.10"
  port      = 85
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"

  # balance.conf:98: lost: it is on or off
  #     inhibit_on_failure perhaps
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "2001-db8--1" {
    address = "2001:db8::1"
    weight  = 1
  }
}

# balance.conf:15: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened
#     quorum_down /usr/local/bin/quorum down
notify "192.0.2.10-80-down" {
  events   = ["virtual_down"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/usr/local/bin/quorum", "down"]
  timeout  = "10s"
  limit    = 30
}

# balance.conf:27: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened; a shell tells the servers apart
#     notify_down /usr/local/bin/down
notify "192.0.2.10-80-server-down" {
  events   = ["server_down"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "case $POLSO_SERVER in 10.0.0.11) exec /usr/local/bin/down;; esac"]
  timeout  = "10s"
  limit    = 30
}

# balance.conf:26: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened; a shell tells the servers apart
#     notify_up /usr/local/bin/up
notify "192.0.2.10-80-server-up" {
  events   = ["server_up"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "case $POLSO_SERVER in 10.0.0.11) exec /usr/local/bin/up;; esac"]
  timeout  = "10s"
  limit    = 30
}

# balance.conf:14: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened
#     quorum_up /usr/local/bin/quorum up
notify "192.0.2.10-80-up" {
  events   = ["virtual_up"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/usr/local/bin/quorum", "up"]
  timeout  = "10s"
  limit    = 30
}
