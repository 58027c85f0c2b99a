# Imported from carried.conf (keepalived.conf).
# carried.conf:43: lost: a router_check cannot be turned round: let a command of its own fail when this one succeeds
#     vrrp_script backwards {
# carried.conf:48: hint: no vrrp_instance tracks it; keepalived does not ask either
#     vrrp_script nobody_tracks {
# carried.conf:52: lost: router_check "empty": it has no script
#     vrrp_script empty {
# carried.conf:56: lost: another vrrp_script is called "uplink"
#     vrrp_script uplink {
# carried.conf:73: lost: router_check "daemon": Polso watches no processes; a router_check with a command, pgrep say, can look for it
#     vrrp_track_process daemon {

# carried.conf:4: hint: an address is written without a name
#     The night <night@example.net>
# carried.conf:6: hint: ops@example.net gets it already
#     ops@example.net
# carried.conf:7: lost: "operator" is not a mail address with a domain
#     operator
# carried.conf:12: hint: a mail is sent as the router's own host name says
#     smtp_helo_name lb1.example.net
# carried.conf:79: hint: a router whose device is called otherwise maps it: --interface eth0=DEVICE
#     interface eth0
# carried.conf:80: hint: cluster { prefer } says who should direct, and failback whether the addresses go back to it
#     priority 150
# carried.conf:87: lost: nothing above is called "missing" that could be tracked
#     missing
# carried.conf:95: hint: a link that carries an address counts by itself
#     eth0
# carried.conf:98: lost: "bond:1" is no interface
#     bond:1
# carried.conf:99: lost: its weight is not a number from -254 to 254
#     eth3 weight much
# carried.conf:101: lost: a number in a file moved the priority; a router_check asks whether a file is there, or holds a text, and polso drain router takes one out
#     track_file {
# carried.conf:107: hint: inactive is told for it too, and runs the same
#     notify_fault /usr/local/bin/now backup
# carried.conf:108: lost: inactive is told for whatever reason a router directs no more, and runs what notify_backup names
#     notify_stop /usr/local/bin/now stop no such user
# carried.conf:109: lost: Polso tells nothing of it; see what a notify block can tell of
#     notify_deleted /usr/local/bin/now deleted
# carried.conf:116: hint: a router whose device is called otherwise maps it: --interface eth1=DEVICE
#     interface eth1
# carried.conf:121: lost: it names no program
#     notify_fault
# carried.conf:122: hint: all addresses move together, so that a mail tells of it if another instance, or smtp_alert_vrrp, wants that
#     smtp_alert off
cluster {
  standby = "warm"
}

vip "inside" {
  address   = "10.0.0.1/24"
  interface = "eth1"
}

# carried.conf:243: changed: it has to be less than the quorum: 0, as keepalived has it
#     hysteresis 4
# carried.conf:249: changed: asked every 10s after a failure too, not every 20s: a server that fails is out within 20s instead of 30s
#     delay_before_retry 20
virtual "192.0.2.10-25" {
  address   = "192.0.2.10"
  interface = "eth0"
  port      = 25
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  check "all" {
    every   = "10s"
    timeout = "3s"
    rise    = 1
    fall    = 2
    check "smtp" {
    }
    check "smtp" {
      port = 587
    }
  }

  server "10.0.0.21" {
    address = "10.0.0.21"
    weight  = 3
  }
}

virtual "192.0.2.10-443" {
  address    = "192.0.2.10"
  interface  = "eth0"
  port       = 443
  protocol   = "tcp"
  scheduler  = "wlc"
  forward    = "dr"
  hysteresis = 1

  # carried.conf:191: hint: Polso asks by HTTP/1.1
  #     http_protocol 1.0
  # carried.conf:201: changed: the page is searched from its beginning, 64 KiB of it
  #     regex_min_offset 10
  # carried.conf:205: lost: an expression that RE2 does not have, which knows no look-around and no back-references; contains asks for a plain text
  #     regex x(?=y)
  # carried.conf:206: hint: about how an expression is looked for
  #     regex_stack 1 2
  # carried.conf:210: lost: left out, since one of its regex_options has no counterpart
  #     regex a b
  # carried.conf:211: hint: an expression of a check has no option "extended"
  #     regex_options extended
  # carried.conf:218: lost: it has no path that begins with / and is of visible characters (also line 221)
  #     url {
  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
    check "all" {
      every   = "10s"
      timeout = "3s"
      rise    = 1
      fall    = 2
      fast    = "3s"
      check "http" {
        path        = "/a"
        status      = "200-299"
        version     = "1.1"
        matches     = "(?i)ok\\n?$"
        tls         = true
        verify      = false
        client_cert = "/etc/keepalived/lb.pem"
        client_key  = "/etc/keepalived/lb.key"
      }
      check "http" {
        path        = "/b"
        status      = "200-299"
        version     = "1.1"
        matches     = "(?m)^ready$"
        tls         = true
        verify      = false
        client_cert = "/etc/keepalived/lb.pem"
        client_key  = "/etc/keepalived/lb.key"
      }
      check "http" {
        path        = "/c"
        status      = "200-299"
        version     = "1.1"
        tls         = true
        verify      = false
        client_cert = "/etc/keepalived/lb.pem"
        client_key  = "/etc/keepalived/lb.key"
      }
      check "http" {
        path        = "/d"
        status      = "200-299"
        version     = "1.1"
        tls         = true
        verify      = false
        client_cert = "/etc/keepalived/lb.pem"
        client_key  = "/etc/keepalived/lb.key"
      }
      check "http" {
        path        = "/e"
        status      = "200-299"
        version     = "1.1"
        matches     = "end$"
        tls         = true
        verify      = false
        client_cert = "/etc/keepalived/lb.pem"
        client_key  = "/etc/keepalived/lb.key"
      }
    }
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
    check "all" {
      every   = "10s"
      timeout = "5s"
      rise    = 1
      fall    = 1
      check "tcp" {
      }
      check "tcp" {
        port = 444
      }
    }
  }
}

virtual "192.0.2.10-53-udp" {
  address   = "192.0.2.10"
  interface = "eth0"
  port      = 53
  protocol  = "udp"
  scheduler = "wlc"
  forward   = "dr"

  # carried.conf:268: lost: "no name" is no name of the DNS; a check asks for "."
  #     name no name
  # carried.conf:269: lost: no type of record is called "LOC"; a check asks for SOA
  #     type LOC
  server "10.0.0.31" {
    address = "10.0.0.31"
    weight  = 1
    check "dns" {
      query   = "."
      type    = "SOA"
      every   = "1m"
      timeout = "2s"
      rise    = 1
      fall    = 4
    }
  }

  # carried.conf:282: changed: an answer is compared up to the first x (also line 292)
  #     require_reply 7e00x1
  # carried.conf:286: lost: not bytes in hexadecimal, or more than 256
  #     payload zz
  # carried.conf:293: changed: an answer may be of any length
  #     max_reply_length 20
  # carried.conf:298: lost: not bytes in hexadecimal, or more than 256; any answer will do
  #     require_reply not hex
  server "10.0.0.32" {
    address = "10.0.0.32"
    weight  = 1
    check "all" {
      every   = "1m"
      timeout = "2s"
      rise    = 1
      fall    = 4
      check "dns" {
        query = "www.example.net"
        type  = "A"
      }
      check "udp" {
        send   = "\\x7e\\x00\\x01"
        expect = "\\x7e\\x00"
        fall   = 2
        fast   = "1s"
      }
      check "udp" {
        send   = "\\n"
        expect = "\\x7e\\x01"
        fall   = 2
        fast   = "1s"
      }
      check "udp" {
        send   = "\\x00"
        expect = "*"
        fall   = 2
        fast   = "1s"
      }
      check "udp" {
        send   = "\\x00"
        expect = "*"
        fall   = 2
        fast   = "1s"
      }
      check "script" {
        expect  = "~.*"
        user    = "probe"
        command = ["/bin/true"]
        timeout = "1s"
        fall    = 1
      }
    }
  }
}

# carried.conf:136: changed: it has to be less than the quorum: 2, as keepalived has it
#     hysteresis 3
# carried.conf:144: hint: asked again 4s after a failure, since that is how long an answer may take; keepalived begins to wait 3s when it has failed (also line 154)
#     MISC_CHECK {
virtual "192.0.2.10-80" {
  address    = "192.0.2.10"
  interface  = "eth0"
  port       = 80
  protocol   = "tcp"
  scheduler  = "wlc"
  forward    = "nat"
  hysteresis = 3
  check "script" {
    user    = "probe"
    command = ["/usr/local/bin/ask", "%h", "80"]
    every   = "10s"
    timeout = "4s"
    rise    = 1
    fall    = 3
    fast    = "4s"
    initial = "down"
  }

  server "10.0.0.11" {
    address = "10.0.0.11:8080"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12:8080"
    weight  = 1
  }

  # carried.conf:164: changed: a mail tells of all servers of a virtual, or of none
  #     smtp_alert off
  # carried.conf:165: hint: asked again 4s after a failure, since that is how long an answer may take; keepalived begins to wait 3s when it has failed
  #     MISC_CHECK {
  # carried.conf:166: changed: a shell runs it, for the sake of its special characters
  #     misc_path ask 10.0.0.13 || exit 1
  # carried.conf:167: hint: a script has misc_timeout
  #     connect_timeout 3
  server "10.0.0.13" {
    address = "10.0.0.13:8080"
    weight  = 1
    check "script" {
      expect  = "~.*"
      user    = "tester"
      command = ["/bin/sh", "-c", "ask 10.0.0.13 || exit 1"]
      every   = "10s"
      timeout = "4s"
      rise    = 1
      fall    = 3
      fast    = "4s"
      initial = "down"
    }
  }

  # carried.conf:174: lost: it has no misc_path; a tcp connect stands in
  #     MISC_CHECK {
  server "10.0.0.14" {
    address = "10.0.0.14:8080"
    weight  = 1
    check "tcp" {
      every   = "10s"
      timeout = "2s"
      rise    = 1
      fall    = 3
      fast    = "3s"
    }
  }
}

# carried.conf:138: changed: a shell runs it, for the sake of its special characters; the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened
#     quorum_down quorum down; sync root
notify "192.0.2.10-80-down" {
  events   = ["virtual_down"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "quorum down; sync"]
  user     = "root"
  timeout  = "10s"
  limit    = 30
}

# carried.conf:143: changed: the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened; a shell tells the servers apart (also line 153)
#     notify_down /usr/local/bin/server 10.0.0.11 'it is' down
notify "192.0.2.10-80-server-down" {
  events   = ["server_down"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "case $POLSO_SERVER in 10.0.0.11) exec /usr/local/bin/server 10.0.0.11 'it is' down;; 10.0.0.12) exec /usr/local/bin/server 10.0.0.12 'it is' down;; esac"]
  user     = "probe"
  timeout  = "10s"
  limit    = 30
}

# carried.conf:163: changed: the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened; a shell tells the servers apart
#     notify_down /usr/local/bin/server 10.0.0.13 'it is' down root
notify "192.0.2.10-80-server-down-2" {
  events   = ["server_down"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/bin/sh", "-c", "case $POLSO_SERVER in 10.0.0.13) exec /usr/local/bin/server 10.0.0.13 'it is' down;; esac"]
  user     = "root"
  timeout  = "10s"
  limit    = 30
}

# carried.conf:142: changed: the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened (also line 152, 162, 173)
#     notify_up /usr/local/bin/server up
notify "192.0.2.10-80-server-up" {
  events   = ["server_up"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/usr/local/bin/server", "up"]
  user     = "probe"
  timeout  = "10s"
  limit    = 30
}

# carried.conf:137: changed: the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened
#     quorum_up /usr/local/bin/quorum up
notify "192.0.2.10-80-up" {
  events   = ["virtual_up"]
  virtuals = ["192.0.2.10-80"]
  command  = ["/usr/local/bin/quorum", "up"]
  user     = "probe"
  timeout  = "10s"
  limit    = 30
}

# carried.conf:3: changed: no sender is named: it is polso@localhost, which a mail server may refuse
#     notification_email {
notify "mail" {
  events  = ["active", "inactive"]
  mail    = ["night@example.net", "ops@example.net"]
  from    = "polso@localhost"
  smtp    = "192.0.2.25:587"
  timeout = "1s"
  limit   = 30
}

# carried.conf:3: changed: no sender is named: it is polso@localhost, which a mail server may refuse
#     notification_email {
notify "mail-more" {
  events   = ["server_down", "server_up", "virtual_down", "virtual_up"]
  virtuals = ["192.0.2.10-80"]
  mail     = ["night@example.net", "ops@example.net"]
  from     = "polso@localhost"
  smtp     = "192.0.2.25:587"
  timeout  = "1s"
  limit    = 30
}

# carried.conf:120: hint: notify "outside-active" does it already
#     notify_master /usr/local/bin/now master
notify "outside-active" {
  events  = ["active"]
  command = ["/usr/local/bin/now", "master"]
  user    = "probe"
  timeout = "10s"
  limit   = 30
}

notify "outside-inactive" {
  events  = ["inactive"]
  command = ["/usr/local/bin/now", "backup"]
  user    = "probe"
  timeout = "10s"
  limit   = 30
}

# carried.conf:104: changed: runs with MASTER when the router directs, and with BACKUP when it does no more; FAULT and STOP are not told apart
#     notify /usr/local/bin/state 'of all' root
notify "outside-notify-active" {
  events  = ["active"]
  command = ["/usr/local/bin/state", "of all", "INSTANCE", "outside", "MASTER", "150"]
  user    = "root"
  timeout = "10s"
  limit   = 30
}

# carried.conf:104: changed: runs with MASTER when the router directs, and with BACKUP when it does no more; FAULT and STOP are not told apart
#     notify /usr/local/bin/state 'of all' root
notify "outside-notify-inactive" {
  events  = ["inactive"]
  command = ["/usr/local/bin/state", "of all", "INSTANCE", "outside", "BACKUP", "150"]
  user    = "root"
  timeout = "10s"
  limit   = 30
}

router_check "eth1" {
  interface = "eth1"
  every     = "1s"
  timeout   = "1s"
  rise      = 1
  fall      = 1
}

# carried.conf:97: hint: of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here 40
#     eth2 weight -40
router_check "eth2" {
  interface = "eth2"
  every     = "1s"
  timeout   = "1s"
  rise      = 1
  fall      = 1
  penalty   = 40
}

# carried.conf:33: changed: a command is named by its absolute path; env looks for it along PATH
#     script ping -c 1 192.0.2.254
router_check "gateway" {
  command = ["/usr/bin/env", "ping", "-c", "1", "192.0.2.254"]
  user    = "probe"
  every   = "500ms"
  timeout = "250ms"
  rise    = 1
  fall    = 1
}

# carried.conf:21: hint: of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here 10
#     vrrp_script haproxy {
# carried.conf:22: changed: pgrep looks for the process, which every user may
#     script killall -0 haproxy
# carried.conf:24: changed: timeout 2s instead of 5s: it goes from 0.01s to what every says
#     timeout 5
# carried.conf:28: changed: a router_check counts as passing until fall has decided
#     init_fail
router_check "haproxy" {
  command = ["/usr/bin/pgrep", "-x", "haproxy"]
  user    = "root"
  every   = "2s"
  timeout = "2s"
  rise    = 2
  fall    = 3
  penalty = 10
}

# carried.conf:68: changed: asked every second, by pgrep
#     process a_program_of_a_long_name
router_check "proxy" {
  command = ["/usr/bin/pgrep", "-x", "a_program_of_a_"]
  every   = "1s"
  timeout = "1s"
  rise    = 2
  fall    = 3
}

# carried.conf:38: changed: tracked with several weights; all addresses move together, and the strongest counts
#     vrrp_script uplink {
# carried.conf:39: changed: a shell runs it, for the sake of its special characters
#     script /usr/bin/test -e /run/uplink && echo up
router_check "uplink" {
  command = ["/bin/sh", "-c", "/usr/bin/test -e /run/uplink && echo up"]
  user    = "probe"
  every   = "1s"
  timeout = "1s"
  rise    = 1
  fall    = 1
}

# carried.conf:60: hint: of routers that are fit the one with the smallest sum of penalties directs, whatever its priority was: here 30
#     vrrp_track_process web {
# carried.conf:61: changed: asked every second, by pgrep
#     process nginx
router_check "web" {
  command = ["/bin/sh", "-c", "test \"$(/usr/bin/pgrep -c -x nginx)\" -ge 2"]
  every   = "1s"
  timeout = "1s"
  rise    = 3
  fall    = 3
  penalty = 30
}
