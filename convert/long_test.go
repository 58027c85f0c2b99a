package convert

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// again is a text of so many bytes that says the same over and over, after a beginning.
func again(beginning, unit string) func(size int) string {
	return func(size int) string { return beginning + strings.Repeat(unit, max(size-len(beginning), 0)/len(unit)) }
}

// counted is the same where each unit has a number of its own, in three octets.
func counted(beginning, format string) func(size int) string {
	return func(size int) string {
		var b strings.Builder
		b.WriteString(beginning)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i>>16&255, i>>8&255, i&255)
		}
		return b.String()
	}
}

func keepalived(f ...File) (Result, error) {
	return Keepalived(func(string) ([]File, error) { return nil, nil }, f...)
}

// longTexts are texts of any size that each ask much of a reader in some way.
var longTexts = map[string]struct {
	text    func(size int) string
	convert importer
}{
	"keepalived servers":       {counted("virtual_server 192.0.2.1 80 {\nlb_kind NAT\nprotocol TCP\n", "real_server 10.%d.%d.%d 80 {\nweight 1\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n"), keepalived},
	"keepalived addresses":     {counted("vrrp_instance a {\nvirtual_ipaddress {\n", "10.%d.%d.%d/8\n"), keepalived},
	"keepalived nothing known": {again("global_defs {\n}\n", "a b c d e f g h\n"), keepalived},
	"keepalived one line":      {again("global_defs {\n}\n", "a "), keepalived},
	"keepalived one quote":     {again("global_defs {\n}\na \"", `\"`), keepalived},
	"keepalived no braces":     {again("global_defs {\n}\n", "virtual_server 192.0.2.1 80\n"), keepalived},
	"keepalived braces":        {again("global_defs {\n}\n", "a {\n"), keepalived},
	"keepalived lines":         {again("global_defs {\n}\n", "a\n"), keepalived},
	"keepalived pairs":         {again("global_defs {\n}\n", strings.Repeat("a {}", 1<<13)+"\n"), keepalived},
	"keepalived blocks":        {again("", "vrrp_instance a {\n"), keepalived},
	"keepalived conditions":    {again("global_defs {\n}\n", "@a priority 1\n"), keepalived},
	"keepalived includes":      {again("global_defs {\n}\n", "include a\n"), keepalived},
	"ldirectord virtuals":      {again("", "virtual=192.0.2.1:80\n\treal=10.0.0.1:80 gate 1 \"a\", \"b\"\n"), Ldirectord},
	"ldirectord ranges":        {again("", "virtual=7\n"+strings.Repeat("\treal=10.0.0.0->10.0.3.255 gate\n", 1000)), Ldirectord},
	"ldirectord notes":         {again("", "virtual=7\n"+strings.Repeat("\treal=a gate\n", 1000)), Ldirectord},
	"ldirectord quotes":        {again("", `"`), Ldirectord},
	"ldirectord one line":      {again("", "virtual=1 "), Ldirectord},
	"ipvsadm services":         {again("", "-A -t 192.0.2.1:80\n"), IPVSAdm},
	"ipvsadm options":          {again("", "-g "), IPVSAdm},
	"ipvsadm numbers":          {again("", "--set 1 1 1 "), IPVSAdm},
	"lvs.cf shops":             {counted("", "virtual shop {\n active = 1\n address = 10.%d.%d.%d eth0:1\n send = \"GET / HTTP/1.0\"\n server s {\n  address = 172.16.0.1\n  active = 1\n }\n}\n"), LVSCF},
	"lvs.cf unknown":           {again("", "x = 1\n"), LVSCF},
	"lvs.cf duplicates":        {again("virtual a {\n", "active = 0\nactive = 1\n"), LVSCF},
	"lvs.cf quotes":            {again("x = ", `"`), LVSCF},
	"lvs.cf blocks":            {again("", "virtual a {\n"), LVSCF},
	"lvs.cf one address":       {again("", "virtual a {\nactive=1\naddress=192.0.2.1 e:1\n}\n"), LVSCF},
	"lvs.cf braces":            {again("", "{"), LVSCF},
	"lvs.cf servers":           {again("virtual a {\nactive=1\naddress=192.0.2.1 e:1\n", "server s {\naddress=10.0.0.1\nactive=1\n}\n"), LVSCF},
	"lvs.cf expressions":       {again("", "virtual a {\nactive=1\nuse_regex=1\nsend=\"GET / H\"\nexpect=\"(((((.*)*)*)*)*)*x\"\naddress=192.0.2.1 e:1\n}\n"), LVSCF},
}

// Twice the text takes at most about twice the time. What grows with the square of its length takes four times; what a busy machine
// adds to one look it does not add to every one.
func TestTimeGrowsAsTheTextDoes(t *testing.T) {
	for name, x := range longTexts {
		t.Run(name, func(t *testing.T) {
			const size = 128 << 10
			once, twice := []byte(x.text(size)), []byte(x.text(2*size))
			took := func(text []byte) time.Duration {
				before := processorTime(t)
				_, _ = x.convert(File{Name: "f", Text: text})
				return processorTime(t) - before
			}
			var short, long time.Duration
			for range 8 {
				if short, long = took(once), took(twice); long <= 3*short+time.Millisecond {
					return
				}
				t.Logf("%v, twice: %v", short, long)
			}
			t.Errorf("%d bytes took %v, twice as many %v", len(once), short, long)
		})
	}
}

// BenchmarkLongTexts reads or refuses 4 MiB, the longest that is read at all: well within a second each.
func BenchmarkLongTexts(b *testing.B) {
	for name, x := range longTexts {
		b.Run(name, func(b *testing.B) {
			text := []byte(x.text(MaxText - 1<<10)) // a unit more is not too much yet
			b.SetBytes(MaxText)
			for b.Loop() {
				_, _ = x.convert(File{Name: "f", Text: text})
			}
		})
	}
}

// Texts that would make much of little, or are too much themselves, are refused before they do.
func TestKeepalivedRefusesTooMuch(t *testing.T) {
	long := func(name string, size int) string { return longTexts["keepalived "+name].text(size) }
	for name, x := range map[string]struct{ text, refused string }{
		"5 MB":           {long("servers", 5<<20), "longer than the 4 MiB"},
		"servers":        {long("servers", 3<<19), "more than the 16384"},
		"addresses":      {long("addresses", 1<<19), "more than the 16384"},
		"braces":         {long("braces", 1<<16), "nested too deeply"},
		"lines":          {long("lines", 1<<20), "more than 262144 statements"},
		"pairs":          {long("pairs", 3<<19), "more than 262144 statements"},
		"a group":        {"virtual_server_group a {\n10.0.0.0/8 80\n}\nvirtual_server group a {\nreal_server 10.0.0.1 80 {\n}\n}\n", "more than the 16384"},
		"a group of six": {"virtual_server_group a {\n2001:db8::/32 80\n}\nvirtual_server group a {\nreal_server 2001::1 80 {\n}\n}\n", "more than the 16384"},
		"a sequence":     {"~SEQ(a, 1, 2000000000) x$a\n", "more than 262144 statements"},
		"sequences":      {"~SEQ(a, 1, 3000) ~SEQ(b, 1, 3000) xxxxxxxxxxxxxxxxxxxxxxxx\n", "longer than the 4 MiB"},
		"a bomb":         {"$A=aaaaaaaaaaaaaaaa\n$B=${A}${A}${A}${A}\n$C=${B}${B}${B}${B}\n$D=${C}${C}${C}${C}\n$E=${D}${D}${D}${D}\n" + strings.Repeat("$E$E$E\n$E \n", 100000), "longer than the 4 MiB"},
		"lines of lines": {"$A= \\\na \\\na \\\na\n$B= \\\n$A \\\n$A \\\n$A\n$C= \\\n$B \\\n$B \\\n$B\n" + strings.Repeat("$C\n", 100000), "more than 262144 statements"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := keepalived(File{"x", []byte("global_defs {\n}\n" + x.text)}); err == nil || !strings.Contains(err.Error(), x.refused) {
				t.Errorf("answered %v, not %q", err, x.refused)
			}
		})
	}
}

// processorTime is what this process has used, whatever else the machine does.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
