package api

// Profile is the cluster's timing.
type Profile struct {
	Schema  string         `json:"schema"`
	Profile string         `json:"profile"`
	H       float64        `json:"h_seconds" doc:"how long a silent director is waited for"`
	Change  *ProfileChange `json:"change,omitempty" doc:"the change that is under way"`
	Known   []KnownProfile `json:"known" nullable:"false"`
}

// KnownProfile is a profile that can be chosen.
type KnownProfile struct {
	Name string  `json:"name"`
	H    float64 `json:"h_seconds"`
}

// ProfileChange is a change of the profile that is under way.
type ProfileChange struct {
	To      string   `json:"to"`
	Step    string   `json:"step" enum:"both,last" doc:"both: routers lead by the shorter and promise by the longer timing, until every one has said that it does; last: they take the new one alone"`
	Waiting []string `json:"waiting_for" nullable:"false" doc:"names of the routers that have not said so yet"`
}

// ProfileRequest chooses the cluster's timing.
type ProfileRequest struct {
	Profile string `json:"profile" doc:"fast, lan, vm or wan; the present one takes back a change that is under way"`
}

// Timing is what a router's share of the group follows. Lease and Promise differ while the profile changes.
type Timing struct {
	Lease   string `json:"lease" doc:"the profile that it leads by"`
	Promise string `json:"promise" doc:"the profile whose time it elects nobody else for"`
	Change  uint64 `json:"change" doc:"which change of the profile it has followed"`
	Restart bool   `json:"restart_pending,omitempty" doc:"it follows the next one once the leader has it restart"`
}
