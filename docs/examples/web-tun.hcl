# Tunnels: the servers stand in another network, unwrap what they get and answer the client themselves. Each carries 192.0.2.10 on lo,
# and needs for server a: `ip link set tunl0 up`; for server b before that: `ip fou add port 6080 gue`; for server c, which takes the
# IPv4 clients' packets over IPv6: `ip link add wrap type ip6tnl mode any local 2001:db8:1::13 remote ::`, and that up. rp_filter is 0.
virtual "web" {
  address   = "192.0.2.10"
  port      = 80
  scheduler = "wlc"
  forward   = "tun"
  check "http" {
    path = "/healthz"
  }
  server "a" {
    address = "10.0.0.11"
  }
  server "b" {
    address = "10.0.0.12"
    upper   = 1000
    tunnel {
      type     = "gue"
      port     = 6080
      checksum = "csum"
    }
  }
  server "c" {
    address = "2001:db8:1::13"
  }
}
