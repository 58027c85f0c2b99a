vip "inside" {
  address   = "10.0.0.1/24"
  interface = "inside"
}

vip "old" {
  address = "10.0.1.1/24"
}

virtual "dns" {
  address  = "192.0.2.11"
  port     = 53
  protocol = "udp"

  server "a" {
    address = "10.0.0.11"
  }
}

virtual "gone" {
  address = "192.0.2.12"
  port    = 25

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
  address = "192.0.2.10"
  port    = 80

  server "a" {
    address = "10.0.0.21"
  }

  server "b" {
    address = "10.0.0.22"
    weight  = 10
  }

  server "c" {
    address = "10.0.0.23"
  }
}
