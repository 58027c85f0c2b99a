# Imported from checks.cf (lvs.cf).

# checks.cf:1: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 192.0.2.1
#     primary = 192.0.2.1
cluster {
  standby = "warm"
}

# checks.cf:33: changed: any answer counted; here it has to be one of HTTP
#     expect = "*"
virtual "anything" {
  address   = "192.0.2.44"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:52: hint: nanny took the single quotes for a part of it
#     expect = 'ready'
virtual "body" {
  address   = "192.0.2.47"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "send" {
    send    = "GET /state\\n"
    expect  = "ready"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:11: changed: a check is made once an hour at least
#     timeout = 7200
virtual "connect" {
  address   = "192.0.2.41"
  interface = "eth0"
  port      = 8443
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "tcp" {
    every   = "1h"
    timeout = "1h"
    rise    = 1
    fall    = 1
  }
}

# checks.cf:5: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.41 eth0:1
virtual "default80" {
  address   = "192.0.2.41"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:39: hint: nothing is sent
#     send = ""
virtual "empty" {
  address   = "192.0.2.45"
  interface = "eth0"
  port      = 3306
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "send" {
    expect  = "*"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

virtual "greeting" {
  address   = "192.0.2.46"
  interface = "eth0"
  port      = 25
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "send" {
    expect  = "220"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

virtual "header" {
  address   = "192.0.2.49"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "send" {
    send    = "GET / HTTP/1.0\\r\\n\\r\\n"
    expect  = "HTTP/1.0 204 No Content\\r\\nServer: x"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:57: changed: it is run as nobody, has to end with status 0, and is ended with all that it started when its time is over
#     send_program = "/usr/local/bin/ask %h %p"
# checks.cf:57: hint: without an expect every server was always down
#     send_program = "/usr/local/bin/ask %h %p"
# checks.cf:58: hint: send_program came before it
#     send = "GET / HTTP/1.0\r\n\r\n"
virtual "program" {
  address   = "192.0.2.48"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "script" {
    command = ["/usr/local/bin/ask", "%h", "%p"]
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:17: changed: an http check wants a status instead; these are the ones that the expression matches
#     expect = "HTTP/1.[01] (200|30[12])"
virtual "redirects" {
  address   = "192.0.2.42"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "http" {
    path   = "/x"
    host   = "shop.example.org"
    status = "200,301-302"
    method = "HEAD"
    headers = {
      User-Agent = "nanny"
    }
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# checks.cf:24: hint: an escape other than \\ \r \n \t \' \" made nanny spin for ever
#     expect = "HTTP/1\.1 20"
# checks.cf:24: changed: an http check wants a status instead; these are the ones that the expression matches
#     expect = "HTTP/1\.1 20"
# checks.cf:27: hint: shorter than timeout (30 s): a server is back with the first good check
#     reentry = 15
virtual "spins" {
  address   = "192.0.2.43"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "tun"
  check "http" {
    path    = "/"
    status  = "200-209"
    every   = "30s"
    timeout = "30s"
    rise    = 1
    fall    = 1
  }
}
