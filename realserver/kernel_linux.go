package realserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Kernel is the Host that is the kernel of the calling process's network namespace. Observe needs no privileges, but for the UDP ports
// of tunnels.
type Kernel struct{}

const procSys = "/proc/sys/"

// Born implements Host: the namespace's number since the boot (Linux 5.14; before, its inode, which another may get after it).
func (Kernel) Born() (Birth, error) {
	boot, err := os.ReadFile(procSys + "kernel/random/boot_id")
	if err != nil {
		return Birth{}, err
	}
	namespace, err := os.Readlink("/proc/self/ns/net") // net:[INODE]
	if err != nil {
		return Birth{}, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Birth{}, err
	}
	defer unix.Close(fd)
	if cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err == nil {
		namespace = strconv.FormatUint(cookie, 10)
	}
	return Birth{strings.TrimSpace(string(boot)), strings.Trim(namespace, "net:[]")}, nil
}

// Observe implements Host.
func (k Kernel) Observe() (Machine, error) {
	m := Machine{Settings: map[string]string{}}
	links, err := undisturbed(netlink.LinkList)
	if err != nil {
		return m, fmt.Errorf("list links: %w", err)
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		m.Links = append(m.Links, deviceOf(l))
	}
	addrs, err := undisturbed(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return m, fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		ip, valid := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		if valid {
			m.Addresses = append(m.Addresses, Placed{netip.PrefixFrom(ip.Unmap(), bits), names[a.LinkIndex], strings.HasSuffix(a.Label, labelSuffix)})
		}
	}
	if err := m.readDefaults(names); err != nil {
		return m, fmt.Errorf("list routes: %w", err)
	}
	for _, f := range []struct {
		family Family
		number int
	}{{IPv4, unix.AF_INET}, {IPv6, unix.AF_INET6}} {
		ports, err := netlink.FouList(f.number)
		if err != nil {
			continue // the module is not loaded, or we may not ask
		}
		for _, p := range ports {
			if p.EncapType == netlink.FOU_ENCAP_GUE && p.Family == f.number {
				m.Receivers = append(m.Receivers, Wish{Outer: f.family, TunnelPort: uint16(p.Port)}.receiver().Name)
			}
		}
	}
	for _, module := range []string{"dummy", "ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6"} {
		if _, err := os.Stat("/sys/module/" + module); err == nil {
			m.Modules = append(m.Modules, module)
		}
	}
	return m, m.readSettings()
}

// undisturbed repeats a dump that a change interrupted, a few times.
func undisturbed[T any](dump func() ([]T, error)) (list []T, err error) {
	for range 4 {
		if list, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
	return nil, err
}

func deviceOf(l netlink.Link) Device {
	a := l.Attrs()
	d := Device{Name: a.Name, Up: a.RawFlags&unix.IFF_UP != 0, Quiet: a.RawFlags&(unix.IFF_LOOPBACK|unix.IFF_NOARP) != 0, MTU: a.MTU}
	ends := func(local, remote []byte) {
		d.Kind = l.Type()
		d.Open = !slices.ContainsFunc(remote, func(b byte) bool { return b != 0 })
		if a, ok := netip.AddrFromSlice(local); ok && !a.IsUnspecified() {
			d.Local = a
		}
	}
	switch l := l.(type) {
	case *netlink.Device:
	case *netlink.Iptun:
		ends(l.Local, l.Remote)
		d.Open = d.Open && !l.FlowBased
	case *netlink.Sittun:
		ends(l.Local, l.Remote)
	case *netlink.Gretun:
		ends(l.Local, l.Remote)
		d.Open = d.Open && !l.FlowBased && l.IFlags&nl.GRE_KEY == 0
	case *netlink.Ip6tnl:
		ends(l.Local, l.Remote)
		d.Open = d.Open && !l.FlowBased
		d.Mode = modes[l.Proto]
	default:
		d.Kind = l.Type()
	}
	return d
}

// modes are what an ip6tnl unpacks, by the protocol number that it is told.
var modes = map[uint8]string{0: anyMode, unix.IPPROTO_IPV6: "ip6ip6", unix.IPPROTO_IPIP: "ipip6"}

func (m *Machine) readDefaults(names map[int]string) error {
	for _, f := range []struct {
		family Family
		number int
	}{{IPv4, netlink.FAMILY_V4}, {IPv6, netlink.FAMILY_V6}} {
		routes, err := undisturbed(func() ([]netlink.Route, error) { return netlink.RouteList(nil, f.number) })
		if err != nil {
			return err
		}
		for _, r := range routes {
			if r.Dst != nil {
				if ones, _ := r.Dst.Mask.Size(); ones != 0 {
					continue
				}
			}
			via, _ := netip.AddrFromSlice(r.Gw)
			if name := names[r.LinkIndex]; name != "" {
				m.Defaults = append(m.Defaults, Default{f.family, name, via.Unmap(), r.AdvMSS})
			}
		}
	}
	return nil
}

// readSettings reads what matters of all, default and every link. One that this kernel does not have is left out.
func (m *Machine) readSettings() error {
	conf := []string{"all", "default"}
	for _, d := range m.Links {
		conf = append(conf, d.Name)
	}
	for _, name := range conf {
		for _, path := range []string{confPath(name, arpIgnore), confPath(name, arpAnnounce), confPath(name, rpFilter), "net/ipv6/conf/" + name + "/disable_ipv6"} {
			b, err := os.ReadFile(procSys + path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			m.Settings[path] = strings.TrimSpace(string(b))
		}
	}
	return nil
}

// Make implements Host.
func (k Kernel) Make(c Change) error {
	add := c.Before == ""
	switch c.Kind {
	case Module:
		return load(c.Name)
	case Setting:
		return os.WriteFile(filepath.Join(procSys, c.Name), []byte(c.After), 0)
	case Link:
		if !add {
			return onLink(c.Name, netlink.LinkDel)
		}
		err := netlink.LinkAdd(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Name: c.Name}, LinkType: c.After})
		if errors.Is(err, unix.EOPNOTSUPP) {
			return ErrNotInKernel
		}
		return err
	case State:
		if c.After == up {
			return onLink(c.Name, netlink.LinkSetUp)
		}
		return onLink(c.Name, netlink.LinkSetDown)
	case Mode:
		return setMode(c.Name, c.After)
	case Receiver:
		return setReceiver(c)
	case Address:
		return onLink(c.On, func(l netlink.Link) error {
			a, err := addressOf(c.Thing)
			if err != nil {
				return err
			}
			if !add {
				return netlink.AddrDel(l, a)
			}
			return netlink.AddrAdd(l, a)
		})
	}
	return fmt.Errorf("unknown kind %q", c.Kind)
}

// load loads a module. One that is built in, or that the kernel knows how to load by itself, needs no modprobe.
func load(module string) error {
	path, err := exec.LookPath("modprobe")
	if err != nil {
		path = "/sbin/modprobe"
	}
	if err := exec.Command(path, "-q", module).Run(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLoaded, err)
	}
	return nil
}

func onLink(name string, do func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return do(l)
}

func addressOf(t Thing) (*netlink.Addr, error) {
	prefix, err := netip.ParsePrefix(t.Name)
	if err != nil {
		return nil, err
	}
	a := &netlink.Addr{IPNet: netlink.NewIPNet(prefix.Addr().AsSlice())}
	if prefix.Addr().Is4() {
		a.Label = label(t.On)
	} else {
		// No duplicate address detection, for the router has it too; deprecated, so that it is never chosen as a source.
		a.Flags, a.ValidLft = unix.IFA_F_NODAD, math.MaxUint32
	}
	return a, nil
}

// setMode tells an ip6tnl what it unpacks. The one that the kernel made can be told by ioctl only (seen on 6.12), and `ip` has that.
func setMode(name, mode string) error {
	out, err := exec.Command("ip", "-6", "tunnel", "change", name, "mode", mode).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// setReceiver opens or closes a UDP port that takes GUE's header off. netlink.FouAdd sends a protocol of 0 with it, which newer kernels refuse
// (out of range).
func setReceiver(c Change) error {
	family, port, _ := strings.Cut(c.Name, " ")
	number := byte(unix.AF_INET)
	if family == string(IPv6) {
		number = unix.AF_INET6
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return err
	}
	command := netlink.FOU_CMD_ADD
	if c.Before != "" {
		command = netlink.FOU_CMD_DEL
	}
	id, err := netlink.FouFamilyId()
	if errors.Is(err, unix.ENOENT) {
		return ErrNotInKernel
	}
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(id, unix.NLM_F_ACK)
	req.AddData(&nl.Genlmsg{Command: command, Version: 1})
	req.AddData(nl.NewRtAttr(netlink.FOU_ATTR_PORT, binary.BigEndian.AppendUint16(nil, uint16(n))))
	req.AddData(nl.NewRtAttr(netlink.FOU_ATTR_AF, []byte{number}))
	if command == netlink.FOU_CMD_ADD {
		req.AddData(nl.NewRtAttr(netlink.FOU_ATTR_TYPE, []byte{netlink.FOU_ENCAP_GUE}))
	}
	_, err = req.Execute(unix.NETLINK_GENERIC, 0)
	return err
}
