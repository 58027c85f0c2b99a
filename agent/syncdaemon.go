package agent

import (
	"slices"

	"polso/api"
	"polso/director"
	"polso/ipvs"
)

// lasting are the reasons against a router that somebody has to do something about: it learns the connections by itself.
func lasting(unfit []string) []string {
	return slices.DeleteFunc(slices.Clone(unfit), func(why string) bool { return why == director.Learning })
}

// syncDaemon is the connection synchronisation that runs on this router; nil if none does.
func syncDaemon(dir *director.Status) *api.SyncDaemon {
	if len(dir.Sync) == 0 {
		return nil
	}
	out := &api.SyncDaemon{Interface: dir.Sync[0].Link, ID: int(dir.Sync[0].ID)}
	for _, d := range dir.Sync {
		out.Master = out.Master || d.Role == ipvs.Master
		out.Backup = out.Backup || d.Role == ipvs.Backup
	}
	out.Ready = out.Backup && !slices.Contains(dir.Unfit, director.Learning)
	return out
}
