// Package api is Polso's HTTP interface: its types, handlers, errors, OpenAPI description, and the client that the
// command line uses.
//
// The JSON names here are what scripts rely on; they are only ever added to.
package api

import (
	"encoding/json"
	"time"
)

// Schema names the version of every JSON document that the command line prints.
const Schema = "polso/v1"

// Status is the cluster as one router sees it: the leader when asked for the cluster, this router when asked for itself.
type Status struct {
	Schema          string         `json:"schema"`
	Cluster         string         `json:"cluster" doc:"the cluster's name; empty before init or join"`
	Node            string         `json:"node" doc:"the router that answers"`
	Formed          bool           `json:"formed" doc:"whether this router belongs to a cluster"`
	Revision        uint64         `json:"revision" doc:"of the replicated document, as this router knows it"`
	AppliedRevision uint64         `json:"applied_revision" doc:"of the document this router's kernel follows"`
	Converged       bool           `json:"converged" doc:"this router's kernel is as applied_revision wants it"`
	Leader          string         `json:"leader" doc:"name of the leader; empty when there is none"`
	Active          string         `json:"active" doc:"name of the router that holds group default; empty when there is none"`
	ActiveSince     *time.Time     `json:"active_since,omitempty" doc:"when that router took the lead; absent: nobody directs, or it is not known"`
	Term            uint64         `json:"term"`
	Lease           Lease          `json:"lease"`
	Profile         string         `json:"profile"`
	Level           int            `json:"command_level,omitempty" doc:"the highest command level that was ever used here, which every member must know"`
	CAChange        *CAChange      `json:"ca_change,omitempty" doc:"the change of the CA that is under way"`
	ProfileChange   *ProfileChange `json:"profile_change,omitempty" doc:"the change of the profile that is under way"`
	Quorum          Quorum         `json:"quorum"`
	Members         []Member       `json:"members" nullable:"false"`
	VIPs            []VIP          `json:"vips" nullable:"false"`
	Virtuals        []Virtual      `json:"virtuals" nullable:"false"`
	SyncDaemon      *SyncDaemon    `json:"sync_daemon,omitempty" doc:"what tells this router's connections to the others, as it runs"`
	LastFailover    *Failover      `json:"last_failover,omitempty"`
	Confirm         *Confirmation  `json:"confirm,omitempty" doc:"the running revision waits to be confirmed"`
	Overrides       []Override     `json:"overrides,omitempty" doc:"what operators said of servers, addresses and routers"`
	Problems        []Problem      `json:"problems" nullable:"false"`
	Health          ClusterHealth  `json:"health" enum:"HEALTHY,DEGRADED,DOWN,FORMING" doc:"DOWN: nobody directs"`
	Kernel          string         `json:"kernel" enum:"real,simulated,none" doc:"what stands behind this router's table"`
	Sysctls         []Sysctl       `json:"sysctls,omitempty" doc:"this router's kernel settings; only of a router that is asked for itself"`
	Fence           string         `json:"fence" enum:"nftables,valid_lft,none" doc:"what takes an address down when the process cannot"`
}

// ClusterHealth is one word for the whole.
type ClusterHealth string

// The words.
const (
	Healthy  ClusterHealth = "HEALTHY"
	Degraded ClusterHealth = "DEGRADED"
	Down     ClusterHealth = "DOWN"
	Forming  ClusterHealth = "FORMING"
)

// Lease is the right to hold addresses.
type Lease struct {
	Held      bool    `json:"held" doc:"this router holds it now"`
	ExpiresIn float64 `json:"expires_in_seconds" doc:"0 when not held"`
	Epoch     uint64  `json:"epoch"`
}

// Quorum counts voters.
type Quorum struct {
	Voters  int `json:"voters"`
	Healthy int `json:"healthy" doc:"voters that answered the leader lately"`
	CanLose int `json:"can_lose" doc:"how many more may fail before nobody holds an address"`
}

// Member is one node of the cluster.
type Member struct {
	ID              string        `json:"id"`
	Name            string        `json:"name"`
	Addresses       []string      `json:"addresses" nullable:"false"`
	Paths           []Path        `json:"paths,omitempty" doc:"the addresses as the leader hears the member there, if it has several"`
	Kind            string        `json:"kind" enum:"router,witness"`
	Raft            string        `json:"raft" enum:"leader,follower,learner,unknown"`
	Director        string        `json:"director,omitempty" doc:"active when it holds the addresses"`
	State           string        `json:"state" enum:"up,down,unknown,drain" doc:"drain: it is up, and an operator wants another to direct"`
	Drained         *Drained      `json:"drained,omitempty" doc:"an operator wants another to direct, whatever the state"`
	Behind          uint64        `json:"behind" doc:"log entries behind the leader"`
	Contact         float64       `json:"contact_seconds" doc:"since its last answer to the leader; 0 for the leader"`
	Version         string        `json:"version,omitempty"`
	Level           int           `json:"level,omitempty" doc:"the command level that its release knows; absent: it is not known"`
	Started         *time.Time    `json:"started_at,omitempty"`
	AppliedRevision uint64        `json:"applied_revision"`
	Converged       bool          `json:"converged"`
	Age             float64       `json:"age_seconds" doc:"age of what it last said of itself"`
	Unfit           []string      `json:"unfit,omitempty" doc:"why it should not direct; another does while there is one"`
	Undecided       []string      `json:"undecided,omitempty" doc:"virtuals without a server there, about which its checks have not decided yet; another takes over while there is one that knows more"`
	Failing         int           `json:"failing_passes,omitempty" doc:"passes of its director in a row that failed"`
	Timing          *Timing       `json:"timing,omitempty" doc:"what its share of the group follows, as it said last"`
	CAChange        uint64        `json:"ca_change,omitempty" doc:"the step of a change of the CA that it has followed"`
	Penalty         int           `json:"penalty,omitempty" doc:"how far its own checks have it stand back; among fit routers the smallest directs"`
	Checks          []RouterCheck `json:"router_checks,omitempty" doc:"what it asks of itself"`
	Sees            *Sees         `json:"sees,omitempty" doc:"what it sees of the servers; absent: it probes none"`
	Problems        []Problem     `json:"problems,omitempty"`
}

// Path is one way from the leader to a member.
type Path struct {
	Address string `json:"address"`
	State   string `json:"state" enum:"up,down,unknown"`
}

// VIP is one address that the document asks for.
type VIP struct {
	Name      string     `json:"name" doc:"of the vip block or of the virtual that brings it"`
	Address   string     `json:"address"`
	Group     string     `json:"group"`
	On        string     `json:"on" doc:"the router that holds it; empty when none does"`
	Interface string     `json:"interface" doc:"the device on that router"`
	Held      bool       `json:"held"`
	Announced *time.Time `json:"announced_at,omitempty"`
	Conflict  *Conflict  `json:"conflict,omitempty"`
	Virtuals  []string   `json:"virtuals" nullable:"false"`
}

// Conflict is somebody else who claims an address while this cluster's director holds it.
type Conflict struct {
	Count uint64    `json:"count" doc:"claims heard since the address was taken up"`
	MAC   string    `json:"mac" doc:"the hardware address that the last one named"`
	At    time.Time `json:"at" doc:"when that was"`
}

// Virtual is one virtual server with its servers as the answering router sees them.
type Virtual struct {
	Name       string   `json:"name"`
	Address    string   `json:"address"`
	Ports      []uint16 `json:"ports" nullable:"false"`
	Ranges     []string `json:"port_ranges,omitempty" doc:"more ports: 8000-8100"`
	FWMark     uint32   `json:"fwmark"`
	Mark       uint32   `json:"mark,omitempty" doc:"the firewall mark under which the kernel has it: fwmark, or that of its several ports"`
	Protocol   string   `json:"protocol"`
	Scheduler  string   `json:"scheduler"`
	Forward    string   `json:"forward"`
	Persistent float64  `json:"persistent_seconds"`
	State      string   `json:"state" enum:"up,down,panic,unknown,inactive" doc:"down: fewer servers are up than min_servers; panic: so few that the last weights stand; inactive: the document keeps it and has it serve nothing"`
	Reason     string   `json:"reason,omitempty" doc:"why it is not up: 1 of 2 needed"`
	Servers    []Server `json:"servers" nullable:"false"`
	Rates      Rates    `json:"rates"`
}

// Server is one real server.
type Server struct {
	Name            string     `json:"name"`
	Address         string     `json:"address"`
	Port            uint16     `json:"port"`
	State           string     `json:"state" enum:"up,down,unknown,drain,disabled,leaving"`
	Health          string     `json:"health,omitempty" enum:"up,down,unknown,unchecked" doc:"what its check says, whatever operators say; unchecked: it has none and counts as up"`
	Overrides       []Override `json:"overrides,omitempty" doc:"what operators said of it and of its address"`
	Weight          int        `json:"weight" doc:"as the document and overrides say"`
	EffectiveWeight int        `json:"effective_weight" doc:"as the kernel has it; 0 also when it is out of the table"`
	Reason          string     `json:"reason" doc:"why it has another weight than it should, and the last check's answer"`
	Sorry           bool       `json:"sorry,omitempty" doc:"it answers only while the virtual is down"`
	Views           []View     `json:"views,omitempty" doc:"what each router sees; only where one sees the server up and another down"`
	Since           *time.Time `json:"since,omitempty"`
	Until           *time.Time `json:"until,omitempty" doc:"when it goes; only while it leaves"`
	Active          int        `json:"active_connections"`
	Inactive        int        `json:"inactive_connections"`
	Persistent      int        `json:"persistent_connections" doc:"clients that are to come here again"`
	Rates           Rates      `json:"rates"`
}

// Rates are the kernel's estimates.
type Rates struct {
	Connections uint64 `json:"connections_per_second"`
	PacketsIn   uint64 `json:"packets_in_per_second"`
	PacketsOut  uint64 `json:"packets_out_per_second"`
	BytesIn     uint64 `json:"bytes_in_per_second"`
	BytesOut    uint64 `json:"bytes_out_per_second"`
}

// Failover is the last time the lead changed hands.
type Failover struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Seconds float64   `json:"seconds,omitempty" doc:"from the last sign of the old director to the new one ready to hold; absent when nobody saw both"`
}

// Problem is something that needs an operator.
type Problem struct {
	Node string `json:"node,omitempty"`
	What string `json:"what"`
	Why  string `json:"why"`
	Fix  string `json:"fix,omitempty"`
}

// Sysctl is a kernel setting that the document needs on a router, or that was changed for one before.
type Sysctl struct {
	Name      string `json:"name"`
	Value     string `json:"value" doc:"what the kernel goes by now; empty: it could not be read"`
	Wanted    string `json:"wanted,omitempty" doc:"absent: nothing wants it any more"`
	Found     string `json:"found,omitempty" doc:"as it was before it was changed; absent: it never was"`
	State     string `json:"state" enum:"set,differs,left,kept,untouched" doc:"left: it is another, which serves too; kept: it stays as it was set until polso release --all; untouched: the document's sysctls keep it as it is"`
	For       string `json:"for,omitempty" doc:"what of the document wants it"`
	Otherwise string `json:"otherwise,omitempty" doc:"what happens without it"`
	Against   string `json:"against,omitempty" doc:"what else of the document needs another value than its sysctls give or keep, and why"`
}

// InitRequest makes a new cluster with this router as its first member.
type InitRequest struct {
	Cluster   string   `json:"cluster,omitempty" doc:"default: polso"`
	Advertise []string `json:"advertise" minItems:"1" doc:"addresses other routers reach this one at, HOST or HOST:PORT"`
	Profile   string   `json:"profile,omitempty" doc:"fast, lan (default), vm or wan"`
}

// InitAnswer tells how the others join.
type InitAnswer struct {
	Schema    string    `json:"schema"`
	Cluster   string    `json:"cluster"`
	Node      string    `json:"node"`
	Addresses []string  `json:"addresses" nullable:"false"`
	Token     string    `json:"token" doc:"admits routers for an hour"`
	Expires   time.Time `json:"expires_at"`
}

// JoinRequest makes this router a member of an existing cluster.
type JoinRequest struct {
	Addresses []string `json:"addresses" minItems:"1" doc:"of any member, HOST or HOST:PORT"`
	Token     string   `json:"token"`
	Advertise []string `json:"advertise" minItems:"1"`
	Replace   string   `json:"replace,omitempty" doc:"take this name from the member that bears it, which is removed"`
}

// JoinAnswer tells what was joined. Learner is true for a router that does not vote yet.
type JoinAnswer struct {
	Schema  string `json:"schema"`
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	Learner bool   `json:"learner"`
	Aside   string `json:"aside,omitempty" doc:"of a rejoin: the folder with this router's data of before"`
}

// TokenRequest asks for a join token.
type TokenRequest struct {
	Kind string  `json:"kind,omitempty" doc:"of what it admits: router (default), or witness, which votes and never directs"`
	TTL  float64 `json:"ttl_seconds,omitempty" doc:"default 3600"`
	Uses int     `json:"uses,omitempty" doc:"default 1"`
}

// Token is a join token; Text is there only in the answer that made it.
type Token struct {
	Schema  string    `json:"schema"`
	ID      string    `json:"id"`
	Text    string    `json:"token,omitempty"`
	Kind    string    `json:"kind"`
	Uses    int       `json:"uses"`
	Expires time.Time `json:"expires_at"`
	By      string    `json:"by"`
}

// File is one piece of a document as written.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// PlanRequest asks what a document would change.
type PlanRequest struct {
	Files []File   `json:"files" minItems:"1"`
	Drain *float64 `json:"drain_seconds,omitempty" minimum:"0" doc:"how long a removed server may keep its connections; 0: it goes at once; default 300"`
}

// Plan is what a document would change.
type Plan struct {
	Schema   string   `json:"schema"`
	Base     uint64   `json:"base_revision"`
	Changes  []Change `json:"changes" nullable:"false"`
	Summary  string   `json:"summary"`
	Text     string   `json:"text" doc:"the plan as people read it"`
	Warnings []string `json:"warnings" nullable:"false"`

	Routers []RouterPlan `json:"routers,omitempty" doc:"what each router would do; only of a plan that was asked for before a change"`
}

// Change is one line of a plan.
type Change struct {
	Symbol string        `json:"symbol" enum:"+,~,-,-/+"`
	Kind   string        `json:"kind"`
	Name   string        `json:"name"`
	Text   string        `json:"text,omitempty" doc:"of what is added or removed: its gist"`
	Fields []FieldChange `json:"fields,omitempty"`
	Note   string        `json:"note,omitempty" doc:"what it means for connections"`
	Active int           `json:"active_connections,omitempty" doc:"established connections that it touches now, on the router that directs"`
}

// FieldChange is one value that changes.
type FieldChange struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// ApplyRequest replaces the document.
type ApplyRequest struct {
	Files     []File   `json:"files" minItems:"1"`
	Base      uint64   `json:"base_revision,omitempty" doc:"refuse with conflict unless this is the running revision; 0: no check"`
	Message   string   `json:"message,omitempty" maxLength:"1000"`
	RequestID string   `json:"request_id,omitempty" maxLength:"64" doc:"repeat a request as it was, with the same ID, and it is answered, not done again"`
	Drain     *float64 `json:"drain_seconds,omitempty" minimum:"0" doc:"as for a plan"`
	Adopt     bool     `json:"adopt,omitempty" doc:"let go of services in the kernel that Polso did not put there"`

	ConfirmSeconds float64 `json:"confirm_seconds,omitempty" minimum:"0" doc:"it goes back by itself after so long, 10 to 86400, unless it is confirmed; 0: it stays"`
}

// RollbackRequest makes an old document run again, as a new revision.
type RollbackRequest struct {
	Revision  uint64   `json:"revision,omitempty" doc:"0: the one before base_revision, or before the running one"`
	Base      uint64   `json:"base_revision,omitempty" doc:"refuse with conflict unless this is the running revision; 0: no check"`
	Message   string   `json:"message,omitempty"`
	RequestID string   `json:"request_id,omitempty" doc:"as for apply; needs revision or base_revision"`
	Drain     *float64 `json:"drain_seconds,omitempty" minimum:"0" doc:"as for a plan"`
	DryRun    bool     `json:"dry_run,omitempty"`

	ConfirmSeconds float64 `json:"confirm_seconds,omitempty" minimum:"0" doc:"it goes back by itself after so long, 10 to 86400, unless it is confirmed; 0: it stays"`
}

// Applied is the outcome of a write to the document.
type Applied struct {
	Schema    string `json:"schema"`
	Revision  uint64 `json:"revision"`
	Before    uint64 `json:"before" doc:"the revision that ran before; undo with a rollback to it"`
	Unchanged bool   `json:"unchanged"`
	Rollback  uint64 `json:"rollback_of,omitempty" doc:"of a rollback: the revision whose document runs again"`
	Plan      Plan   `json:"plan"`

	Confirm  *Confirmation   `json:"confirm,omitempty" doc:"the revision waits to be confirmed"`
	Snapshot *SnapshotOrigin `json:"snapshot,omitempty" doc:"of a restore: what it was restored from"`
}

// Revision is one document of the history.
type Revision struct {
	Schema   string          `json:"schema"`
	Number   uint64          `json:"revision"`
	At       time.Time       `json:"at"`
	Author   string          `json:"author"`
	Address  string          `json:"address,omitempty" doc:"where the author's request came from; absent over the unix socket"`
	Via      string          `json:"via,omitempty" doc:"the router that the author asked"`
	Message  string          `json:"message"`
	Current  bool            `json:"current"`
	Summary  string          `json:"summary,omitempty" doc:"what it changed"`
	Changes  string          `json:"changes,omitempty" doc:"the same in full, as people read it; only when that is asked for"`
	Source   string          `json:"source,omitempty" doc:"the text as written; only when one revision is asked for"`
	Document json.RawMessage `json:"document,omitempty" doc:"the canonical document; only when one revision is asked for"`
}

// TransferRequest asks for a planned switchover.
type TransferRequest struct {
	To    string `json:"to,omitempty" doc:"a router's name; empty: the first fit one in the document's order"`
	Force bool   `json:"force,omitempty" doc:"even to a router that is not fit; not to one without a vote or one that has not caught up"`
}

// Transferred is a finished switchover.
type Transferred struct {
	Schema  string   `json:"schema"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Seconds float64  `json:"seconds" doc:"from the addresses let go to the new leader ready to hold them"`
	Checked []string `json:"checked,omitempty" doc:"what was looked at in the new director beforehand"`
	Despite []string `json:"despite,omitempty" doc:"what spoke against it and was passed over by force"`
	Note    string   `json:"note,omitempty" doc:"what will happen next"`
}

// Done says that something without a result of its own was done.
type Done struct {
	Schema   string   `json:"schema"`
	Done     []string `json:"done" nullable:"false" doc:"what was done, in words"`
	Warnings []string `json:"warnings,omitempty" doc:"what the caller may not have meant"`
}

// AnnounceRequest asks the holder to announce addresses again.
type AnnounceRequest struct {
	Addresses []string `json:"addresses,omitempty" doc:"empty: all that this router holds"`
}

// IPVS is this router's kernel table.
type IPVS struct {
	Schema   string        `json:"schema"`
	Node     string        `json:"node"`
	Text     string        `json:"text" doc:"in ipvsadm's layout, as asked"`
	Services []IPVSService `json:"services" nullable:"false"`
}

// IPVSService is one service of the kernel's table.
type IPVSService struct {
	Service      string            `json:"service" doc:"tcp 192.0.2.10:80, or fwmark 7"`
	Scheduler    string            `json:"scheduler"`
	Flags        []string          `json:"flags" nullable:"false"`
	Persistent   float64           `json:"persistent_seconds"`
	Engine       string            `json:"engine,omitempty" doc:"the persistence engine"`
	Destinations []IPVSDestination `json:"destinations" nullable:"false"`
}

// IPVSDestination is one destination of a service.
type IPVSDestination struct {
	Address  string `json:"address"`
	Forward  string `json:"forward" doc:"nat, dr or tun, as in the document; local for this router itself"`
	Weight   int    `json:"weight"`
	Upper    uint32 `json:"upper_threshold,omitempty" doc:"at so many connections it takes no new one; absent: no limit"`
	Lower    uint32 `json:"lower_threshold,omitempty" doc:"until it is below this one again"`
	Active   int    `json:"active_connections"`
	Inactive int    `json:"inactive_connections"`

	Tunnel *IPVSTunnel `json:"tunnel,omitempty" doc:"with tun"`
}

// IPVSTunnel is what a packet to a destination goes in.
type IPVSTunnel struct {
	Type      string `json:"type" enum:"ipip,gue,gre"`
	Port      uint16 `json:"port,omitempty" doc:"gue's"`
	Checksums string `json:"checksums,omitempty" enum:"csum,remcsum,nocsum" doc:"of the outer packet, in ipvsadm's word"`
}

// Finding is one line of `polso doctor`.
type Finding struct {
	Name   string `json:"name" doc:"what was looked at"`
	Level  string `json:"level" enum:"ok,warn,fail"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// Findings is what `polso doctor` found.
type Findings struct {
	Schema   string    `json:"schema"`
	Node     string    `json:"node"`
	Findings []Finding `json:"findings" nullable:"false"`
}

// Version tells what runs.
type Version struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}
