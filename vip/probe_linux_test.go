package vip

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var ourMAC = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x0a}

func TestGratuitousFrames(t *testing.T) {
	frames, err := gratuitous(ourMAC, ten)
	if err != nil {
		t.Fatal(err)
	}
	// Ethernet to everybody, ARP over Ethernet for IPv4; operation, sender, target; padded to 60 bytes.
	const head = "ffffffffffff" + "02000000000a" + "0806" + "0001" + "0800" + "06" + "04"
	want := []string{
		head + "0001" + "02000000000a" + "c000020a" + "000000000000" + "c000020a" + strings.Repeat("00", 18),
		head + "0002" + "02000000000a" + "c000020a" + "02000000000a" + "c000020a" + strings.Repeat("00", 18),
	}
	var got []string
	for _, f := range frames {
		got = append(got, hex.EncodeToString(f))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := gratuitous(net.HardwareAddr{1, 2, 3}, ten); err == nil {
		t.Error("announced from a hardware address of three bytes")
	}
}

func TestSolicitationFrame(t *testing.T) {
	frame, to, err := solicitation(ourMAC, six)
	if err != nil {
		t.Fatal(err)
	}
	want := "3333ff000010" + "02000000000a" + "86dd" +
		"60000000" + "0018" + "3a" + "ff" + // 24 bytes of ICMPv6, hop limit 255
		strings.Repeat("00", 16) + "ff0200000000000000000001ff000010" +
		"8700" + "4ccf" + "00000000" + "20010db8000000000000000000000010"
	if diff := cmp.Diff(want, hex.EncodeToString(frame)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if to.String() != "33:33:ff:00:00:10" {
		t.Errorf("to %s", to)
	}
}

func TestAnswers(t *testing.T) {
	arpReply := "02000000000a" + "020000000063" + "0806" + "0001080006040002" + "020000000063" + "c000020a" + "02000000000a" + "00000000"
	naHead := "333300000001" + "020000000063" + "86dd" + "60000000" + "0020" + "3a"
	naBody := strings.Repeat("00", 16) + "ff020000000000000000000000000001" +
		"8800" + "0000" + "20000000" + "20010db8000000000000000000000010" + "0201020000000064"
	for _, tt := range []struct {
		name, frame string
		addr        netip.Addr
		want        string
	}{
		{"a reply", arpReply, ten, "02:00:00:00:00:63"},
		{"a reply for another", arpReply, eleven, ""},
		{"an advertisement", naHead + "ff" + naBody, six, "02:00:00:00:00:64"},
		{"an advertisement from beyond the link", naHead + "fe" + naBody, six, ""},
		{"an advertisement without its option", strings.Replace(naHead+"ff"+naBody[:len(naBody)-16], "0020", "0018", 1), six, "02:00:00:00:00:63"},
		{"half a frame", arpReply[:40], ten, ""},
		{"nothing", "", six, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.frame)
			if err != nil {
				t.Fatal(err)
			}
			answer := answerNDP
			if tt.addr.Is4() {
				answer = answerARP
			}
			mac, ok := answer(b, tt.addr)
			if ok != (tt.want != "") || ok && mac.String() != tt.want {
				t.Errorf("got %v, %v, want %s", mac, ok, tt.want)
			}
		})
	}
}

func FuzzAnswers(f *testing.F) {
	frames, err := gratuitous(ourMAC, ten)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range frames {
		f.Add(b)
	}
	ns, _, err := solicitation(ourMAC, six)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ns)
	f.Fuzz(func(t *testing.T, b []byte) {
		if mac, ok := answerARP(b, ten); ok && len(mac) == 0 {
			t.Error("answered by nobody")
		}
		if mac, ok := answerNDP(b, six); ok && len(mac) == 0 {
			t.Error("answered by nobody")
		}
	})
}

func FuzzParsePlaced(f *testing.F) {
	f.Add([]byte{unix.AF_INET, 32, 0, 0, 2, 0, 0, 0, 8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 10, 5, 0, ifaProto, 0, mark, 0, 0, 0})
	f.Add([]byte{unix.AF_INET6, 128, 0, 0, 2, 0, 0, 0})
	f.Add([]byte{unix.AF_INET, 32, 0, 0, 2, 0, 0, 0, 5, 0, unix.IFA_LABEL, 0, 0, 0, 0, 0, 6, 0, unix.IFA_FLAGS, 0, 1, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePlaced(b)
		if err != nil && p != (Placed{}) {
			t.Errorf("%+v and %v", p, err)
		}
	})
}

func TestParsePlaced(t *testing.T) {
	ours := []byte{unix.AF_INET, 32, 0x80, 0, 2, 0, 0, 0, 8, 0, unix.IFA_ADDRESS, 0, 192, 0, 2, 9, 8, 0, unix.IFA_LOCAL, 0, 192, 0, 2, 10}
	for _, tt := range []struct {
		name string
		b    []byte
		want Placed
	}{
		{"by proto", append(ours[:len(ours):len(ours)], 5, 0, ifaProto, 0, mark, 0, 0, 0), Placed{Addr: ten, Bits: 32, Index: 2, Ours: true, Permanent: true}},
		{"by label", append(ours[:len(ours):len(ours)], "\x0f\x00\x03\x00eth0:polso\x00\x00"...), Placed{Addr: ten, Bits: 32, Index: 2, Ours: true, Permanent: true}},
		{"another's proto", append(ours[:len(ours):len(ours)], 5, 0, ifaProto, 0, 3, 0, 0, 0), Placed{Addr: ten, Bits: 32, Index: 2, Permanent: true}},
		{"another's label", append(ours[:len(ours):len(ours)], "\x0b\x00\x03\x00:polso\x00\x00"...), Placed{Addr: ten, Bits: 32, Index: 2, Permanent: true}},
		{"long flags win", append(ours[:len(ours):len(ours)], 8, 0, unix.IFA_FLAGS, 0, 0x20, 0, 0, 0), Placed{Addr: ten, Bits: 32, Index: 2}},
		{"another family", []byte{unix.AF_MPLS, 20, 0, 0, 2, 0, 0, 0}, Placed{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parsePlaced(tt.b)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	if _, err := parsePlaced([]byte{unix.AF_INET}); err == nil {
		t.Error("read a message of one byte")
	}
}
