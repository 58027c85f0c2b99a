package lab

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestOneCluster: the scenarios that ask nothing of how their laboratory is built, one after another on one cluster, as forming one
// takes a quarter of a minute on an emulated machine. After one that failed the others get a new cluster. `make scenario
// RUN=TestOneCluster//Drain` runs one alone.
func TestOneCluster(t *testing.T) {
	type scenario struct {
		name string
		run  func(t *testing.T, ctx context.Context, l *Lab)
	}
	left := []scenario{
		{"Numbers", numbers}, // counts connections, which kernels remember for minutes: the first
		{"FormAndReplicate", formAndReplicate},
		{"TwoWriters", twoWriters},
		{"ConfirmAcrossAFailover", confirmAcrossAFailover},
		{"ImportedPiranhaPair", importedPiranhaPair},
		{"DirectorLost", directorLost},
		{"ColdDirectorLost", coldDirectorLost},
		{"AllRestartedAtOnce", allRestartedAtOnce},
		{"RouterThatLostItsData", routerThatLostItsData},
		{"DirectorStoppedForTenSeconds", directorStoppedForTenSeconds},
		{"Drain", drain},
		{"Checks", checks},
		{"Votes", votes},
		{"RouterChecks", routerChecks},
		{"ThroughTheVirtual", throughTheVirtual},
		{"OperatorsHand", operatorsHand},
		{"Watching", watching},
		{"BadLink", badLink},
		{"FlowsSurviveFailover", flowsSurviveFailover}, // before anybody schedules by mh, after which kernels take connections up
		{"FlowSurvival", flowSurvival},
		{"ChangeCutsNoConnection", changeCutsNoConnection}, // changes settings of the routers' kernels
		{"Ports", ports},                                   // takes the gateway of the servers behind away
		{"RoutersThatServe", routersThatServe},             // gives routers the virtual address: the last
	}
	for len(left) > 0 {
		formed := false
		t.Run("cluster", func(t *testing.T) {
			// The names of links that an imported lvs.cf has, too.
			ctx, l := formOf(t, Options{AgentFlags: []string{"--interface", "eth0=eth0", "--interface", "eth1=eth1"}})
			formed = true
			wantStatus(t, ctx, l)
			for len(left) > 0 {
				next := left[0]
				left = left[1:]
				began := time.Now()
				ok := t.Run(next.name, func(t *testing.T) { next.run(t, ctx, l) })
				fmt.Printf("=== lab: %s: %.0f s\n", next.name, time.Since(began).Seconds()) // told without -test.v, too
				if !ok {
					return
				}
			}
		})
		if !formed {
			return
		}
	}
}

// have puts the virtual servers in the place of all that scenarios before have left.
func have(t *testing.T, ctx context.Context, l *Lab, virtuals ...Virtual) {
	t.Helper()
	must(t, l.WaitWhole(ctx))
	empty := map[string]any{"files": []map[string]string{{"name": "edge.hcl", "text": "cluster {}\n"}}}
	must(t, l.Routers[0].Ask(ctx, http.MethodPost, "/v1/document", empty, nil))
	if _, err := l.SameTable(ctx, 1); err != nil { // an empty line
		t.Fatal(err)
	}
	if len(virtuals) > 0 {
		must(t, l.Apply(ctx, l.Routers[0], l.Document(virtuals...)))
		_, err := l.SameTable(ctx, tableLines(virtuals...))
		must(t, err)
	}
}
