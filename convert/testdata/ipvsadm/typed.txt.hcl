# Imported from typed.txt (ipvsadm -S).
# typed.txt:2: hint: not needed: applying a document replaces the one before
#     ipvsadm -C

cluster {
  standby = "warm"
  sync_daemon {
    interface = "eth1"
    id        = 3
  }
  timeouts {
    tcp = "10m"
    udp = "2m"
  }
}

# typed.txt:7: hint: the kernel's table has no checks: without one a server counts as up
#     ipvsadm --add-service --fwmark-service=9 --scheduler rr --persistent --sched-flags flag-1
virtual "mark-9" {
  fwmark    = 9
  scheduler = "rr"
  flags     = ["flag-1"]
  forward   = "tun"
  persistent {
    timeout = "5m"
  }

  server "10.0.0.13" {
    address = "10.0.0.13"
    weight  = 2
  }
}

# typed.txt:4: hint: the kernel's table has no checks: without one a server counts as up
#     /sbin/ipvsadm -At 192.0.2.10:80
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

  server "10.0.0.12" {
    address = "10.0.0.12:8080"
    forward = "nat"
    weight  = 3
  }
}

# typed.txt:9: hint: a netmask means nothing without -p
#     ipvsadm -A -u 192.0.2.10:53 -s rr -M 255.255.0.0
# typed.txt:9: hint: the kernel's table has no checks: without one a server counts as up
#     ipvsadm -A -u 192.0.2.10:53 -s rr -M 255.255.0.0
virtual "udp-192.0.2.10-53" {
  address   = "192.0.2.10"
  port      = 53
  protocol  = "udp"
  scheduler = "rr"
  forward   = "dr"

  server "10.0.0.14" {
    address = "10.0.0.14"
    weight  = 1
  }
}
