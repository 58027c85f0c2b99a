package fsm

// SetProfile begins a change of the cluster's timing, or takes back one that is under way. A member that has applied it, but not
// FinishProfile, leads by the shorter timing and promises by the longer.
type SetProfile struct {
	Profile string `json:"profile"`
}

// Name returns NameSetProfile.
func (*SetProfile) Name() Name { return NameSetProfile }

// String is the command in one line.
func (p *SetProfile) String() string { return "profile " + p.Profile + " is asked for" }

func (p *SetProfile) check() *Refusal { return profile(p.Profile) }

func profile(name string) *Refusal {
	switch name {
	case "fast", "lan", "vm", "wan":
		return nil
	default:
		return refuse(CodeInvalid, "", "%q is no profile: fast, lan, vm or wan", name)
	}
}

func (p *SetProfile) apply(c *change) *Refusal {
	now := c.Cluster
	switch {
	case !c.Founded():
		return notFounded()
	case p.Profile == now.Next, p.Profile == now.Profile && now.Next == "":
		c.unchanged = true
		return nil
	case p.Profile == now.Profile:
		c.Cluster.Next = ""
	case now.Next != "":
		return refuse(CodeConflict, "wait for it (polso profile show), or take it back: polso profile set "+now.Profile,
			"the change from %s to %s is under way", now.Profile, now.Next)
	default:
		c.Cluster.Next = p.Profile
	}
	c.Cluster.Change = c.Index
	return nil
}

// FinishProfile ends a change of the timing: members lead by the new one and promise by it. Whoever proposes it has heard every
// voter say that it applies the change. The state refuses it while a node is not among them: one may have been admitted meanwhile.
type FinishProfile struct {
	Change   uint64   `json:"change"`   // Cluster.Change of the change that it ends
	Reported []string `json:"reported"` // IDs of the nodes that have said so
}

// Name returns NameFinishProfile.
func (*FinishProfile) Name() Name { return NameFinishProfile }

// String is the command in one line.
func (f *FinishProfile) String() string { return "every router applies the new timing" }

func (f *FinishProfile) check() *Refusal { return reported(f.Reported) }

func (f *FinishProfile) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if c.Cluster.Next == "" || c.Cluster.Change != f.Change {
		return refuse(CodeNotFound, "", "the change %d of the profile is not under way", f.Change)
	}
	if r := c.missing(f.Reported); r != nil {
		return r
	}
	c.Cluster.Profile, c.Cluster.Next, c.Cluster.Change = c.Cluster.Next, "", c.Index
	return nil
}
