package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

// patience is how long a shell waits for names: somebody has pressed a key.
const patience = time.Second

// completing gives every command below c what its arguments can be, by the words of its usage line: VIRTUAL, SERVER, ROUTER.
func (a *app) completing(c *cobra.Command) {
	if words := placesOf(c); len(words) > 0 && len(c.ValidArgs) == 0 && !c.HasSubCommands() {
		c.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			at := len(args)
			if last := len(words) - 1; at > last && strings.HasSuffix(words[last], "...") {
				at = last
			}
			if at >= len(words) {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.complete(cmd, words[at], begun)
		}
	}
	for _, flag := range []string{"router", "on"} {
		// It fails for who has no such flag.
		_ = c.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			return a.complete(cmd, "ROUTER", begun)
		})
	}
	for _, sub := range c.Commands() {
		a.completing(sub)
	}
}

// placesOf are the arguments that a command's usage line names, each without what says that it may be left out. The NAME of a
// router is a ROUTER: one word for one thing.
func placesOf(c *cobra.Command) []string {
	words := strings.Fields(c.Use)
	var places []string
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "-") || w == "|" {
			break
		}
		if strings.HasPrefix(w, "[") {
			w = strings.TrimSuffix(w[1:], "]")
		}
		if w == "NAME" && c.HasParent() {
			w = strings.ToUpper(c.Name()) + " NAME"
		}
		places = append(places, w)
	}
	return places
}

// complete is what can stand in a place of a usage line and goes on with what was begun. It says nothing where no agent answers,
// or not in time.
func (a *app) complete(cmd *cobra.Command, place, begun string) ([]string, cobra.ShellCompDirective) {
	if place == "FILE" || place == "FILE..." || place == "DIR" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	if place == "ATTRIBUTE=VALUE..." {
		return beginning(attributesOf(cmd.Name()), begun), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	cl, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	names, _ := namesFor(ctx, cl, place) // without an agent there are none
	return beginning(names, begun), cobra.ShellCompDirectiveNoFileComp
}

// namesFor asks the agent for what a place can take: names, each with a tab and a word on it if there is one to say.
func namesFor(ctx context.Context, cl *api.Client, place string) ([]string, error) {
	switch strings.TrimSuffix(place, "...") {
	case "VIRTUAL NAME", "VIRTUAL/SERVER", "VIRTUAL/NAME", "VIRTUAL[/SERVER]", "ADDRESS":
		st, err := cl.Status(ctx)
		return namesOf(st, place), err
	case "ROUTER NAME", "ROUTER", "VIP", "VIP NAME":
		st, err := cl.BriefStatus(ctx)
		return namesOf(st, place), err
	case "REVISION":
		list, err := cl.History(ctx, 20)
		names := make([]string, len(list))
		for i, r := range list {
			names[i] = strconv.FormatUint(r.Number, 10) + "\t" + oneLine(r.Message)
		}
		return names, err
	case "ID":
		tokens, err := cl.Tokens(ctx)
		names := make([]string, len(tokens))
		for i, t := range tokens {
			names[i] = t.ID
		}
		more, refused := cl.AccessTokens(ctx)
		for _, t := range more {
			names = append(names, t.ID+"\t"+t.Note)
		}
		return names, cmp.Or(err, refused)
	case "USER":
		users, err := cl.Users(ctx)
		names := make([]string, len(users))
		for i, u := range users {
			names[i] = u.Name + "\t" + string(u.Role)
		}
		return names, err
	case "PROFILE":
		p, err := cl.Profile(ctx)
		names := make([]string, len(p.Known))
		for i, k := range p.Known {
			names[i] = k.Name
		}
		return names, err
	}
	return nil, nil
}

// namesOf are names out of the status.
func namesOf(st api.Status, place string) []string {
	var names []string
	switch place {
	case "ROUTER NAME", "ROUTER":
		for _, m := range st.Members {
			names = append(names, m.Name+"\t"+m.State)
		}
		return names
	case "VIP NAME":
		for _, v := range st.VIPs {
			names = append(names, v.Name+"\t"+v.Address)
		}
		return names
	case "VIP", "VIP...":
		for _, v := range st.VIPs {
			names = append(names, v.Address+"\ton "+v.On)
		}
		return names
	}
	for _, v := range st.Virtuals {
		if place == "VIRTUAL NAME" || place == "VIRTUAL[/SERVER]" {
			names = append(names, v.Name+"\t"+v.State)
		}
		if place == "VIRTUAL NAME" {
			continue
		}
		for _, s := range v.Servers {
			if place == "ADDRESS" {
				names = append(names, s.Address)
			} else {
				names = append(names, v.Name+"/"+s.Name+"\t"+s.State)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// attributesOf are those that a part of the document can be given.
func attributesOf(part string) []string {
	path := part
	if part == string(config.KindServer) {
		path = "virtual.server"
	}
	topic, err := config.Explain(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range topic.Topics {
		switch {
		case t.Form != "":
			names = append(names, t.Name+"=\t"+t.Text)
		case t.Label == "":
			names = append(names, t.Name+".\t"+t.Text)
		}
	}
	return names
}

func beginning(names []string, begun string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, begun) })
}
