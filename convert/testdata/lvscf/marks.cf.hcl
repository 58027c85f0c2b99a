# Imported from marks.cf (lvs.cf).
# marks.cf:26: lost: virtual "again": virtual "web" has its address, port and protocol, or its mark, already, so Piranha never started it
#     virtual again {
# marks.cf:29: hint: virtual "again": the rule that sets mark 7 is the routers' own, as it was; every router needs it
#     fwmark = 7

# marks.cf:1: hint: revisions are counted by the cluster: polso history
#     serial_no = 3
# marks.cf:2: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 192.0.2.1
#     primary = 192.0.2.1
# marks.cf:5: hint: the profile says how often routers hear of each other
#     keepalive = 2
# marks.cf:6: hint: silence of 2 s made a takeover; the profile nearest to that is vm: polso init --profile vm (lan, of 0.4 s, is what routers on one switch take)
#     deadtime = 2
# marks.cf:6: hint: deadtime (2 s) was not longer than keepalive (2 s): one lost heartbeat made a takeover
#     deadtime = 2
# marks.cf:8: hint: it had no effect here
#     nat_router = 10.0.0.254 eth1:1
cluster {
  standby = "warm"
}

vip "web" {
  address   = "192.0.2.20/32"
  interface = "eth0"
}

# marks.cf:52: hint: pmask had no effect: persistent is not set
#     pmask = 255.255.255.0
# marks.cf:53: lost: unknown scheduler "pcc", so scheduler = "pcc" is left out
#     scheduler = pcc
# marks.cf:54: hint: nanny would divide by 0; the default of 10 s is taken
#     timeout = 0
# marks.cf:55: hint: shorter than timeout (10 s): a server is back with the first good check
#     reentry = 5
# marks.cf:60: changed: virtual "pmask" server "a-2": another server is called "a" already, so this one is called "a-2" here
#     server a {
# marks.cf:61: lost: virtual "pmask" server "a-2": 192.0.2.31:80 is the address of server "a" too, so server "a-2" is left out
#     address = 192.0.2.31
# marks.cf:65: lost: virtual "pmask" server "c": 192.0.2.22 is the address of virtual "pmask", so server "c" is left out
#     address = 192.0.2.22
virtual "pmask" {
  address   = "192.0.2.22"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 1
    fall    = 1
  }

  server "a" {
    address = "192.0.2.31"
    weight  = 1
  }
}

# marks.cf:42: changed: it is run as nobody, has to end with status 0, and is ended with all that it started when its time is over
#     send_program = "/usr/local/bin/ask-sip %h"
virtual "sip" {
  address   = "192.0.2.21"
  interface = "eth0"
  port      = 5060
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "dr"
  check "script" {
    expect  = "OK"
    command = ["/usr/local/bin/ask-sip", "%h"]
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  server "a" {
    address = "192.0.2.31"
    weight  = 1
  }
}

# marks.cf:11: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.20 eth0:1
# marks.cf:13: hint: the rule that sets mark 7 is the routers' own, as it was; every router needs it
#     fwmark = 7
# marks.cf:15: lost: weights follow the load where each server says it itself: let it answer "load:$(cut -d' ' -f1 /proc/loadavg)" on a port, and write a check "agent" beside this one, in a check "all"
#     load_monitor = rup
virtual "web" {
  fwmark    = 7
  scheduler = "wlc"
  forward   = "dr"
  persistent {
    timeout = "6m40s"
  }
  check "http" {
    path    = "/"
    status  = "100-599"
    port    = 80
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  # marks.cf:19: changed: the packet reaches it as the client sent it, so its port is the virtual's, 80
  #     port = 8080
  server "a" {
    address = "192.0.2.31"
    weight  = 1
  }

  server "b" {
    address = "192.0.2.32"
    weight  = 1
  }
}
