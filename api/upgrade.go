package api

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"polso/fsm"
)

// Upgrade is how far the members have come from one release to the next.
type Upgrade struct {
	Schema  string          `json:"schema"`
	Cluster string          `json:"cluster"`
	InUse   int             `json:"level_in_use" doc:"the highest command level that was ever used here: no member can be below it"`
	Lowest  int             `json:"lowest_level" doc:"what is above it is refused until every member knows it; 0: one has not said what it knows"`
	Newest  string          `json:"newest_version" doc:"the newest that a member runs"`
	Mixed   bool            `json:"mixed" doc:"members run different versions"`
	Members []UpgradeMember `json:"members" nullable:"false" doc:"in the order in which they are upgraded; those that run the newest version first, while there are others"`
	Next    string          `json:"next" doc:"the member to upgrade next; while all run the same version, the one that the next upgrade begins with"`
	Safe    bool            `json:"safe" doc:"next may be taken down now"`
}

// UpgradeMember is one member on its way.
type UpgradeMember struct {
	Name    string   `json:"name"`
	Role    string   `json:"role" enum:"standby,witness,director"`
	State   string   `json:"state" enum:"up,down,unknown,drain"`
	Version string   `json:"version" doc:"empty: it has not said"`
	Level   int      `json:"level" doc:"the command level that it knows; 0: it has not said"`
	Done    bool     `json:"done" doc:"it runs the newest version, and others do not"`
	Against []string `json:"against,omitempty" doc:"what speaks against taking it down now"`
}

// The roles of a member in an upgrade, in its order.
const (
	RoleStandby  = "standby"
	RoleWitness  = "witness"
	RoleDirector = "director"
)

// upgrade asks the members themselves where the leader is of a release that knows of no levels, and tells nothing of theirs.
func (s *server) upgrade(ctx context.Context, _ *none) (Upgrade, error) {
	st, err := s.Status(ctx, Brief)
	if err != nil {
		return Upgrade{}, err
	}
	if !st.Formed {
		return Upgrade{}, Errorf(CodeNotFormed, "this router belongs to no cluster").WithHint("polso init on the first router, polso join on the others")
	}
	if st.Level == 0 {
		var all sync.WaitGroup
		for i := range st.Members {
			m := &st.Members[i]
			all.Go(func() {
				own, err := s.LocalOf(ctx, m.Name, Brief)
				if err == nil && len(own.Members) == 1 {
					m.Version, m.Level = own.Members[0].Version, max(1, own.Members[0].Level)
				}
			})
		}
		all.Wait()
	}
	return UpgradeOf(st), nil
}

// UpgradeOf tells how far the members of a cluster have come, by the leader's status.
func UpgradeOf(st Status) Upgrade {
	out := Upgrade{Schema: Schema, Cluster: st.Cluster, InUse: max(1, st.Level), Members: []UpgradeMember{}}
	if len(st.Members) == 0 {
		return out
	}
	out.Lowest = st.Members[0].Level
	newest := st.Members[0]
	for _, m := range st.Members {
		out.Lowest = min(out.Lowest, m.Level)
		if newer(m, newest) {
			newest = m
		}
	}
	out.Newest = newest.Version
	for _, m := range st.Members {
		out.Mixed = out.Mixed || m.Version != newest.Version
	}
	for _, m := range st.Members {
		out.Members = append(out.Members, UpgradeMember{
			Name: m.Name, Role: roleIn(st, m), State: m.State, Version: m.Version, Level: m.Level,
			Done: out.Mixed && m.Version == newest.Version, Against: against(st, m),
		})
	}
	slices.SortStableFunc(out.Members, func(a, b UpgradeMember) int {
		return cmp.Or(boolean(b.Done)-boolean(a.Done), place(a.Role)-place(b.Role), cmp.Compare(a.Name, b.Name))
	})
	i := slices.IndexFunc(out.Members, func(m UpgradeMember) bool { return !m.Done })
	out.Next, out.Safe = out.Members[i].Name, len(out.Members[i].Against) == 0
	return out
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func place(role string) int {
	return slices.Index([]string{RoleStandby, RoleWitness, RoleDirector}, role)
}

func roleIn(st Status, m Member) string {
	switch {
	case m.Name == st.Active:
		return RoleDirector
	case m.Kind == fsm.Witness:
		return RoleWitness
	default:
		return RoleStandby
	}
}

// against is what speaks against taking a member down now.
func against(st Status, m Member) (out []string) {
	if st.Active == "" {
		out = append(out, "nobody directs")
	}
	for _, v := range st.VIPs {
		if !v.Held {
			out = append(out, "nobody holds "+v.Address)
		}
	}
	heir := false
	for _, o := range st.Members {
		if o.ID == m.ID {
			continue
		}
		why := unready(st, o)
		if why != "" {
			out = append(out, o.Name+" "+why)
		}
		heir = heir || why == "" && o.Kind == fsm.Router && o.Raft != "learner" && o.Drained == nil && len(o.Unfit) == 0
	}
	if q := st.Quorum; m.votes() && m.State != "down" && q.Healthy-1 < q.Voters/2+1 {
		out = append(out, fmt.Sprintf("without it %d of %d voters are left, and %d are needed", q.Healthy-1, q.Voters, q.Voters/2+1))
	}
	if m.Name == st.Active && !heir {
		out = append(out, "no other router could direct")
	}
	return out
}

func (m Member) votes() bool { return m.Raft == "leader" || m.Raft == "follower" }

// unready is what a member that stays lacks; "" if nothing.
func unready(st Status, m Member) string {
	switch {
	case m.State == "down", m.State == "unknown":
		return "is " + m.State
	case m.Behind > 64:
		return fmt.Sprintf("is %d entries behind", m.Behind)
	case m.Kind == fsm.Witness:
		return ""
	case m.AppliedRevision < st.Revision:
		return fmt.Sprintf("follows revision %d, not %d yet", m.AppliedRevision, st.Revision)
	case !m.Converged:
		return "is not as the document wants it"
	default:
		return ""
	}
}

var numbered = regexp.MustCompile(`^v?[0-9]+\.[0-9]+`)

// newer tells whether a member runs a newer release than another: by the level, by the versions' numbers, and where these are none,
// by who started later.
func newer(a, b Member) bool {
	switch {
	case a.Version == "" || b.Version == "":
		return b.Version == "" && a.Version != ""
	case a.Level != b.Level:
		return a.Level > b.Level
	case numbered.MatchString(a.Version) && numbered.MatchString(b.Version):
		return compareNumbers(a.Version, b.Version) > 0
	default:
		return began(a).After(began(b))
	}
}

func began(m Member) time.Time {
	if m.Started == nil {
		return time.Time{}
	}
	return *m.Started
}

var pieces = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compareNumbers compares versions, numbers in them as numbers: v0.9 is before v0.10, and that before v0.10-3-gabc.
func compareNumbers(a, b string) int {
	as, bs := pieces.FindAllString(strings.TrimPrefix(a, "v"), -1), pieces.FindAllString(strings.TrimPrefix(b, "v"), -1)
	return slices.CompareFunc(as, bs, func(x, y string) int {
		n, errX := strconv.ParseUint(x, 10, 64)
		m, errY := strconv.ParseUint(y, 10, 64)
		if errX == nil && errY == nil {
			return cmp.Compare(n, m)
		}
		return strings.Compare(x, y)
	})
}
