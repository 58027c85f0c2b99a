package notify

import (
	"slices"
	"testing"

	"polso/config"
)

func picture(up bool) Picture {
	return Picture{
		Active: true, Revision: 3,
		Servers:   map[Place]Server{{"web", "a"}: {Up: up, Address: "10.0.0.11:80", Reason: "tcp: refused"}},
		Virtuals:  map[string]Virtual{"web": {Up: up, Reason: "0 of 1 servers up"}},
		Routers:   map[string]bool{"r2": up},
		Conflicts: map[string]string{},
	}
}

func kinds(events []Event) (out []config.EventKind) {
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

func TestChanges(t *testing.T) {
	standby := picture(false)
	standby.Active = false
	another := picture(true)
	another.Revision = 4
	claimed := picture(true)
	claimed.Conflicts = map[string]string{"192.0.2.10": "02:00:00:00:00:01"}
	grown := picture(true)
	grown.Servers = map[Place]Server{{"web", "a"}: {Up: true}, {"web", "b"}: {Up: false}}
	for name, c := range map[string]struct {
		before, now Picture
		want        []config.EventKind
	}{
		"nothing":                             {picture(true), picture(true), nil},
		"all goes down":                       {picture(true), picture(false), []config.EventKind{config.EventVirtualDown, config.EventServerDown, config.EventRouterLost}},
		"all comes back":                      {picture(false), picture(true), []config.EventKind{config.EventVirtualUp, config.EventServerUp, config.EventRouterBack}},
		"the lead is taken":                   {standby, picture(false), []config.EventKind{config.EventActive}},
		"the lead goes":                       {picture(true), standby, []config.EventKind{config.EventInactive}},
		"who stands by tells nothing":         {Picture{Servers: picture(true).Servers}, standby, nil},
		"another document":                    {picture(true), another, []config.EventKind{config.EventRevision}},
		"an address is claimed":               {picture(true), claimed, []config.EventKind{config.EventConflict}},
		"a claim is told once":                {claimed, claimed, nil},
		"a server that the document brought":  {picture(true), grown, nil},
		"the first look of all tells of lead": {Picture{}, picture(true), []config.EventKind{config.EventActive}},
	} {
		if got := kinds(Changes(c.before, c.now)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWants(t *testing.T) {
	e := Event{Kind: config.EventServerDown, Virtual: "web"}
	for _, c := range []struct {
		block config.Notify
		want  bool
	}{
		{config.Notify{}, true},
		{config.Notify{Events: []config.EventKind{config.EventServerDown}}, true},
		{config.Notify{Events: []config.EventKind{config.EventActive}}, false},
		{config.Notify{Virtuals: []string{"web"}}, true},
		{config.Notify{Virtuals: []string{"mail"}}, false},
	} {
		if got := wants(c.block, e); got != c.want {
			t.Errorf("%+v: %v", c.block, got)
		}
	}
	if wants(config.Notify{Virtuals: []string{"web"}}, Event{Kind: config.EventActive}) {
		t.Error("a block for one virtual is told of the lead")
	}
}
