# Imported from services.cf (ldirectord.cf).
# services.cf:6: lost: another configuration: name both files, and one document has both
#     execute=checks.cf

cluster {
  standby = "warm"
}

# services.cf:86: lost: what the answer must contain is not looked at: the expression is none of RE2, which has no look-around and no back-references
#     receive="(?=never)"
virtual "anything" {
  address   = "192.0.2.60"
  port      = 4002
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    expect  = "*"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:49: hint: the check says OPTIONS in its own name
#     login="probe@example.com"
virtual "calls" {
  address   = "192.0.2.60"
  port      = 5062
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"
  check "sip" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "calls-tcp" {
  address   = "192.0.2.61"
  port      = 5060
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "sip-tcp" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:125: changed: ldirectord keeps every server out; here they have weight 0 and no check
#     checktype=off
# services.cf:125: changed: ldirectord has no fallback either with it
#     checktype=off
virtual "closed" {
  address   = "192.0.2.60"
  port      = 4008
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 0
  }
}

# services.cf:80: changed: every check asks: a connection by udp says nothing
#     checktype=3
virtual "datagrams" {
  address   = "192.0.2.60"
  port      = 4001
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"
  check "udp" {
    send    = "ping"
    expect  = "*"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:42: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     login="anonymous"
# services.cf:43: lost: nothing is fetched: the check is that ftp answers; a check "script" can run its client
#     request="welcome.msg"
# services.cf:44: lost: nothing is fetched: the check is that ftp answers; a check "script" can run its client
#     receive="test"
virtual "files" {
  address   = "192.0.2.60"
  port      = 21
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "ftp" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:15: hint: ldirectord does nothing with it here
#     request="of no use"
# services.cf:17: changed: a mail is not repeated while a server stays down
#     emailalertfreq=60
virtual "imap" {
  address   = "192.0.2.60"
  port      = 143
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "imap" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:4: lost: "nobody at all" is not a mail address
#     emailalert="Operators <ops@example.com>, nobody at all"
# services.cf:10: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     login=check
# services.cf:11: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     passwd=…
virtual "imaps" {
  address   = "192.0.2.60"
  port      = 993
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    tls     = true
    verify  = false
    expect  = "* OK"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:31: lost: nothing is fetched: the check is that ldap answers; a check "script" can run its client
#     request="dc=example, dc=com"
# services.cf:32: lost: nothing is fetched: the check is that ldap answers; a check "script" can run its client
#     receive="dc=example"
virtual "ldap" {
  address   = "192.0.2.60"
  port      = 389
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "ldap" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "ldaps" {
  address   = "192.0.2.60"
  port      = 636
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    tls     = true
    verify  = false
    send    = "\\x30\\x0c\\x02\\x01\\x01\\x60\\x07\\x02\\x01\\x03\\x04\\x00\\x80\\x00"
    expect  = "~(?s)^0(.|.....)\\x02\\x01\\x01a(.|.....)\\x0a\\x01[\\x00\\x08\\x30]"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:63: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     login="reader"
# services.cf:64: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     passwd=…
virtual "ledger" {
  address   = "192.0.2.60"
  port      = 5432
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "postgresql" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "lines" {
  address   = "192.0.2.60"
  port      = 4000
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    send    = "hello\\nworld \\\\\"quoted\\\\\" \\\\d"
    expect  = "~(?m)^well( |$)"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:103: changed: it is run as nobody: write user = "root" if it needs that
#     checkcommand="/usr/local/bin/look"
# services.cf:104: hint: ldirectord heeds it with connect and negotiate alone
#     checkport=99
virtual "marked-program" {
  fwmark    = 9
  scheduler = "wrr"
  forward   = "dr"
  check "script" {
    command = ["/bin/sh", "-c", "\"$@\" || exit 1", "ldirectord", "/usr/local/bin/look", "9", "0", "%h", "0"]
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  sorry_server "sorry" {
    address = "127.0.0.1"
    forward = "local"
    weight  = 1
  }
}

# services.cf:135: lost: without a request and a receive ldirectord takes every name server for down; the servers count as up without a check
#     virtual=192.0.2.61:53
# services.cf:137: hint: it belongs to a check, of which there is none here
#     request="www.example.com"
virtual "names-bare" {
  address   = "192.0.2.61"
  port      = 53
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:131: changed: ldirectord asks over TCP, and the check over UDP as long as the answer fits
#     request="192.0.2.7"
# services.cf:134: changed: ldirectord asks over TCP, and the check over UDP as long as the answer fits
#     real=10.0.0.12:53 masq 1 "2001:db8::7", "(www|ftp)"
# services.cf:134: lost: an answer is compared with one value, not with an expression; any answer will do
#     real=10.0.0.12:53 masq 1 "2001:db8::7", "(www|ftp)"
virtual "names-tcp" {
  address   = "192.0.2.60"
  port      = 53
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "dns" {
    query   = "7.2.0.192.in-addr.arpa"
    type    = "PTR"
    answer  = "www.example.com"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "dns" {
      query   = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
      type    = "PTR"
      every   = "5s"
      timeout = "5s"
      rise    = 1
      fall    = 1
    }
  }
}

# services.cf:114: lost: "look" is not an absolute path, and a document takes no other; the servers count as up without a check
#     checkcommand=look
virtual "near" {
  address   = "192.0.2.60"
  port      = 4006
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "news" {
  address   = "192.0.2.60"
  port      = 119
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    expect  = "2"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:148: lost: what the answer must contain is not looked at: the expression is none of RE2, which has no look-around and no back-references
#     receive="(a)\1"
virtual "odd-expression" {
  address   = "192.0.2.60"
  port      = 4009
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    every     = "5s"
    timeout   = "5s"
    rise      = 1
    fall      = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:57: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     database="portal"
# services.cf:58: lost: nothing is fetched: the check is that mysql answers; a check "script" can run its client
#     request="SELECT * FROM link"
virtual "orders" {
  address   = "192.0.2.60"
  port      = 3306
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "mysql" {
    user    = "reader"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12:3307"
    weight  = 1
  }
}

# services.cf:97: changed: the program is run anew for each check, by /usr/bin/perl
#     checktype=external-perl
# services.cf:98: changed: it is run as nobody: write user = "root" if it needs that
#     checkcommand=/usr/local/lib/look.pl
virtual "perl" {
  address   = "192.0.2.60"
  port      = 4004
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"
  check "script" {
    command = ["/bin/sh", "-c", "\"$@\" || exit 1", "ldirectord", "/usr/bin/perl", "/usr/local/lib/look.pl", "192.0.2.60", "4004", "%h", "%p"]
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "pinged" {
  address   = "192.0.2.60"
  port      = 4007
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "icmp" {
    every   = "5s"
    timeout = "1s"
    rise    = 1
    fall    = 8
    fast    = "1s"
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  sorry_server "sorry" {
    address = "127.0.0.1"
    forward = "local"
    weight  = 1
  }
}

# services.cf:27: changed: ldirectord would mail at none of the changes that there are while it runs, so no mail is sent
#     emailalertstatus=starting
virtual "pop" {
  address   = "192.0.2.60"
  port      = 110
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "pop3" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

virtual "pops" {
  address   = "192.0.2.60"
  port      = 995
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "all" {
    every   = "5s"
    timeout = "4s"
    rise    = 1
    fall    = 1
    check "tcp" {
      timeout = "2s"
    }
    check "send" {
      tls    = true
      verify = false
      expect = "+OK"
      every  = "15s"
      fast   = "5s"
    }
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:144: lost: it is not the whole address of a page, http://HOST/PATH; connections have to be taken
#     real=10.0.0.12:3128 masq 1 "no address", ""
virtual "proxy" {
  address   = "192.0.2.60"
  port      = 3128
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "send" {
    send    = "GET http://www.example.com/a?b HTTP/1.0\\r\\nHost: www.example.com\\r\\n\\r\\n"
    expect  = "~(?s)^HTTP/1\\.[01] [23].*?\\r?\\n\\r?\\n.*(?:Example)"
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "tcp" {
      every   = "5s"
      timeout = "5s"
      rise    = 1
      fall    = 1
    }
  }
}

# services.cf:109: hint: without a checkcommand ldirectord runs /bin/true; the servers count as up without a check
#     checktype=external
virtual "true" {
  address   = "192.0.2.60"
  port      = 4005
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:66: changed: there is no check that speaks oracle, so connections have to be taken; a check "script" can run the vendor's client
#     virtual=192.0.2.60:1521
# services.cf:69: lost: no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"
#     login="reader"
virtual "vendor" {
  address   = "192.0.2.60"
  port      = 1521
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "nat"
  check "tcp" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# services.cf:94: changed: ldirectord asks 10.0.0.99:81, whichever server that is; here the server itself is asked
#     real=10.0.0.12:4003 masq 1 "http://10.0.0.99:81/other", "fine"
virtual "web-by-udp" {
  address   = "192.0.2.60"
  port      = 4003
  protocol  = "udp"
  scheduler = "wrr"
  forward   = "nat"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    matches   = "fine\\n?$"
    port      = 4003
    every     = "5s"
    timeout   = "5s"
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
      path      = "/other"
      host      = "10.0.0.99"
      status    = "200-399"
      redirects = 7
      matches   = "fine"
      port      = 4003
      every     = "5s"
      timeout   = "5s"
      rise      = 1
      fall      = 1
    }
  }
}

# services.cf:4: hint: mail goes to the router's own mail server, localhost:25; smtp names another
#     emailalert="Operators <ops@example.com>, nobody at all"
notify "mail" {
  events   = ["server_down", "server_up"]
  virtuals = ["anything", "calls", "calls-tcp", "closed", "datagrams", "files", "imaps", "ldap", "ldaps", "ledger", "lines", "marked-program", "names-bare", "names-tcp", "near", "news", "odd-expression", "orders", "perl", "pinged", "pops", "proxy", "true", "vendor", "web-by-udp"]
  mail     = ["ops@example.com"]
  from     = "balancer@example.com"
  smtp     = "localhost:25"
  timeout  = "10s"
  limit    = 30
}

# services.cf:16: changed: another notify is called "mail" already, so this one is called "mail-2" here
#     emailalert=mailmen@example.com
# services.cf:16: hint: mail goes to the router's own mail server, localhost:25; smtp names another
#     emailalert=mailmen@example.com
notify "mail-2" {
  events   = ["server_down", "server_up"]
  virtuals = ["imap"]
  mail     = ["mailmen@example.com"]
  from     = "balancer@example.com"
  smtp     = "localhost:25"
  timeout  = "10s"
  limit    = 30
}
