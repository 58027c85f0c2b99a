package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"polso/config"
)

// kaEnvironment is what every program that is told of something has to know.
const kaEnvironment = "the director alone runs it, so that what it writes is on that router; POLSO_EVENT, POLSO_SERVER and POLSO_REASON say what happened"

// notifyBlock adds a block that runs a program, unless there is one that does the same.
func (k *kaImport) notifyBlock(wish string, at place, s kaScript, said kaSaid, virtuals []*virtual, events ...config.EventKind) {
	key := fmt.Sprintf("%q %q %q", s.command, s.user, events)
	for _, v := range virtuals {
		key += " " + v.path
	}
	if n := k.runs[key]; n != nil {
		k.say(n.path, at, kaSay(Hint, "notify %q does it already", n.Name))
		return
	}
	n := k.b.notify(wish, at)
	k.runs[key] = n
	n.Command, n.User, n.Events, n.virtuals = s.command, s.user, events, virtuals
	k.say(n.path, at, said)
}

// kaTransitions is what a vrrp_instance or a vrrp_sync_group runs when its state changes; kind is what keepalived calls it.
type kaTransitions struct {
	k          *kaImport
	kind, name string
	priority   string
	nodes      map[string]*kaNode // by their word
}

func (k *kaImport) transitions(kind string, block *kaNode) *kaTransitions {
	t := &kaTransitions{k: k, kind: kind, name: block.word(0), priority: "100", nodes: make(map[string]*kaNode)}
	if n := block.statement("priority"); n != nil {
		t.priority = cmp.Or(n.word(0), t.priority)
	}
	return t
}

// kaStates are the words of transitions that have an event.
var kaStates = strings.Fields("notify_master notify_backup notify_fault notify_stop notify")

// statements are those that tell of transitions.
func (t *kaTransitions) statements(s kaStatements) kaStatements {
	for _, word := range kaStates {
		s[word] = func(n *kaNode) kaSaid {
			if t.nodes[word] != nil {
				return kaSay(Lost, "there is another %s above", word)
			}
			t.nodes[word] = n
			return kaSaid{}
		}
	}
	return s
}

// build adds the notify blocks. A router that directs no more tells inactive, whatever the reason is.
func (t *kaTransitions) build() {
	t.run("active", t.nodes["notify_master"], config.EventActive)
	var leaving *kaNode
	for _, word := range []string{"notify_backup", "notify_fault", "notify_stop"} {
		n := t.nodes[word]
		switch {
		case n == nil:
		case leaving == nil:
			leaving = n
			t.run("inactive", n, config.EventInactive)
		case slices.Equal(n.words[1:], leaving.words[1:]):
			t.k.say(kaCluster, n.at, kaSay(Hint, "inactive is told for it too, and runs the same"))
		default:
			t.k.say(kaCluster, n.at, kaSay(Lost, "inactive is told for whatever reason a router directs no more, and runs what %s names", leaving.words[0]))
		}
	}
	if n := t.nodes["notify"]; n != nil {
		t.run("notify-active", n, config.EventActive, t.kind, t.name, "MASTER", t.priority)
		t.run("notify-inactive", n, config.EventInactive, t.kind, t.name, "BACKUP", t.priority)
	}
}

// run adds a block for what a statement names, if there is one.
func (t *kaTransitions) run(what string, n *kaNode, event config.EventKind, more ...string) {
	if n == nil {
		return
	}
	s, said := t.k.script(n, t.k.user, more...)
	if s.command == nil {
		t.k.say(kaCluster, n.at, said)
		return
	}
	if len(more) > 0 {
		said = kaAlso(said, kaSaid{Changed, "runs with MASTER when the router directs, and with BACKUP when it does no more; FAULT and STOP are not told apart"})
	}
	t.k.notifyBlock(strings.TrimPrefix(t.name+"-"+what, "-"), n.at, s, said, nil, event)
}

// quorums adds what runs when the virtual comes and goes.
func (v *kaVirtual) quorums() {
	for _, x := range []struct {
		word, name string
		event      config.EventKind
	}{{"quorum_up", "up", config.EventVirtualUp}, {"quorum_down", "down", config.EventVirtualDown}} {
		n := v.quorumScripts[x.word]
		if n == nil {
			continue
		}
		s, said := v.k.script(n, v.k.user)
		if s.command == nil {
			v.k.say(v.about, n.at, said)
			continue
		}
		v.k.notifyBlock(v.virtuals[0].Name+"-"+x.name, n.at, s, kaAlso(said, kaSaid{Changed, kaEnvironment}), v.virtuals, x.event)
	}
}

// kaLongestCommand keeps a line for a shell well within what the kernel takes for one argument.
const kaLongestCommand = 1 << 16

// serverScripts adds what runs when servers come and go. A notify block is about all of a virtual's servers: where they differ, a
// shell tells them apart.
func (v *kaVirtual) serverScripts() {
	for _, x := range []struct {
		word, name string
		event      config.EventKind
	}{{"notify_up", "server-up", config.EventServerUp}, {"notify_down", "server-down", config.EventServerDown}} {
		var list []kaServerScript
		for _, s := range v.servers {
			if n := s.scripts[x.word]; n != nil {
				script, said := v.k.script(n, v.k.user)
				if script.command == nil {
					v.k.say(s.about, n.at, said)
					continue
				}
				list = append(list, kaServerScript{s.parts[0].Name, n, script, said})
			}
		}
		wish := v.virtuals[0].Name + "-" + x.name
		for len(list) > 0 { // a block for each user
			user := list[0].user
			var mine []kaServerScript
			list = slices.DeleteFunc(list, func(s kaServerScript) bool {
				if s.user == user {
					mine = append(mine, s)
				}
				return s.user == user
			})
			v.serverBlock(wish, x.event, user, mine)
			wish = v.virtuals[0].Name + "-" + x.name + "-2"
		}
	}
}

// kaServerScript is what runs for a server.
type kaServerScript struct {
	server string
	node   *kaNode
	kaScript
	said kaSaid
}

// serverBlock adds the block for what runs as one user.
func (v *kaVirtual) serverBlock(wish string, event config.EventKind, user string, list []kaServerScript) {
	script, changed := list[0].kaScript, kaEnvironment
	if len(list) != len(v.servers) || slices.ContainsFunc(list, func(s kaServerScript) bool { return !s.equal(script) }) {
		script.command, changed = []string{"/bin/sh", "-c", kaCases(list)}, kaEnvironment+"; a shell tells the servers apart"
	}
	if len(script.command[len(script.command)-1]) > kaLongestCommand {
		v.k.say(v.about, list[0].node.at, kaSaid{Lost, "so many servers do not go into one command; write one that looks at POLSO_SERVER"})
		return
	}
	n := v.k.b.notify(wish, list[0].node.at)
	n.Command, n.User, n.Events, n.virtuals = script.command, user, []config.EventKind{event}, v.virtuals
	for _, s := range list {
		v.k.say(n.path, s.node.at, kaAlso(s.said, kaSaid{Changed, changed}))
	}
}

// kaCases runs what is of the server that the event is about.
func kaCases(list []kaServerScript) string {
	var lines []string
	servers := make(map[string][]string)
	for _, s := range list {
		line := s.shell()
		if servers[line] == nil {
			lines = append(lines, line)
		}
		servers[line] = append(servers[line], s.server)
	}
	var b strings.Builder
	b.WriteString("case $POLSO_SERVER in ")
	for _, line := range lines {
		fmt.Fprintf(&b, "%s) exec %s;; ", strings.Join(servers[line], "|"), line)
	}
	return b.String() + "esac"
}
