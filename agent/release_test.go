package agent

import (
	"errors"
	"net/netip"
	"testing"

	"polso/ipvs"
)

func TestLift(t *testing.T) {
	some := ipvs.Rules{Masquerades: []ipvs.Masquerade{{FWMark: 7, Server: netip.MustParseAddr("10.0.0.1")}}}
	for name, there := range map[string]ipvs.Rules{"none": {}, "some": some, "made by another process": {Damaged: []string{"inet polso_marks"}}} {
		rules := new(ipvs.FakeRules)
		if err := rules.SetRules(there); err != nil {
			t.Fatal(err)
		}
		lifted, err := lift(rules)
		if err != nil || lifted != (name != "none") {
			t.Errorf("%s: lifted %v, %v", name, lifted, err)
		}
		if left, _ := rules.Rules(); !left.Empty() || len(left.Damaged) > 0 {
			t.Errorf("%s: left %+v", name, left)
		}
	}
	without := new(ipvs.FakeRules)
	without.Fail(errors.New("no nftables"))
	if lifted, err := lift(without); lifted || err != nil {
		t.Errorf("without nftables: lifted %v, %v", lifted, err)
	}
	if lifted, err := lift(nil); lifted || err != nil {
		t.Errorf("without rules: lifted %v, %v", lifted, err)
	}
}
