// Command polso is Polso's one binary: the daemon (`polso agent`) and the command line that speaks to it.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version and commit are set by the linker.
var (
	version = "unknown"
	commit  = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program with its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr, os.Getenv)
	root := app.root()
	root.SetArgs(args)
	return app.exit(root.ExecuteContext(ctx))
}
