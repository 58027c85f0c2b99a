# The settings of this router: node.hcl(5). All of it is commented out: what stands here is the default, or an example.

# name      = "r1"                                    # default: the host's name
# data_dir  = "/var/lib/polso"
# socket    = "/run/polso/polso.sock"
# listen    = ["10.9.0.11:5390"]                      # default: every address
# interface = { outside = "eth0", inside = "eth1" }   # the document's logical names
# kernel    = "real"                                  # none: a witness on a machine without IPVS

# api             = [":3636"]                         # HTTPS for browsers; ["none"] switches it off
# api_certificate = "/etc/polso/web.pem"              # default: one that Polso makes
# api_key         = "/etc/polso/web.key"

# flight_recorder = true                              # keep what the agent did last, of slow takeovers; default: false
