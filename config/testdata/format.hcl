cluster {
  standby  = "warm"
  prefer   = ["r1", "r2"]
  failback = true
  sync_daemon {
    interface = "inside"
    id        = 7
    group     = "239.1.2.3"
    port      = 8850
    ttl       = 2
    maxlen    = 8972
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

virtual "mail" {
  fwmark     = 7
  scheduler  = "wlc"
  forward    = "dr"
  on_failure = "quiesce"

  server "m" {
    address = "2001:db8::25"
    weight  = 1
  }
}

virtual "web" {
  address      = "192.0.2.10"
  interface    = "outside"
  port         = 80
  protocol     = "tcp"
  scheduler    = "mh"
  flags        = ["fallback", "port"]
  forward      = "nat"
  masquerade   = true
  hysteresis   = 1
  sorry_server = "10.0.0.9"
  panic        = 30
  slow_start   = "1m"
  slow_curve   = "doubling"
  votes        = 2
  persistent {
    timeout = "5m"
    netmask = "/24"
  }
  tunnel {
    type     = "gue"
    port     = 6080
    checksum = "none"
  }
  check "http" {
    path    = "/healthz?<&>"
    host    = "www.example.org"
    status  = "200-299"
    tls     = true
    port    = 8081
    every   = "2.5s"
    timeout = "1s"
    rise    = 2
    fall    = 3
  }

  server "a" {
    address = "10.0.0.11:8080"
    weight  = 10
    upper   = 100
    lower   = 50
  }

  server "b" {
    address = "10.0.0.12"
    forward = "tun"
    weight  = 0
    tunnel {
      type     = "gre"
      checksum = "csum"
    }
    check "any" {
      every   = "2s"
      timeout = "1s"
      rise    = 2
      fall    = 3
      check "tcp" {
        every = "1s"
      }
      check "icmp" {
      }
    }
  }
}

virtual "wires" {
  address   = "192.0.2.10"
  port      = 5060
  protocol  = "udp"
  scheduler = "rr"
  flags     = ["ops"]
  forward   = "local"
  probe     = "director"
  persistent {
    timeout = "1m"
    engine  = "sip"
  }

  server "self" {
    address = "127.0.0.1"
    weight  = 1
  }
}
