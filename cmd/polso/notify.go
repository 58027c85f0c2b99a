package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) notifyCmd() *cobra.Command {
	const examples = `  polso notify test pager                                # from every router
  polso notify test pager --router r2
  polso notify test pager -o json`
	var req api.NoticeTestRequest
	c := &cobra.Command{Use: "notify", Short: "Try whether somebody is told", Example: examples}
	test := a.sortable(&cobra.Command{
		Use:   "test NAME",
		Short: "Have a notify block of the running document tell of a test, once, now",
		Long: `Have a notify block of the running document tell of a test, once, now: the event "test", whichever events the block wants. Every router
does, since any of them may have to, or the one that --router names. Nothing waits for it, and the block's limit does not count it.
What came back is shown; exit status 3 when somebody was not told. The audit says that it was tested.`,
		Example: examples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Notify = args[0]
			cl, err := a.client()
			if err != nil {
				return err
			}
			got, err := cl.TestNotice(cmd.Context(), req)
			if err != nil {
				return err
			}
			a.warn(got.Warnings)
			if err := a.print(got, func(w io.Writer) error { return a.noticeTest(w, got) }); err != nil {
				return err
			}
			for _, one := range got.Results {
				if !one.Told {
					return status(exitDegraded)
				}
			}
			return nil
		},
	})
	test.Flags().StringVar(&req.Router, "router", "", "the router that tells; default: each of them")
	c.AddCommand(test)
	return c
}

// noticeTest is what came back, by router, then what was said at length.
func (a *app) noticeTest(w io.Writer, got api.NoticeTest) error {
	if a.names() {
		for _, one := range got.Results {
			fmt.Fprintln(w, "router/"+one.Router)
		}
		return nil
	}
	t := newTable("ROUTER", "TOLD", ">TOOK", "ANSWER", "TO")
	for _, one := range got.Results {
		told := "no"
		if one.Told {
			told = "yes"
		}
		t.row(one.Router, told, figures.Milliseconds(one.Seconds), oneLine(one.Answer), got.To)
	}
	if err := a.table(w, t); err != nil {
		return err
	}
	for _, one := range got.Results {
		if one.Output == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s got\n", one.Router)
		for _, line := range figures.Octets([]byte(one.Output)) {
			fmt.Fprintf(w, "    | %s\n", line)
		}
	}
	for _, one := range got.Results {
		if one.Hint != "" {
			a.tell("Hint: %s: %s", one.Router, sentence(one.Hint))
		}
	}
	return nil
}
