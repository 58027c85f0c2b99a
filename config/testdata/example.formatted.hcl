cluster {
  standby = "warm"
  prefer  = ["r1", "r2"]
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

vip "inside" {
  address   = "10.0.0.1/24"
  interface = "inside"
}

virtual "web" {
  address      = "192.0.2.10"
  interface    = "outside"
  port         = 80
  protocol     = "tcp"
  scheduler    = "wlc"
  forward      = "nat"
  sorry_server = "10.0.0.9"
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
}
