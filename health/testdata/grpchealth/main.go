// Grpchealth is a server of grpc-go's own health service, for health's tests: it serves at the address that it is given until it is
// killed; by TLS with a certificate and its key, if it is given those. The whole server serves, "sleeping" does not.
package main

import (
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	state := health.NewServer()
	state.SetServingStatus("sleeping", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	var options []grpc.ServerOption
	if len(os.Args) > 2 {
		certified, err := credentials.NewServerTLSFromFile(os.Args[2], os.Args[3])
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(certified))
	}
	s := grpc.NewServer(options...)
	grpc_health_v1.RegisterHealthServer(s, state)
	log.Fatal(s.Serve(l))
}
