# Imported from nat.cf (lvs.cf).
# nat.cf:88: lost: failover "www": Polso balances, it runs no services on the routers
#     failover www {

# nat.cf:2: hint: revisions are counted by the cluster: polso history
#     serial_no = 12
# nat.cf:3: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 198.51.100.1
#     primary = 198.51.100.1
# nat.cf:4: hint: the second path is the router's own: --advertise 10.20.0.1 besides its first address
#     primary_private = 10.20.0.1
# nat.cf:5: lost: shared SCSI disks belong to failover services, which are not what Polso does
#     primary_shared = /dev/sdb
# nat.cf:7: hint: routers share the document by themselves, over TLS
#     rsh_command = rsh
# nat.cf:8: hint: it is there again at line 9, which counts
#     backup_active = 0
# nat.cf:10: hint: the other router joins by itself: polso join; a third one or a witness makes a majority
#     backup = 198.51.100.2
# nat.cf:11: hint: the second path is the router's own: --advertise 10.20.0.2 besides its first address
#     backup_private = 10.20.0.2
# nat.cf:12: lost: shared SCSI disks belong to failover services, which are not what Polso does
#     backup_shared = /dev/sdb
# nat.cf:13: hint: Piranha read it and did nothing with it
#     heartbeat = 1
# nat.cf:14: hint: routers speak over one TCP port, 5390 unless said otherwise: polso agent --listen
#     heartbeat_port = 1050
# nat.cf:15: hint: the profile says how often routers hear of each other
#     keepalive = 6
# nat.cf:16: hint: silence of 18 s made a takeover; the profile nearest to that is wan: polso init --profile wan (lan, of 0.4 s, is what routers on one switch take)
#     deadtime = 18
# nat.cf:20: lost: shared SCSI disks belong to failover services, which are not what Polso does
#     reservation_conflict_action = preempt
# nat.cf:21: hint: Piranha read it and did nothing with it
#     debug_level = NONE
# nat.cf:24: hint: a router whose links are down never directs while there is a fit one
#     monitor_links = 1
# nat.cf:31: hint: checks are part of the agent: there is no nanny that could die
#     hard_shutdown = 1
# nat.cf:32: hint: Piranha read it and did nothing with it
#     sync = 0
# nat.cf:33: hint: the kernel is programmed directly
#     ipvsadm = /sbin/ipvsadm
cluster {
  standby = "warm"
  sync_daemon {
    interface = "eth1"
    id        = 7
  }
  timeouts {
    tcp = "15m"
    udp = "1m4s"
  }
}

# nat.cf:18: hint: eth1 is a name that each router gives to a device of its own: polso agent --interface eth1=eth1, or node.hcl
#     nat_router = 10.30.0.254 eth1:1
vip "nat_router" {
  address   = "10.30.0.254/24"
  interface = "eth1"
}

vip "shop" {
  address   = "198.51.100.10/24"
  interface = "eth0"
}

# nat.cf:79: hint: it is not active, so Piranha skipped it
#     virtual old {
# nat.cf:82: hint: nanny read no answer without an expect: that the server takes a connection is all there is to check
#     send = "\n"
virtual "old" {
  active    = false
  address   = "198.51.100.11"
  interface = "eth0"
  port      = 21
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "nat"
  check "tcp" {
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  server "one" {
    address = "10.30.0.11"
    weight  = 1
  }
}

# nat.cf:34: hint: nanny gave a server that came up a 32nd of its weight, 1 at least, and doubled that every 20 s or so: slow_start
#     virtual shop {
# nat.cf:36: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 198.51.100.10 eth0:1
# nat.cf:38: changed: the port's number is 80
#     port = http
# nat.cf:61: lost: server "three" is not active, so Piranha left it out: address 10.30.0.13, weight 5
#     server three {
virtual "shop" {
  address    = "198.51.100.10"
  port       = 80
  protocol   = "tcp"
  scheduler  = "wrr"
  forward    = "nat"
  on_failure = "quiesce"
  slow_start = "1m12s"
  slow_curve = "doubling"
  persistent {
    timeout = "1m"
    netmask = "/24"
  }
  check "http" {
    path    = "/alive"
    status  = "200"
    every   = "6s"
    timeout = "6s"
    rise    = 2
    fall    = 1
  }

  server "one" {
    address = "10.30.0.11:8080"
    weight  = 10
  }

  # nat.cf:59: hint: Piranha made 1 of weight 0; here it takes no new connection
  #     weight = 0
  server "two" {
    address = "10.30.0.12"
    weight  = 0
  }
}

# nat.cf:68: hint: 198.51.100.10 is on "eth0" with mask /24 where it stands first, which is what Piranha brought up; not on "eth0" with /25
#     address = 198.51.100.10 eth0:2
# nat.cf:72: lost: weights follow the load where each server says it itself: let it answer "load:$(cut -d' ' -f1 /proc/loadavg)" on a port, and write a check "agent" beside this one, in a check "all"
#     load_monitor = uptime
virtual "shop-secure" {
  address      = "198.51.100.10"
  port         = 443
  protocol     = "tcp"
  scheduler    = "wlc"
  forward      = "nat"
  sorry_server = "10.30.0.99"
  slow_start   = "1m40s"
  slow_curve   = "doubling"
  check "tcp" {
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  # nat.cf:76: changed: a weight is 0 to 65535, so it is 65535 here
  #     weight = 70000
  server "one" {
    address = "10.30.0.11"
    weight  = 65535
  }
}

# nat.cf:22: changed: it is run as nobody, and without an environment but POLSO_…: write user = "root" if it needs that
#     active_cmd = /usr/local/sbin/up
notify "active_cmd" {
  events  = ["active"]
  command = ["/usr/local/sbin/up"]
  timeout = "10s"
  limit   = 30
}

# nat.cf:23: changed: it is run as nobody, and without an environment but POLSO_…: write user = "root" if it needs that
#     inactive_cmd = "/usr/local/sbin/down now"
# nat.cf:23: hint: pulse ran it when it started too; here it is run when a router that directed does so no more
#     inactive_cmd = "/usr/local/sbin/down now"
notify "inactive_cmd" {
  events  = ["inactive"]
  command = ["/usr/local/sbin/down", "now"]
  timeout = "10s"
  limit   = 30
}
