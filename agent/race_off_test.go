//go:build !race

package agent

// testProfile is the default one.
const testProfile = "lan"
