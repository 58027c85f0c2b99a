# Imported from saved.txt (ipvsadm -S).

# saved.txt: hint: ipvsadm -S does not say the timeouts: if ipvsadm -L --timeout shows others than 900 120 300, write them into a timeouts block
cluster {
  standby = "warm"
}

# saved.txt:18: hint: the kernel's table has no checks: without one a server counts as up
#     -A -f 7 -s wrr
virtual "mark-7" {
  fwmark    = 7
  scheduler = "wrr"
  forward   = "dr"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.1.0.12" {
    address = "10.1.0.12:8080"
    forward = "nat"
    weight  = 1
  }
}

# saved.txt:21: hint: the kernel's table has no checks: without one a server counts as up
#     -A -f 7 -6 -s wrr
virtual "mark-7-ipv6" {
  fwmark    = 7
  scheduler = "wrr"
  forward   = "dr"

  server "2001-db8-9-12" {
    address = "2001:db8:9::12"
    weight  = 1
  }
}

# saved.txt:16: hint: the kernel's table has no checks: without one a server counts as up
#     -A --sctp-service 192.0.2.13:3868 -s rr
virtual "sctp-192.0.2.13-3868" {
  address   = "192.0.2.13"
  port      = 3868
  protocol  = "sctp"
  scheduler = "rr"
  forward   = "dr"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# saved.txt:4: hint: the kernel's table has no checks: without one a server counts as up
#     -A -t 192.0.2.10:443 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port
virtual "tcp-192.0.2.10-443" {
  address   = "192.0.2.10"
  port      = 443
  protocol  = "tcp"
  scheduler = "sh"
  flags     = ["fallback", "port"]
  forward   = "nat"
  persistent {
    timeout = "5m"
    netmask = "/24"
  }

  server "10.1.0.11" {
    address = "10.1.0.11:8443"
    weight  = 10
  }

  server "10.1.0.11-8444" {
    address = "10.1.0.11:8444"
    weight  = 10
    upper   = 100
    lower   = 50
  }
}

# saved.txt:1: hint: the kernel's table has no checks: without one a server counts as up
#     -A -t 192.0.2.10:80 -s wlc
virtual "tcp-192.0.2.10-80" {
  address   = "192.0.2.10"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  # saved.txt:3: hint: weight 0 takes no new connection; if a check or somebody's hand set it for a while, write what it should be
  #     -a -t 192.0.2.10:80 -r 10.0.0.12:80 -g -w 0
  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 0
  }
}

# saved.txt:12: hint: the kernel's table has no checks: without one a server counts as up
#     -A -t 192.0.2.11:0 -s rr -p 360
virtual "tcp-192.0.2.11-0" {
  address   = "192.0.2.11"
  port      = 0
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "dr"
  persistent {
    timeout = "6m"
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}

# saved.txt:23: hint: the kernel's table has no checks: without one a server counts as up
#     -A -t 192.0.2.14:80 -s rr
virtual "tcp-192.0.2.14-80" {
  address   = "192.0.2.14"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "tun"
  tunnel {
    type     = "gre"
    checksum = "csum"
  }

  server "10.0.0.15" {
    address = "10.0.0.15"
    weight  = 1
  }

  server "127.0.0.1" {
    address = "127.0.0.1"
    forward = "local"
    weight  = 1
  }

  server "2001-db8-9-15" {
    address = "2001:db8:9::15"
    weight  = 1
    tunnel {
      type     = "gue"
      port     = 6081
      checksum = "remcsum"
    }
  }
}

# saved.txt:10: hint: the kernel's table has no checks: without one a server counts as up
#     -A -t [2001:db8::10]:80 -s mh -p 600 -M 64 -b mh-port
virtual "tcp-2001-db8-10-80" {
  address   = "2001:db8::10"
  port      = 80
  protocol  = "tcp"
  scheduler = "mh"
  flags     = ["port"]
  forward   = "dr"
  persistent {
    timeout = "10m"
    netmask = "/64"
  }

  server "2001-db8-9-11" {
    address = "2001:db8:9::11"
    weight  = 65535
  }
}

# saved.txt:7: hint: the kernel's table has no checks: without one a server counts as up
#     -A -u 192.0.2.10:53 -s rr -o
virtual "udp-192.0.2.10-53" {
  address   = "192.0.2.10"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  flags     = ["ops"]
  forward   = "tun"

  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 1
  }

  server "10.0.0.14" {
    address = "10.0.0.14"
    weight  = 1
    tunnel {
      type     = "gue"
      port     = 6080
      checksum = "none"
    }
  }
}

# saved.txt:14: hint: the kernel's table has no checks: without one a server counts as up
#     -A -u 192.0.2.12:5060 -s rr -p 360 --pe sip
virtual "udp-192.0.2.12-5060" {
  address   = "192.0.2.12"
  port      = 5060
  protocol  = "udp"
  scheduler = "rr"
  forward   = "dr"
  persistent {
    timeout = "6m"
    engine  = "sip"
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }
}
