# Imported from checks.conf (keepalived.conf).
# checks.conf:203: hint: keepalived looks at no certificate for all that; ca and verify of a check would
#     ca /etc/ca.pem
# checks.conf:204: lost: a key with a password is not read: write a key without one, and client_cert and client_key into the checks
#     password …

cluster {
  standby = "warm"
}

# checks.conf:169: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 123 {
# checks.conf:173: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed (also line 178)
#     TCP_CHECK {
# checks.conf:179: lost: a check asks the server at its own address
#     connect_ip 10.0.9.52
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
    fast    = "5s"
  }

  server "10.0.0.51" {
    address = "10.0.0.51"
    weight  = 1
  }

  server "10.0.0.52" {
    address = "10.0.0.52"
    weight  = 1
  }

  # checks.conf:183: changed: keepalived sends nothing in a datagram, a check the end of a line: write what the server answers to
  #     UDP_CHECK {
  # checks.conf:183: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     UDP_CHECK {
  server "10.0.0.53" {
    address = "10.0.0.53"
    weight  = 1
    check "udp" {
      send    = "\\n"
      every   = "1m"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
    }
  }
}

# checks.conf:101: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 25 {
# checks.conf:106: changed: every 0.1s instead of 0.05s: a check goes from 0.1s to 3600s
#     SMTP_CHECK {
# checks.conf:106: changed: timeout 0.01s instead of 0.001s: it goes from 0.01s to what every says
#     SMTP_CHECK {
# checks.conf:107: hint: a check says EHLO with a name of its own
#     helo_name lb 1.example.net
# checks.conf:111: lost: a check goes out as the routing table says
#     bindto 10.0.0.1
# checks.conf:113: lost: a check asks the server at its own address, not 10.0.9.21; make it a server of its own, or ask there by a script check
#     host {
virtual "192.0.2.10-25" {
  address   = "192.0.2.10"
  port      = 25
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "smtp" {
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
# checks.conf:92: hint: about how a connection ends
#     tls_compliant
virtual "192.0.2.10-443" {
  address   = "192.0.2.10"
  port      = 443
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path        = "/"
    status      = "200-299"
    tls         = true
    verify      = false
    server_name = "other.example.net"
    every       = "3s"
    timeout     = "3s"
    rise        = 1
    fall        = 3
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
virtual "192.0.2.10-53-udp" {
  address   = "192.0.2.10"
  port      = 53
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "nat"

  server "10.0.0.31" {
    address = "10.0.0.31"
    weight  = 1
    check "dns" {
      query   = "example.net"
      type    = "SOA"
      every   = "20s"
      timeout = "5s"
      rise    = 1
      fall    = 3
    }
  }

  # checks.conf:134: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed (also line 139)
  #     UDP_CHECK {
  # checks.conf:137: changed: an answer may be of any length
  #     min_reply_length 1
  server "10.0.0.32" {
    address = "10.0.0.32"
    weight  = 1
    check "all" {
      every   = "20s"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
      check "udp" {
        send   = "\\x0a\\x0b"
        expect = "*"
      }
      check "icmp" {
        fall = 5
      }
    }
  }
}

# checks.conf:2: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 80 {
# checks.conf:12: hint: Polso spreads the first probes by itself
#     warmup 2
virtual "192.0.2.10-80" {
  address   = "192.0.2.10"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "nat"

  # checks.conf:18: hint: no longer needed: every path is asked each time
  #     fast_recovery
  # checks.conf:21: changed: a check makes no digest, and the status decides alone; contains asks for a text in the page, matches for an expression
  #     digest 0123456789abcdef0123456789abcdef
  # checks.conf:23: lost: a check can ask that the page matches, not that it does not
  #     regex ^ok
  # checks.conf:25: hint: goes with regex (also line 24)
  #     regex_options caseless
  # checks.conf:33: lost: a check goes out as the routing table says (also line 34)
  #     bindto 10.0.0.1
  # checks.conf:35: hint: Polso spreads the first probes by itself
  #     warmup 1
  # checks.conf:36: hint: status and the server's reason say it
  #     log_all_failures
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
    check "all" {
      every   = "6s"
      timeout = "3s"
      rise    = 1
      fall    = 4
      initial = "down"
      check "http" {
        path    = "/a"
        host    = "url.example.net"
        status  = "200"
        version = "1.1"
        port    = 8000
      }
      check "http" {
        path    = "/b"
        host    = "www.example.net"
        status  = "200"
        version = "1.1"
        port    = 8000
      }
      check "tcp" {
        port = 81
      }
    }
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "all" {
      every   = "6s"
      timeout = "3s"
      rise    = 1
      fall    = 4
      initial = "down"
      check "http" {
        path   = "/a"
        host   = "url.example.net"
        status = "200"
        port   = 8000
      }
      check "script" {
        user    = "nobody"
        command = ["/usr/local/bin/ask", "%h", "a b"]
        timeout = "5s"
      }
    }
  }

  # checks.conf:62: changed: "999" is not a status from 100 to 599; 200-299 is good
  #     status_code 200 999
  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 1
    check "http" {
      path    = "/c"
      host    = "all.example.net"
      status  = "200-299"
      port    = 8000
      every   = "10s"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "6s"
      initial = "down"
    }
  }

  server "10.0.0.14" {
    address = "10.0.0.14"
    weight  = 1
    check "tcp" {
      every   = "6s"
      timeout = "4s"
      rise    = 1
      fall    = 4
      initial = "down"
    }
  }

  server "10.0.0.15" {
    address = "10.0.0.15"
    weight  = 3
  }

  # checks.conf:78: lost: it has no url with a path; a tcp connect stands in
  #     HTTP_GET {
  server "10.0.0.16" {
    address = "10.0.0.16"
    weight  = 1
    check "tcp" {
      every   = "6s"
      timeout = "3s"
      rise    = 1
      fall    = 4
      initial = "down"
    }
  }
}

# checks.conf:145: changed: no vrrp_instance has its address; Polso's director holds it, so nobody else may
#     virtual_server 192.0.2.10 8000 {
virtual "192.0.2.10-8000" {
  address   = "192.0.2.10"
  port      = 8000
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"

  # checks.conf:150: changed: every 3600s instead of 7200s: a check goes from 0.1s to 3600s
  #     MISC_CHECK {
  # checks.conf:150: changed: timeout 3600s instead of 7200s: it goes from 0.01s to what every says
  #     MISC_CHECK {
  # checks.conf:151: changed: runs as nobody, where keepalived takes keepalived_script or root: write user = "root" if it needs that; in a check %h and %p stand for the server's address and port
  #     misc_path /usr/local/bin/ask %h:%p
  server "10.0.0.41" {
    address = "10.0.0.41"
    weight  = 1
    check "script" {
      expect  = "~.*"
      command = ["/usr/local/bin/ask", "%h:%p"]
      every   = "1h"
      timeout = "1h"
      rise    = 1
      fall    = 1
    }
  }

  # checks.conf:155: changed: every 3600s instead of 7200s: a check goes from 0.1s to 3600s
  #     PING_CHECK {
  # checks.conf:155: hint: asked again 5s after a failure, since that is how long an answer may take; keepalived begins to wait 1s when it has failed
  #     PING_CHECK {
  # checks.conf:157: lost: Polso has no BFD; an icmp check asks the host, every 100ms if need be; the other checks remain
  #     BFD_CHECK {
  server "10.0.0.42" {
    address = "10.0.0.42"
    weight  = 1
    check "icmp" {
      every   = "1h"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
    }
  }

  # checks.conf:162: lost: Polso reads no numbers from files; a script check can, and say a weight by its exit status; a tcp connect stands in
  #     FILE_CHECK {
  server "10.0.0.43" {
    address = "10.0.0.43"
    weight  = 1
    check "tcp" {
      every   = "1h"
      timeout = "5s"
      rise    = 1
      fall    = 2
      fast    = "5s"
    }
  }
}
