// Package splice makes one connection of two.
package splice

import (
	"io"
	"net"
	"sync"
)

// Both passes on what comes on either connection to the other until both directions have ended, and closes both. An end or an error of one
// direction leaves the other open, as TCP does.
func Both(a, b *net.TCPConn) {
	var both sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{a, b}, {b, a}} {
		both.Go(func() {
			// Either side's error ends that direction: nobody else is there to be told.
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].CloseWrite()
		})
	}
	both.Wait()
	a.Close()
	b.Close()
}
