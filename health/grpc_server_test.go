package health

import (
	"bufio"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"polso/config"
)

// TestGRPCHealthServer asks grpc-go's own health server, which is a module of its own, so that grpc does not come into Polso's.
func TestGRPCHealthServer(t *testing.T) {
	if os.Getenv("POLSO_SERVERS") == "" {
		t.Skip("POLSO_SERVERS=1 fetches grpc-go and builds its server")
	}
	program := filepath.Join(t.TempDir(), "grpchealth")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "testdata/grpchealth", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := exec.CommandContext(t.Context(), program)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the server did not say where it listens")
	}
	at := netip.MustParseAddrPort(lines.Text())
	says(t, at, config.Check{Kind: config.CheckGRPC}, true, `grpc: SERVING after \S+ ms`)
	says(t, at, config.Check{Kind: config.CheckGRPC, Service: "sleeping"}, false, `grpc: NOT_SERVING \(service "sleeping"\) after \S+ ms`)
	says(t, at, config.Check{Kind: config.CheckGRPC, Service: "who"}, false, `grpc: SERVICE_UNKNOWN \(service "who"\) after \S+ ms`)
}
