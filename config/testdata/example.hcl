cluster {
  standby  = "warm"              # warm: every router keeps the table programmed; cold: the director alone (no sync daemon)
  prefer   = ["r1", "r2"]        # who should direct when fit
  failback = false               # move back to the preferred router once it has been fit for a minute
  sync_daemon {
    interface = "inside"
    id        = 7
  }
  timeouts {
    tcp     = "15m"
    tcp_fin = "2m"
    udp     = "5m"
  }
}

vip "inside" {                    # moves with the director, serves no virtual: the NAT gateway of the real servers
  address   = "10.0.0.1/24"       # the prefix says which link; the address is put on as /32 (/128)
  interface = "inside"            # a logical name that each node.hcl maps to a device; default: the link that has the subnet
}

virtual "web" {
  address   = "192.0.2.10"
  interface = "outside"
  port      = 80                  # ports = [80, 443] groups them under one firewall mark
  protocol  = "tcp"               # tcp | udp | sctp; or fwmark = 7
  scheduler = "wlc"
  forward   = "nat"               # nat | dr | tun, per virtual or per server
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
  min_servers  = 1                # keepalived's quorum
  sorry_server = "10.0.0.9:80"
  on_failure   = "remove"         # remove | quiesce (weight 0)
  check "http" {
    path    = "/healthz"
    status  = "200-299"
    every   = "2s"
    timeout = "1s"
    rise    = 2
    fall    = 3
  }
  server "a" {
    address = "10.0.0.11:8080"
    weight  = 10
  }
}
