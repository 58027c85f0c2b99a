package agent

import "io"

// Alone keeps agents out of this network namespace until it is closed, for a command that changes its kernel without one. While an agent
// runs there it refuses (api.CodeRefused).
func Alone() (io.Closer, error) { return alone() }
