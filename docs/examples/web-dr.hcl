# Direct routing: replies go straight from the server to the client. Each real server carries 192.0.2.10 on lo, with
# arp_ignore=1 and arp_announce=2.
virtual "web" {
  address   = "192.0.2.10"
  port      = 80
  scheduler = "wlc"
  forward   = "dr"
  check "http" {
    path = "/healthz"
  }
  server "a" {
    address = "192.0.2.21"
  }
  server "b" {
    address = "192.0.2.22"
    weight  = 2
  }
}
