# Imported from groups.conf (keepalived.conf).
# groups.conf:8: lost: 192.0.2.66/30 is no network
#     192.0.2.66/30 80
# groups.conf:9: lost: 192.0.2.30-20 is no range
#     192.0.2.30-20 80
# groups.conf:10: lost: "400" ends no range
#     192.0.2.40-400 80
# groups.conf:11: lost: "http" is not a port (also line 125)
#     192.0.2.41 http
# groups.conf:12: lost: "www.example.net" is not an IP address
#     www.example.net 80
# groups.conf:15: lost: "none" is not a firewall mark
#     fwmark none
# groups.conf:18: lost: no virtual_server names group "unused"
#     virtual_server_group unused {
# groups.conf:22: lost: another virtual_server_group is called "unused"
#     virtual_server_group unused {
# groups.conf:28: lost: "zz" ends no range
#     2001:db8::ff:1-zz 53
# groups.conf:102: changed: virtual "192.0.2.50-0": no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.50 0 {
# groups.conf:102: lost: virtual "192.0.2.50-0": 192.0.2.50 port 0/tcp is served by virtual "everything" too, so virtual "192.0.2.50-0" is left out
#     virtual_server 192.0.2.50 0 {
# groups.conf:109: lost: no virtual_server_group is called "nobody"
#     virtual_server group nobody {
# groups.conf:113: lost: virtual_server_group "empty" has nothing to ask for
#     virtual_server group empty {
# groups.conf:117: lost: "0" is not a firewall mark
#     virtual_server fwmark 0 {
# groups.conf:121: lost: "lb.example.net" is not an IP address
#     virtual_server lb.example.net 80 {
# groups.conf:129: lost: it has no real_server; keepalived passes over it too
#     virtual_server 192.0.2.52 80 {

cluster {
  standby = "warm"
}

# groups.conf:81: changed: every port is for persistent services: for 360s, as keepalived has it
#     virtual_server 192.0.2.50 {
# groups.conf:81: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.50 {
# groups.conf:88: lost: virtual "everything" server "10.0.0.16": 10.0.0.16 is the address of server "first" too, so server "10.0.0.16" is left out
#     real_server 10.0.0.16 {
# groups.conf:90: lost: virtual "everything" server "192.0.2.50": 192.0.2.50 is the address of virtual "192.0.2.50-0", so server "192.0.2.50" is left out
#     real_server 192.0.2.50 {
# groups.conf:92: lost: "web.example.net" is not an IP address
#     real_server web.example.net 80 {
# groups.conf:95: lost: "http" is not a port
#     real_server 10.0.0.17 http {
# groups.conf:98: lost: virtual "everything" server "2001-db8--17": 2001:db8::17 is ipv6 and the virtual is ipv4, so server "2001-db8--17" is left out
#     real_server 2001:db8::17 {
virtual "everything" {
  address   = "192.0.2.50"
  port      = 0
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  persistent {
    timeout = "6m"
  }

  server "first" {
    address = "10.0.0.16"
    weight  = 1
  }
}

# groups.conf:61: hint: the mark says which packets are meant; a protocol means nothing
#     protocol TCP
virtual "fwmark-7" {
  fwmark    = 7
  scheduler = "wrr"
  forward   = "dr"
  persistent {
    timeout = "6m"
  }

  # groups.conf:63: hint: dr leaves the port as the packet has it; keepalived passes over 21 too
  #     real_server 10.0.0.13 21 {
  # groups.conf:64: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 1
    check "tcp" {
      port    = 21
      every   = "1m"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
    }
  }

  # groups.conf:67: hint: dr leaves the port as the packet has it; keepalived passes over 2121 too
  #     real_server 10.0.0.14 2121 {
  # groups.conf:68: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.14" {
    address = "10.0.0.14"
    weight  = 1
    check "tcp" {
      port    = 2121
      every   = "1m"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
    }
  }
}

virtual "fwmark-8" {
  fwmark    = 8
  scheduler = "wlc"
  forward   = "dr"

  # groups.conf:76: lost: there is no port to ask
  #     TCP_CHECK {
  server "10.0.0.15" {
    address = "10.0.0.15"
    weight  = 1
  }
}

# groups.conf:47: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server group six {
virtual "six-2001-db8--a-53-udp" {
  address   = "2001:db8::a"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  forward   = "dr"

  server "2001-db8--101" {
    address = "2001:db8::101"
    weight  = 1
  }

  # groups.conf:53: changed: dr leaves the port at 53; keepalived passes over 5353 too
  #     real_server 2001:db8::102 5353 {
  server "2001-db8--102" {
    address = "2001:db8::102"
    weight  = 1
  }
}

virtual "six-2001-db8--b-53-udp" {
  address   = "2001:db8::b"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  forward   = "dr"

  server "2001-db8--101" {
    address = "2001:db8::101"
    weight  = 1
  }

  server "2001-db8--102" {
    address = "2001:db8::102"
    weight  = 1
  }
}

virtual "six-2001-db8--c-53-udp" {
  address   = "2001:db8::c"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  forward   = "dr"

  server "2001-db8--101" {
    address = "2001:db8::101"
    weight  = 1
  }

  server "2001-db8--102" {
    address = "2001:db8::102"
    weight  = 1
  }
}

virtual "web-192.0.2.20-443" {
  address   = "192.0.2.20"
  port      = 443
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

# groups.conf:34: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server group web {
virtual "web-192.0.2.20-80" {
  address   = "192.0.2.20"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.21-80" {
  address   = "192.0.2.21"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.22-80" {
  address   = "192.0.2.22"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.254-80" {
  address   = "192.0.2.254"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.255-80" {
  address   = "192.0.2.255"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.64-80" {
  address   = "192.0.2.64"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.2.65-80" {
  address   = "192.0.2.65"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.3.0-80" {
  address   = "192.0.3.0"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-192.0.3.1-80" {
  address   = "192.0.3.1"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-fwmark-3" {
  fwmark    = 3
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    port    = 8080
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}

virtual "web-fwmark-4" {
  fwmark    = 4
  scheduler = "rr"
  forward   = "nat"
  check "tcp" {
    port    = 8080
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }
}
