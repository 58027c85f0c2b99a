# Imported from dos.cf (lvs.cf).
# dos.cf:1: hint: Piranha itself refuses the file for the byte order mark it begins with
# dos.cf: hint: its lines end as in DOS, of which Piranha itself reads the first alone

# dos.cf:1: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 192.0.2.1
#     primary = 192.0.2.1
cluster {
  standby = "warm"
}

# dos.cf:5: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.70 eth0:1
virtual "dos" {
  address   = "192.0.2.70"
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
    rise    = 18
    fall    = 1
  }

  server "a" {
    address = "192.0.2.71"
    weight  = 1
  }
}
