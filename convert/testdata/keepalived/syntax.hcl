# Imported from syntax.conf (keepalived.conf).
# syntax.conf:7: lost: for the router lb1 alone; the document is one for all of them (also line 18, 29)
#     @lb1 $WHO=one
# syntax.conf:8: changed: for every router but lb2; taken for all (also line 28)
#     @^lb2 $WHO=other
# syntax.conf:25: hint: for the router lb1 alone; the document is one for all of them
#     @lb1 priority 150
# syntax.conf:26: hint: for the router lb2 alone; the document is one for all of them
#     @lb2 priority 100
# syntax.conf:27: lost: for the router lb2 alone; the document is one for all of them
#     @lb2 auth_pass …
# syntax.conf:48: changed: one } too many is passed over
#     }}
# syntax.conf:59: lost: ~SEQ that comes to no end
#     ~SEQ(N, 5, 2, 3) never
# syntax.conf:60: lost: ~SEQ wants whole numbers, not "a"
#     ~SEQ(N, a, b) never
# syntax.conf:61: lost: ~SEQ takes a name and one to three numbers
#     ~SEQ(N) never
# syntax.conf:62: lost: ~LST takes a name and values
#     ~LST(N) never
# syntax.conf:63: lost: ~LST with a { and no }
#     ~LST({N, 1) never
# syntax.conf:64: lost: unknown word "~NOT"
#     ~NOT(N, 1) never
# syntax.conf:65: lost: neither ~SEQ(…) nor ~LST(…)
#     ~SEQ N
# syntax.conf:66: changed: the closing quote is missing
#     virtualhost "without an end
# syntax.conf:73: lost: a definition that names itself, or a line that gets too long (also line 76)
#     quorum $LOOP
# syntax.conf:78: changed: the } of virtual_server is missing (also line 85)
#     virtual_server 192.0.2.12 80 {
# syntax.conf:81: changed: the } of real_server is missing
#     real_server 10.0.0.40 80 {
# syntax.conf:82: lost: keepalived's weight has no block
#     weight 1 {

# syntax.conf:24: hint: a router whose device is called otherwise maps it: --interface eth0=DEVICE
#     interface eth0
# syntax.conf:30: lost: an address takes no 192.0.2.11
#     192.0.2.10 192.0.2.11
cluster {
  standby = "warm"
}

virtual "192.0.2.10-80" {
  address   = "192.0.2.10"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  # syntax.conf:40: hint: asked again 3s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 11
    check "tcp" {
      every   = "1m"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "3s"
    }
  }

  # syntax.conf:42: hint: asked again 3s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 12
    check "tcp" {
      every   = "1m"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "3s"
    }
  }

  server "10.0.0.19" {
    address = "10.0.0.19"
    weight  = 19
  }

  server "10.0.0.20" {
    address = "10.0.0.20"
    weight  = 20
  }

  # syntax.conf:47: hint: asked again 3s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.21" {
    address = "10.0.0.21"
    weight  = 21
    check "tcp" {
      every   = "1m"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "3s"
    }
  }

  # syntax.conf:47: hint: asked again 3s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     TCP_CHECK {
  server "10.0.0.22" {
    address = "10.0.0.22"
    weight  = 22
    check "tcp" {
      every   = "1m"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "3s"
    }
  }
}

# syntax.conf:50: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.11 81 {
# syntax.conf:55: lost: "10.0.1.1a" is not an IP address
#     real_server 10.0.1.1a 81 {
# syntax.conf:55: lost: "10.0.1.1b" is not an IP address
#     real_server 10.0.1.1b 81 {
# syntax.conf:57: lost: "-1" is not a port
#     real_server 10.0.3.1 -1 {
# syntax.conf:67: lost: it has no value
#     lb_algo
# syntax.conf:68: hint: "and more" behind the value means nothing
#     protocol TCP and more {
virtual "192.0.2.11-81" {
  address   = "192.0.2.11"
  port      = 81
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.31" {
    address = "10.0.0.31:8031"
    weight  = 1
  }

  server "10.0.0.32" {
    address = "10.0.0.32:8032"
    weight  = 1
  }

  server "10.0.0.33" {
    address = "10.0.0.33"
    weight  = 1
  }

  server "10.0.0.34" {
    address = "10.0.0.34"
    weight  = 1
  }

  server "10.0.1.19" {
    address = "10.0.1.19"
    weight  = 1
  }

  server "10.0.2.1" {
    address = "10.0.2.1"
    weight  = 1
  }

  server "10.0.2.2" {
    address = "10.0.2.2"
    weight  = 1
  }

  server "10.0.4.3" {
    address = "10.0.4.3"
    weight  = 1
  }

  server "10.0.4.5" {
    address = "10.0.4.5"
    weight  = 1
  }
}

# syntax.conf:78: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.12 80 {
virtual "192.0.2.12-80" {
  address   = "192.0.2.12"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.40" {
    address = "10.0.0.40"
    weight  = 1
  }
}

# syntax.conf:85: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.13 80 {
virtual "192.0.2.13-80" {
  address   = "192.0.2.13"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  # syntax.conf:89: lost: keepalived's real_server has no such word
  #     ${UNDEFINED} 5
  server "10.0.0.41" {
    address = "10.0.0.41"
    weight  = 1
  }
}

# syntax.conf:38: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened
#     quorum_up /bin/sh -c 'exit ${_UNKNOWN}'
notify "192.0.2.10-80-up" {
  events   = ["virtual_up"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "exit $${_UNKNOWN}"]
  timeout  = "10s"
  limit    = 30
}
