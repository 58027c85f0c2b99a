cluster {
  standby = "cold"
  timeouts {
    udp = "30s"
  }
}

vip "inside" {
  address   = "10.0.0.1/24"
  interface = "lan"
}

virtual "dns" {
  address  = "2001:db8::53"
  port     = 53
  protocol = "udp"
  flags    = ["ops"]

  server "a" {
    address = "2001:db8::11"
  }
}

virtual "mark" {
  fwmark = 7

  server "a" {
    address = "10.0.0.11"
  }
}

virtual "same" {
  address = "192.0.2.13"
  port    = 25

  server "a" {
    address = "10.0.0.11"
  }
}

virtual "web" {
  address   = "192.0.2.10"
  port      = 80
  scheduler = "mh"
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
  check "http" {
    path = "/healthz"
  }

  server "a" {
    address = "10.0.0.21"
    weight  = 5
  }

  server "c" {
    address = "10.0.0.33"
  }

  server "d" {
    address = "10.0.0.24:8080"
    forward = "nat"
    weight  = 10
  }
}
