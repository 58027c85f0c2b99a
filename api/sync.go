package api

// SyncDaemon is how a router shares its connections with the others.
type SyncDaemon struct {
	Interface string `json:"interface" doc:"the device"`
	ID        int    `json:"id"`
	Master    bool   `json:"master" doc:"tells the others of its connections"`
	Backup    bool   `json:"backup" doc:"listens to theirs"`
	Ready     bool   `json:"ready" doc:"has listened for long enough to know them, or balances them itself"`
}
