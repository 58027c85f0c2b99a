// Package agent is one node, wired: it opens everything, starts every goroutine in one group and closes in reverse.
package agent
