// The two services in Go, with net/http alone or with otelhttp on both sides. The protocol with `hop` is that of
// src/control.rs: commands on standard input, replies as JSON on standard error.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

func say(answer map[string]any) {
	line, err := json.Marshal(answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, string(line))
}

// Returns the user and system time of all threads, in µs.
func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

func allocations() uint64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.Mallocs
}

// Sets up telemetry from the OTEL_* variables. The returned function exports the remaining spans.
func telemetry(ctx context.Context) func(context.Context) error {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	service, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(service))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	return provider.Shutdown
}

func main() {
	calls := flag.String("calls", "", "where B is; without it this is B")
	traced := flag.Bool("traced", false, "with otelhttp")
	flag.Bool("count-allocations", false, "they are counted anyway")
	flag.Parse()
	ctx := context.Background()

	// Keeps one connection per concurrent request; by default, the client keeps two idle connections to a host.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1000
	client := &http.Client{Transport: transport}
	mux := http.NewServeMux()
	var handler http.Handler = mux
	shutdown := func(context.Context) error { return nil }
	if *traced {
		shutdown = telemetry(ctx)
		client.Transport = otelhttp.NewTransport(transport)
		handler = otelhttp.NewHandler(mux, "server")
	}

	mux.HandleFunc("GET /stock/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s: in stock\n", r.PathValue("id"))
	})
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		stock, err := ask(r.Context(), client, fmt.Sprintf("http://%s/stock/%s", *calls, r.PathValue("id")))
		if err != nil {
			log.Print(err)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Write(stock)
	})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	say(map[string]any{"hop": "listening", "address": listener.Addr().String()})

	var cpuBefore float64
	var allocationsBefore uint64
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		if commands.Text() == "measure" {
			cpuBefore, allocationsBefore = cpu(), allocations()
			say(map[string]any{"hop": "measuring"})
		}
	}
	until, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	transport.CloseIdleConnections()
	server.Shutdown(until)
	if err := shutdown(until); err != nil {
		log.Print(err)
	}
	say(map[string]any{"hop": "ended", "cpu_us": cpu() - cpuBefore, "allocations": allocations() - allocationsBefore})
}

func ask(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("B answered %s", answer.Status)
	}
	return io.ReadAll(answer.Body)
}
