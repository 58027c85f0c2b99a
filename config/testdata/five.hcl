# A document with five mistakes.
cluster {
  standby = "warn"
}

virtual "web" {
  address   = "192.0.2.10"
  port      = "80"
  schedular = "wlc"
  forward   = "dr"

  server "a" { address = "10.0.0.11" weight = 10 }

  server "b" {
    address = "web-b.example.org:80"
  }
}
