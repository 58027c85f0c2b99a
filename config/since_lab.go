//go:build lab

package config

// pretended is what the laboratory's binary takes for new, so that a level above the first can be tried while no release has one:
// a document with it is nothing that the release before could read.
func pretended() Since { return Since{"virtual.hysteresis": 2} }
