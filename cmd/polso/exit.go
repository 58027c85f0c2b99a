package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"polso/api"
)

// The exit codes, as the manual documents them.
const (
	exitOK         = 0
	exitFailure    = 1
	exitChanges    = 2 // plan --exit-code has changes
	exitDegraded   = 3
	exitNoLeader   = 4 // or the agent does not answer
	exitConflict   = 5
	exitNotFound   = 6
	exitTimeout    = 7
	exitUsage      = 64
	exitNotAllowed = 77
)

// exitCodes are all of them with what they mean.
func exitCodes() []exitMeaning {
	return []exitMeaning{
		{exitOK, "done"},
		{exitFailure, "it failed, or was refused"},
		{exitChanges, "with --exit-code: the plan, or the comparison, has changes"},
		{exitDegraded, "status, check and doctor: not everything is well"},
		{exitNoLeader, "the cluster has no leader, or the agent does not answer"},
		{exitConflict, "somebody else was faster: the document has changed meanwhile, or the request ID was used for something else"},
		{exitNotFound, "there is no such thing"},
		{exitTimeout, "the time to wait was over"},
		{exitUsage, "the command line is not understood"},
		{exitNotAllowed, "not permitted"},
	}
}

type exitMeaning struct {
	code  int
	means string
}

// status is an error that only carries an exit code: everything was said already.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a command line that is not understood.
type usageError struct{ err error }

func (u usageError) Error() string { return u.err.Error() }

func (u usageError) Unwrap() error { return u.err }

// exit reports err as people read it and answers the exit code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitOK
	}
	if s, ok := errors.AsType[status](err); ok {
		return int(s)
	}
	if u, ok := errors.AsType[usageError](err); ok {
		e, ok := errors.AsType[*api.Error](u.err)
		if !ok {
			e = api.Errorf(api.CodeInvalid, "%v", u.err)
		}
		a.explain(e)
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.stderr, "Error: interrupted; what was asked for may still be done.")
		return exitFailure
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		fmt.Fprintf(a.stderr, "Error: %v\n", err)
		return exitFailure
	}
	a.explain(e)
	return exitCode(e.Code)
}

// explain prints what, where and why, and the next step; with -v the error behind it too, which only says how it came to that.
func (a *app) explain(e *api.Error) {
	fmt.Fprintf(a.stderr, "Error: %s\n", sentence(e.Error()))
	for _, p := range e.Problems {
		fmt.Fprintln(a.stderr, strings.TrimRight(p, "\n"))
	}
	if len(e.Changes) > 0 {
		a.tell("Changed meanwhile:\n  %s", strings.Join(e.Changes, "\n  "))
	}
	if a.verbose && e.Cause != "" {
		fmt.Fprintf(a.stderr, "Cause: %s\n", e.Cause)
	}
	if e.Hint != "" {
		fmt.Fprintf(a.stderr, "Hint: %s\n", sentence(e.Hint))
	}
}

// sentence ends s with a full stop, if it does not end as a sentence already.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func exitCode(c api.Code) int {
	switch c {
	case api.CodeNoLeader, api.CodeUnreachable:
		return exitNoLeader
	case api.CodeConflict, api.CodeReused:
		return exitConflict
	case api.CodeNotFound:
		return exitNotFound
	case api.CodeTimeout:
		return exitTimeout
	case api.CodeDenied:
		return exitNotAllowed
	default:
		return exitFailure
	}
}
