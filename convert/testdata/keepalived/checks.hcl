# Imported from checks.conf (keepalived.conf).
# checks.conf:202: lost: a check accepts any certificate and shows none
#     SSL {

cluster {
  standby = "warm"
}

# checks.conf:169: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 123 {
# checks.conf:173: changed: asked every 60s after a failure too, not every 1s: a server that fails is out within 120s instead of 61s (also line 178)
#     TCP_CHECK {
# checks.conf:179: lost: a check asks the server at its own address
#     connect_ip 10.0.9.52
# checks.conf:183: lost: Polso does not ask by UDP; asked as the other servers are
#     UDP_CHECK {
virtual "192.0.2.10-123-udp" {
  address   = "192.0.2.10"
  port      = 123
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "nat"
  check "tcp" {
    every   = "1m"
    timeout = "5s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.51" {
    address = "10.0.0.51"
    weight  = 1
  }

  server "10.0.0.52" {
    address = "10.0.0.52"
    weight  = 1
  }

  server "10.0.0.53" {
    address = "10.0.0.53"
    weight  = 1
  }
}

# checks.conf:101: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 25 {
# checks.conf:106: changed: nobody waits for the greeting; a tcp connect stands in
#     SMTP_CHECK {
# checks.conf:106: changed: every 0.1s instead of 0.05s: a check goes from 0.1s to 3600s
#     SMTP_CHECK {
# checks.conf:106: changed: timeout 0.01s instead of 0.001s: it goes from 0.01s to what every says
#     SMTP_CHECK {
# checks.conf:107: hint: nobody greets
#     helo_name lb 1.example.net
# checks.conf:111: lost: a check goes out as the routing table says
#     bindto 10.0.0.1
# checks.conf:113: lost: a check asks the server at its own address, not 10.0.9.21
#     host {
virtual "192.0.2.10-25" {
  address   = "192.0.2.10"
  port      = 25
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "tcp" {
    port    = 2525
    every   = "100ms"
    timeout = "10ms"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.21" {
    address = "10.0.0.21"
    weight  = 1
  }
}

# checks.conf:84: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 443 {
# checks.conf:89: changed: timeout 3s instead of 5s: it goes from 0.01s to what every says
#     SSL_GET {
# checks.conf:91: changed: over TLS the name asked for is that of virtualhost
#     sni_name other.example.net
# checks.conf:92: hint: about how a connection ends
#     tls_compliant
virtual "192.0.2.10-443" {
  address   = "192.0.2.10"
  port      = 443
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path    = "/"
    status  = "200-299"
    tls     = true
    verify  = false
    every   = "3s"
    timeout = "3s"
    rise    = 1
    fall    = 3
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.conf:188: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 514 {
virtual "192.0.2.10-514-udp" {
  address   = "192.0.2.10"
  port      = 514
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path    = "/"
    status  = "200-299"
    port    = 514
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.51" {
    address = "10.0.0.51"
    weight  = 1
  }
}

# checks.conf:122: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 53 {
# checks.conf:127: lost: Polso asks no name servers; the server counts as up
#     DNS_CHECK {
# checks.conf:134: lost: Polso does not ask by UDP; the server counts as up
#     UDP_CHECK {
# checks.conf:139: lost: nobody pings; the server counts as up
#     PING_CHECK {
virtual "192.0.2.10-53-udp" {
  address   = "192.0.2.10"
  port      = 53
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.31" {
    address = "10.0.0.31"
    weight  = 1
  }

  server "10.0.0.32" {
    address = "10.0.0.32"
    weight  = 1
  }
}

# checks.conf:2: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 80 {
# checks.conf:11: hint: no longer needed: a server gets traffic once its check has succeeded
#     alpha
# checks.conf:12: hint: Polso spreads the first probes by itself (also line 35)
#     warmup 2
# checks.conf:17: hint: Polso asks by HTTP/1.1
#     http_protocol 1.1
# checks.conf:18: hint: no longer needed: one path is asked each time
#     fast_recovery
# checks.conf:21: changed: the status decides alone; what the answer says is not looked at (also line 23)
#     digest 0123456789abcdef0123456789abcdef
# checks.conf:24: hint: goes with regex (also line 25)
#     regex_no_match
# checks.conf:28: changed: a check asks one path: /a
#     url {
# checks.conf:33: lost: a check goes out as the routing table says (also line 34)
#     bindto 10.0.0.1
# checks.conf:36: hint: status and the server's reason say it
#     log_all_failures
# checks.conf:38: changed: a virtual has one check, and HTTP_GET is it
#     TCP_CHECK {
# checks.conf:51: lost: notify and router_check blocks and script checks run programs here: write one; a virtual has one check, and HTTP_GET is it
#     MISC_CHECK {
# checks.conf:59: changed: asked as most servers are: path /a instead of /c, host url.example.net instead of all.example.net, status 200 instead of 200-299, every 6s instead of 10s, fall 4 instead of 2
#     HTTP_GET {
# checks.conf:62: changed: "999" is not a status from 100 to 599; 200-299 is good
#     status_code 200 999
# checks.conf:70: changed: asked as most servers are: check http instead of tcp, port 8000 instead of the server's, timeout 3s instead of 4s
#     TCP_CHECK {
# checks.conf:74: changed: it has no checker and always counts as up; here it is asked as the others are
#     real_server 10.0.0.15 80 {
# checks.conf:78: lost: it has no url with a path; asked as the other servers are
#     HTTP_GET {
virtual "192.0.2.10-80" {
  address   = "192.0.2.10"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"
  check "http" {
    path    = "/a"
    host    = "url.example.net"
    status  = "200"
    port    = 8000
    every   = "6s"
    timeout = "3s"
    rise    = 1
    fall    = 4
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
  }

  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 1
  }

  server "10.0.0.14" {
    address = "10.0.0.14"
    weight  = 1
  }

  server "10.0.0.15" {
    address = "10.0.0.15"
    weight  = 3
  }

  server "10.0.0.16" {
    address = "10.0.0.16"
    weight  = 1
  }
}

# checks.conf:145: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 8000 {
# checks.conf:150: lost: notify and router_check blocks and script checks run programs here: write one; asked as most servers are: fall 2 instead of 1
#     MISC_CHECK {
# checks.conf:151: hint: goes with MISC_CHECK
#     misc_path /usr/local/bin/ask
# checks.conf:155: changed: nobody pings; a tcp connect stands in
#     PING_CHECK {
# checks.conf:155: changed: every 3600s instead of 7200s: a check goes from 0.1s to 3600s (also line 162)
#     PING_CHECK {
# checks.conf:155: changed: asked every 3600s after a failure too, not every 1s: a server that fails is out within 7200s instead of 7201s (also line 162)
#     PING_CHECK {
# checks.conf:157: lost: Polso has no BFD; a virtual has one check, and PING_CHECK is it
#     BFD_CHECK {
# checks.conf:162: lost: Polso watches no files; a tcp connect stands in
#     FILE_CHECK {
# checks.conf:163: hint: goes with FILE_CHECK (also line 164)
#     track_file f
virtual "192.0.2.10-8000" {
  address   = "192.0.2.10"
  port      = 8000
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "tcp" {
    every   = "1h"
    timeout = "5s"
    rise    = 1
    fall    = 2
  }

  server "10.0.0.41" {
    address = "10.0.0.41"
    weight  = 1
  }

  server "10.0.0.42" {
    address = "10.0.0.42"
    weight  = 1
  }

  server "10.0.0.43" {
    address = "10.0.0.43"
    weight  = 1
  }
}
