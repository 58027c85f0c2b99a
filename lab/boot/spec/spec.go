// Package spec is what the laboratory's boot tool and the init program inside the virtual machine agree on.
package spec

// The virtio serial ports between the two sides, by name. Out and Err carry the command's two streams as they are; Control
// carries lines from inside: "ready" once the command is about to start, then "exit N", or "fail TEXT" if it never ran.
const (
	PortOut     = "polso.out"
	PortErr     = "polso.err"
	PortControl = "polso.ctl"
)

// Path is where the Spec (JSON) lies in the initial RAM disk; ModulesDir holds the modules init loads itself, in the
// order of their names.
const (
	Path       = "/spec.json"
	ModulesDir = "/m"
)

// Guest is the address that qemu's forwarded ports lead to.
const Guest = "10.0.2.15/24"

// Spec tells init what to prepare and what to run.
type Spec struct {
	Command []string // argv; the first is looked up in PATH inside
	Env     []string // the whole environment
	Dir     string   // working directory
	Modules string   // the folder that becomes /lib/modules; "" leaves it alone
	Load    []string // modules to load by name once the root is there; one that is missing is passed over
	Near    []string // programs to copy into memory, by name; one that is missing is passed over
	Address string   // of eth0, with its prefix; "" where there is none
	Shares  []Share  // folders that are written through to the host
}

// Share is a folder of the host, mounted writable at the same path inside.
type Share struct {
	Tag  string // the 9p mount tag
	Path string
}

// RootTag is the 9p mount tag of the host's root, which is never written to.
const RootTag = "root"
