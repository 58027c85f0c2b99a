# Imported from odd.cf (ldirectord.cf).
# odd.cf:2: changed: ldirectord takes it for 5
#     checkinterval = every 5 seconds
# odd.cf:3: lost: it is not a number above zero
#     checktimeout = 0
# odd.cf:4: lost: it is not a number above zero
#     negotiatetimeout = soon
# odd.cf:16: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     autoreload = yes

cluster {
  standby = "warm"
}

# odd.cf:8: hint: ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks
#     real = 10.0.0.12:80 gate
# odd.cf:9: hint: ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks
#     scheduler = rr
# odd.cf:10: hint: ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks
#     request = "/shop
# odd.cf:13: hint: ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks
#     just words
# odd.cf:13: lost: ldirectord knows no such line here
#     just words
# odd.cf:15: hint: ldirectord refuses a file whose virtual has an empty line within, or a line indented by less than four blanks
#     autoreload = no
# odd.cf:15: hint: no longer needed: a document is applied, and the agent makes the kernel follow
#     autoreload = no
virtual "tcp-192.0.2.40-80" {
  address   = "192.0.2.40"
  port      = 80
  protocol  = "tcp"
  scheduler = "rr"
  forward   = "dr"
  check "http" {
    path      = "/shop"
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

  server "10.0.0.12" {
    address = "10.0.0.12"
    weight  = 1
  }
}
