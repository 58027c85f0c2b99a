package convert

import (
	"fmt"
	"time"

	"polso/config"
)

// routerCheck is a router_check block of the document to be.
type routerCheck struct {
	config.RouterCheck
	path string
	gone bool
}

// routerCheck adds a router_check that is asked every second and believed at once, as virtual does a virtual.
func (b *builder) routerCheck(wish string, at place) *routerCheck {
	c := &routerCheck{RouterCheck: config.RouterCheck{Every: time.Second, Timeout: time.Second, Rise: 1, Fall: 1}}
	c.Name, c.path = b.name("", "router_check", wish, at)
	b.routerChecks = append(b.routerChecks, c)
	b.found[c.path] = c
	return c
}

// without takes the router_check out, and returns what that was; "" for nothing.
func (c *routerCheck) without() string {
	if c.gone {
		return ""
	}
	c.gone = true
	return fmt.Sprintf("router_check %q (%s)", c.Name, c.Asks())
}

// wholeRouterChecks are the router_checks that are left.
func (b *builder) wholeRouterChecks() []config.RouterCheck {
	var out []config.RouterCheck
	for _, c := range b.routerChecks {
		if !c.gone {
			out = append(out, c.RouterCheck)
		}
	}
	return out
}
