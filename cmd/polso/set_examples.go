package main

import "polso/config"

const (
	addExamples = `  polso add virtual web address=192.0.2.10 port=80 forward=nat check.http.path=/healthz
  polso add server web/c address=10.0.0.3:8080 weight=10 --yes --wait 30s
  polso add notify pager webhook=https://alerts.example.org/polso events=active,virtual_down
  polso add router_check gateway ping=192.0.2.1 --dry-run`
	setExamples = `  polso set virtual web scheduler=mh persistent.timeout=10m -m "sticky"
  polso set server web/c weight=                          # back to the default
  polso set notify pager events=active,inactive
  polso set cluster failback=true --yes`
	removeExamples = `  polso remove server web/b
  polso remove virtual web --yes --wait 30s
  polso remove notify pager --yes
  polso remove router r3`
)

// partExamples are what the help of each command that edits one kind of part begins with.
var partExamples = map[config.Verb]map[config.Kind]string{
	config.Add: {
		config.KindVirtual: `  polso add virtual web address=192.0.2.10 port=80 forward=nat check.http.path=/healthz
  polso add virtual shop address=192.0.2.11 "ports=[80, 443]" persistent.timeout=5m --yes`,
		config.KindServer: `  polso add server web/c address=10.0.0.3:8080 weight=10
  polso add server web/c address=10.0.0.3:8080 --yes --wait 30s`,
		config.KindVIP: `  polso add vip inside address=10.0.0.254/24
  polso add vip inside address=10.0.0.254/24 interface=inside --dry-run`,
		config.KindNotify: `  polso add notify pager webhook=https://alerts.example.org/polso events=active,virtual_down
  polso add notify ops mail=ops@example.org from=polso@example.org smtp=mail.example.org
  polso add notify bgp command=/usr/local/sbin/announce,--quiet events=active,inactive user=root --yes
  polso notify test pager                                 # once it is there`,
		config.KindRouterCheck: `  polso add router_check gateway ping=192.0.2.1
  polso add router_check maintenance file=/run/polso/stand-back absent=true penalty=10
  polso add router_check uplink command=/usr/local/sbin/uplink-works routers=r1,r2 --yes`,
	},
	config.Set: {
		config.KindCluster: `  polso set cluster failback=true
  polso set cluster prefer=r1,r2 timeouts.tcp=30m --yes
  polso set cluster timeouts=                             # the block taken out`,
		config.KindVirtual: `  polso set virtual web scheduler=mh persistent.timeout=10m -m "sticky"
  polso set virtual web check.http.path=/healthz check.http.every=5s
  polso set virtual web persistent= --yes                 # the block taken out`,
		config.KindServer: `  polso set server web/c weight=20
  polso set server web/c weight=                          # back to the default
  polso set server web/c address=10.0.0.4:8080 --dry-run`,
		config.KindVIP: `  polso set vip inside interface=inside
  polso set vip inside address=10.0.0.253/24 --yes --wait 30s`,
		config.KindNotify: `  polso set notify pager events=active,inactive limit=10
  polso set notify pager webhook= mail=ops@example.org from=polso@example.org   # another way to tell
  polso set notify pager virtuals= --yes                  # of everything again`,
		config.KindRouterCheck: `  polso set router_check gateway every=5s fall=5
  polso set router_check gateway penalty=10               # stands back instead of not being fit
  polso set router_check gateway routers= --yes           # on every router again`,
	},
	config.Del: {
		config.KindVirtual: `  polso remove virtual web
  polso remove virtual web --yes --wait 30s`,
		config.KindServer: `  polso remove server web/b
  polso remove server web/b --drain 10m --yes`,
		config.KindVIP: `  polso remove vip inside
  polso remove vip inside --dry-run`,
		config.KindNotify: `  polso remove notify pager
  polso remove notify pager --yes`,
		config.KindRouterCheck: `  polso remove router_check gateway
  polso remove router_check gateway --yes`,
	},
}
