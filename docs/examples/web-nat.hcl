# By nat: the servers' default gateway is 10.0.0.1, which moves with the director.
cluster {
  timeouts {
    tcp     = "15m"
    tcp_fin = "2m"
    udp     = "5m"
  }
}

vip "gateway" {
  address   = "10.0.0.1/24"
  interface = "inside"
}

virtual "web" {
  address   = "192.0.2.10"
  interface = "outside"
  port      = 80
  scheduler = "wrr"
  forward   = "nat"
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
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
  server "b" {
    address = "10.0.0.12:8080"
    weight  = 10
  }
}

virtual "dns" {
  address   = "192.0.2.10"
  interface = "outside"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  forward   = "nat"
  server "a" {
    address = "10.0.0.11"
  }
}
