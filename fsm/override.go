package fsm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// SetOverride sets an operator's word about a server or a router, instead of the one before it.
type SetOverride struct {
	Target string    `json:"target"` // "server/VIRTUAL/SERVER" or "router/NAME"
	Kind   string    `json:"kind"`   // Drain, Disable or Weight; for a router only Drain
	Weight int       `json:"weight,omitempty"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
	Reason string    `json:"reason,omitempty"`
}

// Name returns NameSetOverride.
func (*SetOverride) Name() Name { return NameSetOverride }

// String is the command in one line.
func (o *SetOverride) String() string {
	s := o.Kind + " " + o.Target
	if o.Kind == Weight {
		s = fmt.Sprintf("weight %d for %s", o.Weight, o.Target)
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
	router := strings.HasPrefix(o.Target, "router/")
	switch {
	case !router && !strings.HasPrefix(o.Target, "server/"):
		return refuse(CodeInvalid, "", "%q is neither server/VIRTUAL/SERVER nor router/NAME", o.Target)
	case len(o.Target) > maxLine:
		return refuse(CodeTooLarge, "", "the target has %d bytes, at most %d are possible", len(o.Target), maxLine)
	case len(o.Reason) > maxLine:
		return refuse(CodeTooLarge, "", "the reason has %d bytes, at most %d are possible", len(o.Reason), maxLine)
	case o.Kind != Drain && o.Kind != Disable && o.Kind != Weight:
		return refuse(CodeInvalid, "", "%q is no override: drain, disable or weight", o.Kind)
	case router && o.Kind != Drain:
		return refuse(CodeInvalid, "drain it", "a router has no %s", o.Kind)
	case o.Kind == Weight && (o.Weight < 0 || o.Weight > 65535):
		return refuse(CodeInvalid, "", "weight %d is not between 0 and 65535", o.Weight)
	case o.Kind != Weight && o.Weight != 0:
		return refuse(CodeInvalid, "", "%s takes no weight", o.Kind)
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
	c.dropOverride(o.Target)
	set := Override{Target: o.Target, Kind: o.Kind, Weight: o.Weight, By: c.by, At: c.at, Until: o.Until.UTC(), Reason: line(o.Reason, maxLine)}
	i, _ := slices.BinarySearchFunc(c.Overrides, set, func(a, b Override) int { return cmp.Compare(a.Target, b.Target) })
	c.Overrides = slices.Concat(c.Overrides[:i], []Override{set}, c.Overrides[i:])
	if !set.Until.IsZero() {
		c.due(Due{At: set.Until, Kind: DueOverride, ID: set.Target})
	}
	return nil
}

// ClearOverride takes an operator's word back.
type ClearOverride struct {
	Target string `json:"target"`
}

// Name returns NameClearOverride.
func (*ClearOverride) Name() Name { return NameClearOverride }

// String is the command in one line.
func (o *ClearOverride) String() string { return "no override for " + o.Target }

func (o *ClearOverride) check() *Refusal { return nil }

func (o *ClearOverride) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if _, ok := c.Override(o.Target); !ok {
		return refuse(CodeNotFound, "", "there is no override for %s", o.Target)
	}
	c.dropOverride(o.Target)
	return nil
}

func (c *change) dropOverride(target string) {
	c.Overrides = without(c.Overrides, func(o Override) bool { return o.Target == target })
	c.notDue(DueOverride, target)
}

// endOverrides ends the overrides of what no longer exists.
func (c *change) endOverrides() {
	for _, o := range c.Overrides {
		if !c.exists(o.Target) {
			c.dropOverride(o.Target)
		}
	}
}

// exists reports whether an override's target is there.
func (c *change) exists(target string) bool {
	if name, ok := strings.CutPrefix(target, "router/"); ok {
		n, ok := c.NodeByName(name)
		return ok && n.Kind == Router
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

func serverTarget(virtual, server string) string { return "server/" + virtual + "/" + server }
