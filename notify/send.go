package notify

import (
	"context"
	"fmt"

	"polso/config"
)

// Answer is what came back from who was told.
type Answer struct {
	Status string // in its own words: "204 No Content", "exit status 0", "250 2.0.0 Ok: queued as 4F2"; "" from nobody
	Output string // the beginning of what a receiver answered, or the end of what a command printed
}

// How many bytes are kept of what anybody says: for who asked for a test, and for the log.
const (
	outputKept = 2048
	outputLog  = 200
)

// Send is the Sender that runs commands, posts and mails.
func Send(ctx context.Context, n config.Notify, events []Event) error {
	_, err := tell(ctx, n, events)
	return err
}

// tell tells n, and returns the last answer, which may come with an error: a receiver that refuses says why.
func tell(ctx context.Context, n config.Notify, events []Event) (Answer, error) {
	if len(n.Mail) > 0 {
		return mail(ctx, n, events)
	}
	one := post
	switch {
	case len(n.Command) > 0:
		one = runCommand
	case n.Webhook == "":
		return Answer{}, fatal{fmt.Errorf("notify %q says no way to tell", n.Name)}
	}
	var last Answer
	for _, e := range events {
		var err error
		if last, err = one(ctx, n, e); err != nil {
			return last, err
		}
	}
	return last, nil
}
