// Command stage has a cluster work for somebody who looks at it from outside the laboratory.
//
//	stage [--polso bin/polso] [--listen :8080] [--password PASSWORD]
//
// It forms a cluster of three routers on real kernels, with real servers a and b that wait to be balanced, a client that asks them through
// the cluster once it is told to, and the user "operator"; then it listens. Whoever uses it as a proxy is where the laboratory's client is: https://10.9.0.11:3636
// is the first router's web interface. What it can do beside (stage.handler) is asked for by HTTP.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"polso/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

func run(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("stage", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", "bin/polso", "the polso binary to show")
	listen := flags.String("listen", ":8080", "where to listen once all is ready")
	password := flags.String("password", "correct horse battery staple", "the operator's")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err == nil {
		err = play(ctx, lab.Options{Binary: path, Beside: []string{"a", "b"}, Behind: []string{}}, *listen, *password)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(stderr, "stage:", err)
		return 1
	}
	return 0
}

// play builds the stage and serves it until ctx ends.
func play(ctx context.Context, o lab.Options, listen, password string) error {
	s, err := build(ctx, o, password)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx }}
	defer server.Close()
	go func() { <-ctx.Done(); server.Close() }()
	return server.Serve(l)
}
