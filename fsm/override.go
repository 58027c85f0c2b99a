package fsm

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// SetOverride sets an operator's word about a server, about whatever is at an address, or about a router.
type SetOverride struct {
	Target string    `json:"target"` // "server/VIRTUAL/SERVER", "router/NAME", or with Beside "address/ADDRESS"
	Kind   string    `json:"kind"`   // Drain, Disable or Weight, with Beside also Up and Down; of an address Drain or Disable, of a router Drain
	Weight int       `json:"weight,omitempty"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
	Reason string    `json:"reason,omitempty"`
	// Beside has the word stand beside those that are about something else (Override.About). Without, as in entries of
	// releases that knew no other, it replaces whatever was said of the target.
	Beside bool `json:"beside,omitempty"`
}

// Name returns NameSetOverride.
func (*SetOverride) Name() Name { return NameSetOverride }

// String is the command in one line.
func (o *SetOverride) String() string {
	s := o.Kind + " " + o.Target
	switch o.Kind {
	case Weight:
		s = fmt.Sprintf("weight %d for %s", o.Weight, o.Target)
	case Up, Down:
		s = fmt.Sprintf("%s is %s", o.Target, o.Kind)
	}
	if !o.Until.IsZero() {
		s += " until " + o.Until.UTC().Format(time.RFC3339)
	}
	if o.Reason != "" {
		s += ": " + o.Reason
	}
	return s
}

func (o *SetOverride) check() *Refusal {
	what, of, _ := strings.Cut(o.Target, "/")
	router := what == "router"
	switch {
	case o.Beside && what == addressTarget:
		if r := o.checkAddress(of); r != nil {
			return r
		}
	case !router && what != "server" || !strings.Contains(o.Target, "/"):
		return refuse(CodeInvalid, "", "%q is neither server/VIRTUAL/SERVER nor router/NAME", o.Target)
	}
	switch {
	case len(o.Target) > maxLine:
		return refuse(CodeTooLarge, "", "the target has %d bytes, at most %d are possible", len(o.Target), maxLine)
	case len(o.Reason) > maxLine:
		return refuse(CodeTooLarge, "", "the reason has %d bytes, at most %d are possible", len(o.Reason), maxLine)
	case o.Beside && (o.Kind == Up || o.Kind == Down):
	case o.Kind != Drain && o.Kind != Disable && o.Kind != Weight:
		return refuse(CodeInvalid, "", "%q is no override: drain, disable or weight", o.Kind)
	}
	switch {
	case router && o.Kind != Drain:
		return refuse(CodeInvalid, "drain it", "a router has no %s", o.Kind)
	case o.Kind == Weight && (o.Weight < 0 || o.Weight > 65535):
		return refuse(CodeInvalid, "", "weight %d is not between 0 and 65535", o.Weight)
	case o.Kind != Weight && o.Weight != 0:
		return refuse(CodeInvalid, "", "%s takes no weight", o.Kind)
	}
	return nil
}

// checkAddress tells what is wrong with a word about an address. There is one way to write an address, so that it has one target.
func (o *SetOverride) checkAddress(text string) *Refusal {
	switch a, err := netip.ParseAddr(text); {
	case err != nil || a != a.Unmap().WithZone("") || a.String() != text:
		return refuse(CodeInvalid, "", "%q is no address of a server", text)
	case o.Kind != Drain && o.Kind != Disable:
		return refuse(CodeInvalid, "say it of each server", "what is at an address is drained or disabled; it has no %s", o.Kind)
	}
	return nil
}

func (o *SetOverride) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if !c.exists(o.Target) {
		return refuse(CodeNotFound, "`polso get servers` and `polso members` list what there is", "there is no %s", o.Target)
	}
	if !o.Until.IsZero() && !o.Until.After(c.at) {
		return refuse(CodeInvalid, "", "its end, %s, has passed already", o.Until.UTC().Format(time.RFC3339))
	}
	set := Override{Target: o.Target, Kind: o.Kind, Weight: o.Weight, By: c.by, At: c.at, Until: o.Until.UTC(), Reason: line(o.Reason, maxLine)}
	c.dropOverrides(o.Target, func(old Override) bool { return !o.Beside || old.About() == set.About() })
	i, _ := slices.BinarySearchFunc(c.Overrides, set, func(a, b Override) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.About(), b.About()))
	})
	c.Overrides = slices.Concat(c.Overrides[:i], []Override{set}, c.Overrides[i:])
	c.dueOverrides(o.Target)
	return nil
}

// ClearOverride takes an operator's words back.
type ClearOverride struct {
	Target string `json:"target"`
	About  string `json:"about,omitempty"` // AboutTraffic, AboutWeight or AboutHealth; "": whatever was said of the target
}

// Name returns NameClearOverride.
func (*ClearOverride) Name() Name { return NameClearOverride }

// String is the command in one line.
func (o *ClearOverride) String() string {
	if o.About != "" {
		return fmt.Sprintf("no override of the %s of %s", o.About, o.Target)
	}
	return "no override for " + o.Target
}

func (o *ClearOverride) check() *Refusal {
	switch o.About {
	case "", AboutTraffic, AboutWeight, AboutHealth:
		return nil
	default:
		return refuse(CodeInvalid, "", "no override is about %q: it is about traffic, weight or health", o.About)
	}
}

func (o *ClearOverride) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if !c.dropOverrides(o.Target, func(old Override) bool { return o.About == "" || old.About() == o.About }) {
		return refuse(CodeNotFound, "", "there is no override for %s", o.Target)
	}
	c.dueOverrides(o.Target)
	return nil
}

// dropOverrides ends those overrides of a target that are meant, and reports whether there were any. Their ends stay due.
func (c *change) dropOverrides(target string, meant func(Override) bool) bool {
	before := len(c.Overrides)
	c.Overrides = without(c.Overrides, func(o Override) bool { return o.Target == target && meant(o) })
	return len(c.Overrides) < before
}

// dueOverrides has the ends of a target's overrides due, and no others. Two that end together are one Due.
func (c *change) dueOverrides(target string) {
	c.notDue(DueOverride, target)
	for _, o := range c.OverridesOf(target) {
		d := Due{At: o.Until, Kind: DueOverride, ID: target}
		if i, there := slices.BinarySearchFunc(c.Due, d, compareDue); !o.Until.IsZero() && !there {
			c.Due = slices.Concat(c.Due[:i], []Due{d}, c.Due[i:])
		}
	}
}

// endOverrides ends the overrides of what no longer exists.
func (c *change) endOverrides() {
	for _, o := range c.Overrides {
		if !c.exists(o.Target) && c.dropOverrides(o.Target, func(Override) bool { return true }) {
			c.notDue(DueOverride, o.Target)
		}
	}
}

// exists reports whether an override's target is there.
func (c *change) exists(target string) bool {
	if name, ok := strings.CutPrefix(target, "router/"); ok {
		n, ok := c.NodeByName(name)
		return ok && n.Kind == Router
	}
	if text, ok := strings.CutPrefix(target, addressTarget+"/"); ok {
		a, err := netip.ParseAddr(text)
		at := func(s config.Server) bool { return err == nil && s.Address.Addr() == a }
		return slices.ContainsFunc(c.Document.Virtuals, func(v config.Virtual) bool {
			return slices.ContainsFunc(v.Servers, at) || slices.ContainsFunc(v.Sorry, at)
		})
	}
	name, server, ok := strings.Cut(strings.TrimPrefix(target, "server/"), "/")
	if !ok {
		return false
	}
	for _, v := range c.Document.Virtuals {
		if v.Name == name {
			return slices.ContainsFunc(v.Servers, func(s config.Server) bool { return s.Name == server })
		}
	}
	return false
}

// addressTarget begins the target of what is at an address.
const addressTarget = "address"

// ServerTarget is an override's target that is one server of one virtual.
func ServerTarget(virtual, server string) string { return "server/" + virtual + "/" + server }

// AddressTarget is an override's target that is whatever is at an address: every server of every virtual there.
func AddressTarget(a netip.Addr) string { return addressTarget + "/" + a.String() }

// About says what the override is about. Of one target those about different things stand beside each other.
func (o Override) About() string {
	switch o.Kind {
	case Weight:
		return AboutWeight
	case Up, Down:
		return AboutHealth
	default:
		return AboutTraffic
	}
}
