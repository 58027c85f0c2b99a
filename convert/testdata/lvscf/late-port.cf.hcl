# Imported from late-port.cf (lvs.cf).

cluster {
  standby = "warm"
}

# late-port.cf:4: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.80 eth0:1
# late-port.cf:9: changed: servers above this line without a port of their own had port 80 in Piranha, and have 8080 here
#     port = 8080
virtual "late" {
  address   = "192.0.2.80"
  interface = "eth0"
  port      = 8080
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  server "a" {
    address = "10.0.0.1"
    weight  = 1
  }
}
