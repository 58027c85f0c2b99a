# Imported from global.cf (ldirectord.cf).
# global.cf:6: hint: ldirectord counts pings by it, of which there are none
#     checkcount = 3
# global.cf:8: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     autoreload = yes
# global.cf:9: lost: nothing is run after a change, and every router has the document anyway; a notify block with events = ["revision"] runs a program
#     callback = "/usr/local/sbin/copy-to-peer"
# global.cf:13: hint: no longer needed: the agent logs to its standard error, which the journal keeps
#     logfile = "/var/log/balancer.log"
# global.cf:16: changed: a mail is not repeated while a server stays down
#     emailalertfreq = 600
# global.cf:17: hint: mails are of what happens while the cluster runs; of a start or a stop none is sent
#     emailalertstatus = starting,running
# global.cf:19: lost: another configuration: name both files, and one document has both
#     execute = "other.cf"
# global.cf:20: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     supervised
# global.cf:23: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     readdquiescent = no
# global.cf:24: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     cleanstop = no
# global.cf:25: changed: no file takes a server out: polso drain server and polso disable server do, with a reason and an end
#     maintenancedir = /etc/balancer/maintenance
# global.cf:26: lost: ldirectord refuses it: its successors are checktimeout and negotiatetimeout
#     connecttimeout = 3
# global.cf:27: lost: ldirectord knows no such line here
#     colour = green
# global.cf:28: lost: it stands in no virtual
#     service = http

cluster {
  standby = "warm"
}

virtual "tcp-192.0.2.10-80" {
  address      = "192.0.2.10"
  port         = 80
  protocol     = "tcp"
  scheduler    = "wrr"
  forward      = "dr"
  sorry_server = "10.0.0.99"
  on_failure   = "quiesce"
  check "http" {
    path      = "/"
    status    = "200-399"
    redirects = 7
    every     = "20s"
    timeout   = "8s"
    rise      = 1
    fall      = 2
  }

  server "10.0.0.11" {
    address = "10.0.0.11"
    weight  = 1
  }

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 3
  }
}

# global.cf:38: hint: ldirectord heeds it with fork=yes alone; the interval is 20 seconds
#     checkinterval = 5
virtual "tcp-2001-db8-10-80" {
  address      = "2001:db8::10"
  port         = 80
  protocol     = "tcp"
  scheduler    = "wrr"
  forward      = "dr"
  sorry_server = "2001:db8:9::99"
  check "tcp" {
    every   = "20s"
    timeout = "4s"
    rise    = 1
    fall    = 2
  }

  server "2001-db8-9-11" {
    address = "2001:db8:9::11"
    weight  = 1
  }
}

# global.cf:12: changed: it is run as nobody, and without an environment but POLSO_…: write user = "root" if it needs that
#     fallbackcommand = "/usr/local/sbin/page-somebody"
notify "fallback" {
  events  = ["virtual_down", "virtual_up"]
  command = ["/bin/sh", "-c", "set -- $POLSO_ADDRESS; case $POLSO_EVENT in virtual_down) /usr/local/sbin/page-somebody start $2 $1;; *) /usr/local/sbin/page-somebody stop $2 $1;; esac"]
  timeout = "10s"
  limit   = 30
}

notify "mail" {
  events  = ["server_down", "server_up"]
  mail    = ["ops@example.com", "night@example.com"]
  from    = "balancer@example.com"
  smtp    = "mail.example.com:25"
  timeout = "10s"
  limit   = 30
}
