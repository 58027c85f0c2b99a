# Imported from checks.cf (ldirectord.cf).
# checks.cf:109: lost: the protocol of a firewall mark is fwm, and the rule that sets the mark says the rest
#     protocol=tcp

cluster {
  standby = "warm"
}

# checks.cf:80: hint: as in ldirectord the servers count as up without a check
#     checktype=on
# checks.cf:81: hint: it belongs to a check, of which there is none here
#     checkinterval=3
virtual "always" {
  address   = "192.0.2.30"
  port      = 5004
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:124: hint: no server is asked by it: each has a request of its own
#     request="/"
virtual "asked-alike" {
  address   = "192.0.2.31"
  port      = 80
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "http" {
    path      = "/alike"
    status    = "200-399"
    redirects = 7
    matches   = "well"
    every     = "10s"
    timeout   = "10s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "http" {
      path      = "/alike"
      status    = "200-399"
      redirects = 7
      every     = "10s"
      timeout   = "10s"
      rise      = 1
      fall      = 1
    }
  }
}

# checks.cf:44: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     database="orders"
# checks.cf:45: lost: nothing is fetched: the check is that mysql answers; a check "script" can run its client
#     request="SELECT 1"
virtual "database" {
  address   = "192.0.2.30"
  port      = 3306
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "mysql" {
    every   = "10s"
    timeout = "10s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:33: hint: with gate and ipip ldirectord too sends clients to the virtual's port, 83
#     real=10.0.0.11:8083 gate
# checks.cf:34: hint: with gate and ipip ldirectord too sends clients to the virtual's port, 83
#     real=10.0.0.12:8084 gate
virtual "here-and-there" {
  address   = "192.0.2.30"
  port      = 83
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    port      = 8083
    every     = "10s"
    timeout   = "10s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "http" {
      path      = "/"
      status    = "200-399"
      redirects = 7
      port      = 8084
      every     = "10s"
      timeout   = "10s"
      rise      = 1
      fall      = 1
    }
  }
}

# checks.cf:38: hint: ldirectord does nothing with it here
#     login="check"
# checks.cf:39: hint: ldirectord does nothing with it here
#     passwd=…
# checks.cf:40: hint: it belongs to a check over http
#     virtualhost=mail.example.com
virtual "mail" {
  address   = "192.0.2.30"
  port      = 25
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "smtp" {
    every   = "10s"
    timeout = "10s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:108: lost: ldirectord finds no port to check; the servers count as up without a check
#     checktype=connect
virtual "marked-anything" {
  fwmark    = 2
  scheduler = "wrr"
  forward   = "dr"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:119: hint: as in ldirectord, which has no service to negotiate with, the servers count as up without a check
#     checktype=negotiate
virtual "marked-nat" {
  fwmark    = 3
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12:8080"
    weight  = 1
  }
}

virtual "marked-web" {
  fwmark       = 1
  scheduler    = "wrr"
  forward      = "dr"
  sorry_server = "10.0.0.9"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    port      = 80
    every     = "10s"
    timeout   = "10s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
  }
}

virtual "marked6" {
  fwmark       = 2
  scheduler    = "wrr"
  forward      = "dr"
  sorry_server = "2001:db8:9::9"
  check "tcp" {
    port    = 22
    every   = "10s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "2001-db8-9-11" {
    address = "2001:db8:9::11"
    weight  = 1
  }
}

# checks.cf:92: lost: ldirectord knows no checktype "conect"; the servers count as up without a check
#     checktype=conect
# checks.cf:93: lost: ldirectord knows no service "htpp"; the servers are taken for those of "none"
#     service=htpp
virtual "mistyped" {
  address   = "192.0.2.30"
  port      = 5007
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "names" {
  address   = "192.0.2.30"
  port      = 53
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"
  check "dns" {
    query   = "www.example.com"
    type    = "A"
    answer  = "192.0.2.1"
    every   = "10s"
    timeout = "10s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:85: changed: ldirectord keeps every server out; here they have weight 0 and no check
#     checktype=off
virtual "never" {
  address   = "192.0.2.30"
  port      = 5005
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 0
  }
}

# checks.cf:76: hint: ldirectord runs it with checktype external and external-perl alone
#     checkcommand=/usr/local/bin/look
virtual "no-program" {
  address   = "192.0.2.30"
  port      = 5003
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:87: hint: as in ldirectord, which has no service to negotiate with, the servers count as up without a check
#     virtual=192.0.2.30:5006
virtual "nothing-to-ask" {
  address   = "192.0.2.30"
  port      = 5006
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "now-and-then" {
  address   = "192.0.2.30"
  port      = 81
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "all" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 1
    check "tcp" {
      port = 8081
    }
    check "http" {
      path      = "/"
      status    = "200-399"
      redirects = 7
      port      = 8081
      every     = "1m"
      fast      = "10s"
    }
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "ping" {
  address   = "192.0.2.30"
  port      = 5001
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "icmp" {
    every   = "10s"
    timeout = "5s"
    rise    = 1
    fall    = 3
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:71: changed: it is run as nobody: write user = "root" if it needs that
#     checkcommand="/usr/local/bin/look"
virtual "program" {
  address   = "192.0.2.30"
  port      = 5002
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "script" {
    command = ["/bin/sh", "-c", "\"$@\" || exit 1", "ldirectord", "/usr/local/bin/look", "192.0.2.30", "5002", "%h", "%p"]
    every   = "10s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "proxy" {
  address   = "192.0.2.30"
  port      = 3128
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    send    = "GET http://www.example.com/ HTTP/1.0\\r\\nHost: www.example.com\\r\\n\\r\\n"
    expect  = "~^HTTP/1\\.[01] [23]"
    every   = "10s"
    timeout = "10s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:51: lost: there is no check that speaks radius: the servers count as up without a check; a check "script" can run radclient
#     virtual=192.0.2.30:1812
# checks.cf:55: hint: it belongs to a check, of which there is none here
#     secret=…
# checks.cf:56: hint: it belongs to a check, of which there is none here
#     login="check"
virtual "radius" {
  address   = "192.0.2.30"
  port      = 1812
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:12: changed: an answer may take 25 seconds, so a server is asked every 25 seconds, not every 10: a check ends before the next begins
#     virtual=192.0.2.30:443
virtual "secure" {
  address   = "192.0.2.30"
  port      = 443
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "http" {
    path      = "/a%20page%20with%20blanks"
    status    = "200-399"
    redirects = 7
    tls       = true
    verify    = false
    every     = "25s"
    timeout   = "25s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:60: hint: the servers of a udp service are pinged, as ldirectord does
#     checktype=connect
virtual "udp-connect" {
  address   = "192.0.2.30"
  port      = 5000
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"
  check "icmp" {
    every   = "10s"
    timeout = "1s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# checks.cf:4: lost: the answer to HEAD has no content, so ldirectord takes every server for down; remove httpmethod, or this
#     real=10.0.0.11:80 gate 1 "/status", "alive"
# checks.cf:5: lost: the answer to HEAD has no content, so ldirectord takes every server for down; remove httpmethod, or this
#     real=10.0.0.12:80 gate 1 "/status", "alive"
# checks.cf:6: lost: the answer to HEAD has no content, so ldirectord takes every server for down; remove httpmethod, or this
#     real=10.0.0.13:80 gate 1 "other page", "well"
# checks.cf:8: hint: no server is asked by it: each has a request of its own
#     request="/status"
# checks.cf:9: hint: no server is asked by it: each has a request of its own
#     receive="ok"
virtual "web" {
  address   = "192.0.2.30"
  port      = 80
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "http" {
    path      = "/status"
    host      = "www.example.com"
    status    = "200-399"
    method    = "HEAD"
    redirects = 7
    every     = "10s"
    timeout   = "10s"
    rise      = 1
    fall      = 1
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
    check "http" {
      path      = "/other%20page"
      host      = "www.example.com"
      status    = "200-399"
      method    = "HEAD"
      redirects = 7
      every     = "10s"
      timeout   = "10s"
      rise      = 1
      fall      = 1
    }
  }
}

# checks.cf:28: hint: with gate and ipip ldirectord too sends clients to the virtual's port, 82
#     real=10.0.0.11:8082 gate
# checks.cf:29: hint: with gate and ipip ldirectord too sends clients to the virtual's port, 82
#     real=10.0.0.12:8082 gate
virtual "where-it-is-written" {
  address   = "192.0.2.30"
  port      = 82
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    port      = 8082
    every     = "10s"
    timeout   = "10s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
  }
}
