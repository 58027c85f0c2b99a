# Imported from virtual.cf (ldirectord.cf).
# virtual.cf:46: lost: the protocol of an address is tcp or udp; it is taken for tcp
#     protocol=fwm
# virtual.cf:63: lost: the virtual is left out with its 2 lines: "www.example.com" is a name; a document has addresses
#     virtual=www.example.com:80
# virtual.cf:66: lost: virtual "tcp-192.0.2.20-8080": 192.0.2.20 port 8080/tcp is served by virtual "Order-desk" too, so virtual "tcp-192.0.2.20-8080" is left out
#     virtual=192.0.2.20:8080
# virtual.cf:68: hint: virtual "tcp-192.0.2.20-8080": as in ldirectord the servers count as up without a check
#     checktype=on
# virtual.cf:69: lost: the virtual is left out with its 1 lines: "0" is not an address
#     virtual=0

cluster {
  standby = "warm"
}

# virtual.cf:4: changed: called "Order-desk" here: a name is 1 to 63 letters, digits, dots, underscores and dashes
#     virtual=192.0.2.20:8080
# virtual.cf:6: hint: a document has no place for it but a comment of your own
#     comment=ask the order desk before touching it
# virtual.cf:13: hint: with gate and ipip ldirectord too sends clients to the virtual's port, 8080
#     real=10.0.0.41:9090 gate
# virtual.cf:14: hint: the last one of its kind counts
#     scheduler=wlc
# virtual.cf:25: changed: checks have no file of their own: the log has every change, polso describe each server's last answer
#     monitorfile="/var/log/orders.checks"
# virtual.cf:27: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     cleanstop=no
# virtual.cf:30: hint: ldirectord counts pings by it, of which there are none
#     checkcount=2
# virtual.cf:31: hint: ldirectord reads it and does nothing with it
#     load="uptime"
virtual "Order-desk" {
  address      = "192.0.2.20"
  port         = 8080
  protocol     = "tcp"
  scheduler    = "mh"
  flags        = ["fallback", "port"]
  forward      = "nat"
  sorry_server = "10.0.0.9:8000"
  on_failure   = "quiesce"
  persistent {
    timeout = "10m"
    netmask = "/24"
  }
  check "tcp" {
    every   = "2s"
    timeout = "2s"
    rise    = 1
    fall    = 4
  }

  server "10.0.0.21" {
    address = "10.0.0.21:80"
    weight  = 10
  }

  server "10.0.0.21-81" {
    address = "10.0.0.21:81"
    weight  = 5
  }

  server "10.0.0.22" {
    address = "10.0.0.22"
    weight  = 1
    check "tcp" {
      port    = 80
      every   = "2s"
      timeout = "2s"
      rise    = 1
      fall    = 4
    }
  }

  server "10.0.0.23" {
    address = "10.0.0.23:80"
    weight  = 0
    upper   = 100
    lower   = 50
  }

  server "10.0.0.31" {
    address = "10.0.0.31:80"
    weight  = 2
  }

  server "10.0.0.32" {
    address = "10.0.0.32:80"
    weight  = 2
  }

  server "10.0.0.33" {
    address = "10.0.0.33:80"
    weight  = 2
  }

  server "10.0.0.40" {
    address = "10.0.0.40"
    forward = "tun"
    weight  = 1
  }

  server "10.0.0.41" {
    address = "10.0.0.41"
    forward = "dr"
    weight  = 1
    check "tcp" {
      port    = 9090
      every   = "2s"
      timeout = "2s"
      rise    = 1
      fall    = 4
    }
  }
}

# virtual.cf:73: lost: 1111h6m40s is not between 1s and 596h31m23s, so persistent (1111h6m40s) is left out
#     persistent=4000000
# virtual.cf:74: lost: every client counts for itself: "255.0.255.0" is not a netmask of one bit or more
#     netmask=255.0.255.0
# virtual.cf:76: hint: as in ldirectord the servers count as up without a check
#     checktype=on
virtual "forever" {
  address   = "192.0.2.21"
  port      = 80
  protocol  = "tcp"
  scheduler = "wrr"
  forward   = "dr"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# virtual.cf:60: hint: as in ldirectord, which has no service to negotiate with, the servers count as up without a check
#     virtual=192.0.2.20:9001
virtual "sctp-192.0.2.20-9001" {
  address   = "192.0.2.20"
  port      = 9001
  protocol  = "sctp"
  scheduler = "wrr"
  forward   = "dr"

  server "10.0.0.71" {
    address = "10.0.0.71"
    weight  = 1
  }
}

# virtual.cf:42: hint: ldirectord heeds it with udp alone
#     ops=yes
# virtual.cf:43: lost: scheduler flag "flag-9" is not known
#     schedflags=flag-1,flag-9
# virtual.cf:44: lost: scheduler "cleverest" is not known; it is wrr, as ldirectord has it by default
#     scheduler=cleverest
# virtual.cf:45: lost: it is not a number above zero
#     persistent=0
# virtual.cf:47: lost: it is neither yes nor no, and is taken for no
#     quiescent=maybe
# virtual.cf:48: lost: the server is left out: "heavy" is not understood
#     real=10.0.0.61 gate heavy
# virtual.cf:49: lost: the server is left out: the forwarding method is "bridge", not gate, masq or ipip
#     real=10.0.0.62 bridge
# virtual.cf:50: lost: the server is left out: it has no forwarding method: gate, masq or ipip
#     real=10.0.0.63
# virtual.cf:51: lost: the server is left out: weight 70000 is above 65535
#     real=10.0.0.64 gate 70000
# virtual.cf:52: lost: the server is left out: the range ends before it begins
#     real=10.0.0.9->10.0.0.3 gate
# virtual.cf:53: lost: the server is left out: the range has more than 1024 addresses
#     real=10.0.0.0->10.9.0.0 gate
# virtual.cf:54: lost: the server is left out: "web1.example.com" is a name; a document has addresses
#     real=web1.example.com:9000 gate
# virtual.cf:55: lost: the server is left out: "nowhere" is not a port
#     real=10.0.0.65:nowhere gate
# virtual.cf:57: lost: the fallback is left out: "backup.example.com" is a name; a document has addresses
#     fallback=backup.example.com
# virtual.cf:59: lost: ldirectord knows no such line here
#     colour=green
virtual "tcp-192.0.2.20-9000" {
  address   = "192.0.2.20"
  port      = 9000
  protocol  = "tcp"
  scheduler = "wrr"
  flags     = ["flag-1"]
  forward   = "dr"
  check "tcp" {
    every   = "5s"
    timeout = "5s"
    rise    = 1
    fall    = 1
  }

  server "127.0.0.1" {
    address = "127.0.0.1"
    forward = "local"
    weight  = 1
  }
}

# virtual.cf:36: hint: it means nothing without persistent
#     netmask=255.255.0.0
# virtual.cf:39: changed: virtual "udp-192.0.2.20-5353" server "10.0.0.51-2": another server is called "10.0.0.51" already, so this one is called "10.0.0.51-2" here
#     real=10.0.0.51 gate
# virtual.cf:39: lost: virtual "udp-192.0.2.20-5353" server "10.0.0.51-2": 10.0.0.51:5353 is the address of server "10.0.0.51" too, so server "10.0.0.51-2" is left out
#     real=10.0.0.51 gate
# virtual.cf:40: hint: as in ldirectord the servers count as up without a check
#     checktype=on
virtual "udp-192.0.2.20-5353" {
  address   = "192.0.2.20"
  port      = 5353
  protocol  = "udp"
  scheduler = "rr"
  flags     = ["ops"]
  forward   = "dr"

  server "10.0.0.51" {
    address = "10.0.0.51"
    weight  = 1
  }
}

# virtual.cf:29: changed: it is run as nobody, and without an environment but POLSO_…: write user = "root" if it needs that
#     fallbackcommand="/usr/local/sbin/page"
notify "fallback" {
  events   = ["virtual_down", "virtual_up"]
  virtuals = ["Order-desk"]
  command  = ["/bin/sh", "-c", "set -- $POLSO_ADDRESS; case $POLSO_EVENT in virtual_down) /usr/local/sbin/page start $2 $1;; *) /usr/local/sbin/page stop $2 $1;; esac"]
  timeout  = "10s"
  limit    = 30
}

# virtual.cf:26: changed: a mail needs a sender, and none is written: it is from orders@example.com
#     emailalert="orders@example.com"
notify "mail" {
  events   = ["server_down", "server_up"]
  virtuals = ["Order-desk"]
  mail     = ["orders@example.com"]
  from     = "orders@example.com"
  smtp     = "mail.example.com:25"
  timeout  = "10s"
  limit    = 30
}
