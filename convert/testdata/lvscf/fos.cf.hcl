# Imported from fos.cf (lvs.cf).
# fos.cf:11: lost: failover "print service": Polso balances, it runs no services on the routers
#     failover "print service" {

# fos.cf:1: lost: failover services are not what Polso does; the virtuals, which did not run beside them, are not active
#     service = fos
# fos.cf:2: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 192.0.2.1
#     primary = 192.0.2.1
cluster {
  standby = "warm"
}

# fos.cf:5: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.90 eth0:1
virtual "web" {
  active    = false
  address   = "192.0.2.90"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path    = "/"
    status  = "100-599"
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
