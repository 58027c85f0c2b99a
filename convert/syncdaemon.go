package convert

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"polso/config"
)

// syncOption sets what ipvsadm and keepalived give the sync daemon beside its interface, under keepalived's name for it. Whether a number
// is within its range finish sees.
func syncOption(s *config.SyncDaemon, name, value string) error {
	if name == "group" {
		group, err := netip.ParseAddr(value)
		if err != nil {
			return fmt.Errorf("group %q is not an address", value)
		}
		s.Group = group
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || name == "id" && n > 255 {
		return fmt.Errorf("%s %q is not a number within its range", name, value)
	}
	switch name {
	case "id":
		s.ID = int(n)
	case "port":
		s.Port = uint16(n)
	case "ttl":
		s.TTL = int(n)
	case "maxlen":
		s.MaxLen = int(n)
	}
	return nil
}

// syncDaemon reads --start-daemon. Master and backup are one thing in a document, where every router is both.
func (i *ipvsadm) syncDaemon(c ipvsCommand, at place) error {
	s := &config.SyncDaemon{Interface: "eth0"} // ipvsadm's default too
	for _, name := range c.names() {
		var err error
		switch value := c.options[name]; name {
		case "mcast-interface":
			if s.Interface = legal(value); s.Interface != value {
				err = fmt.Errorf("%q is no interface", value)
			}
		case "syncid":
			err = syncOption(s, "id", value)
		case "sync-maxlen":
			err = syncOption(s, "maxlen", value)
		case "mcast-group", "mcast-port", "mcast-ttl":
			err = syncOption(s, strings.TrimPrefix(name, "mcast-"), value)
		default:
			err = fmt.Errorf("option -%s does not go with --start-daemon", name)
		}
		if err != nil {
			return err
		}
	}
	switch was := i.cluster.SyncDaemon; {
	case was == nil:
		i.cluster.SyncDaemon = s
		i.at("cluster sync_daemon", at)
	case *was != *s:
		i.lost("cluster", at, "one sync daemon does for all; the first one's words are taken: %s", was)
	}
	return nil
}
