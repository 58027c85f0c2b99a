# Imported from superset.cf (lvs.cf).
# superset.cf:1: hint: Piranha itself refuses the file for an = without blanks around it
#     service=lvs
# superset.cf:2: hint: Piranha itself refuses the file for the comment behind the value
#     primary = 192.0.2.1   # the first
# superset.cf:3: hint: Piranha itself refuses the file for an = without blanks around it
#     network =direct
# superset.cf:7: lost: it is no directive: there is no = in it
#     no directive at all
# superset.cf:9: hint: Piranha itself refuses the file for a { on a line of its own
#     {
# superset.cf:18: hint: Piranha itself refuses the file for a { without a blank before it
#     server a{
# superset.cf:27: hint: Piranha itself refuses the file for two things on a line
#     server c { address = 192.0.2.63
# superset.cf:28: hint: Piranha itself refuses the file for two things on a line
#     active = 1 }
# superset.cf:29: hint: Piranha itself refuses the file for a } that is missing before this line
#     virtual my_web {
# superset.cf:40: hint: a } that closes nothing
#     }
# superset.cf:41: lost: a server outside of a virtual
#     server lonely {

# superset.cf:2: hint: a document knows routers by name: write prefer = ["NAME"] with the name of the router at 192.0.2.1
#     primary = 192.0.2.1   # the first
# superset.cf:4: lost: "soon" is not a whole number
#     keepalive = soon
# superset.cf:5: lost: the web tool wrote it, and the daemons refuse it
#     heartbeat_lan = 1
# superset.cf:6: lost: mode is no directive of Piranha
#     mode = 1
cluster {
  standby = "warm"
}

# superset.cf:8: changed: called "my-web" here: a name is 1 to 63 letters, digits, dots, underscores and dashes
#     virtual "my web"
# superset.cf:11: hint: Piranha itself refuses the file for the device that is missing; here each router takes the link that has the subnet
#     address = 192.0.2.50
# superset.cf:12: lost: "255.255.0.255" is not a netmask
#     vip_nmask = 255.255.0.255
# superset.cf:13: hint: Piranha itself refuses the file for the capital letters
#     protocol = TCP
# superset.cf:14: hint: Piranha itself refuses the file for the capital letters
#     scheduler = WLC
# superset.cf:17: lost: the web tool wrote it, and the daemons refuse it
#     retry = 3
# superset.cf:24: lost: virtual "my-web" server "b": "web2.example.org" is not an IPv4 address, and names are not looked up
#     address = web2.example.org
# superset.cf:24: lost: virtual "my-web" server "b": a server needs an address, so server "b" is left out
#     address = web2.example.org
virtual "my-web" {
  address   = "192.0.2.50"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  check "send" {
    send    = "GET \\\"x\\\" y"
    expect  = "HT'T P\""
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  # superset.cf:21: lost: the web tool wrote it, and the daemons refuse it
  #     nmask = 255.255.255.255
  server "a" {
    address = "192.0.2.61"
    weight  = 1
  }

  server "c" {
    address = "192.0.2.63"
    weight  = 1
  }
}

# superset.cf:31: hint: eth0 is a name that each router gives to a device of its own: polso agent --interface eth0=eth0, or node.hcl
#     address = 192.0.2.51 eth0:1
# superset.cf:32: lost: "99999" is not a port; 80, the default, is taken
#     port = 99999
# superset.cf:33: lost: -1 is not between 0 and 2097152
#     persistent = -1
# superset.cf:34: lost: active_cmd is no directive of Piranha
#     active_cmd = x
# superset.cf:35: lost: server "a" is not active, so Piranha left it out: address 192.0.2.61
#     server a {
# superset.cf:37: lost: "yes" is not a whole number
#     active = yes
virtual "my_web" {
  address   = "192.0.2.51"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }
}

# superset.cf:44: changed: another virtual is called "my_web" already, so this one is called "my_web-2" here
#     virtual my_web {
virtual "my_web-2" {
  address   = "192.0.2.52"
  interface = "eth0"
  port      = 80
  protocol  = "tcp"
  scheduler = "wlc"
  forward   = "dr"
  check "http" {
    path    = "/"
    status  = "100-599"
    every   = "10s"
    timeout = "10s"
    rise    = 18
    fall    = 1
  }

  server "unclosed" {
    address = "192.0.2.61"
    weight  = 1
  }
}
