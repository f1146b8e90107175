// SPDX-License-Identifier: Apache-2.0

// The same page by client_golang, as an exporter would write it: real vectors, its own process
// metrics, promhttp. Speaks as tests/bench/page.c does.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var labels = []string{"probe", "operation", "engine", "registry"}

func gauge(name, help string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	success := gauge("image_canary_success", "Whether the last run succeeded.")
	attempts := counter("image_canary_attempts_total", "Runs of the probe.")
	failures := counter("image_canary_failures_total", "Runs that failed.")
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "image_canary_duration_seconds", Help: "How long runs took.",
		Buckets: []float64{0.1, 0.5, 1, 5, 10, 30, 60, 120, 300}}, labels)
	lastDuration := gauge("image_canary_last_duration_seconds", "How long the last run took.")
	lastAttempt := gauge("image_canary_last_attempt_timestamp_seconds", "When the last run ended.")
	lastSuccess := gauge("image_canary_last_success_timestamp_seconds", "When a run last succeeded.")
	fetched := counter("image_canary_fetched_bytes_total", "Bytes that came over the network.")

	registry := prometheus.NewRegistry()
	registry.MustRegister(success, attempts, failures, duration, lastDuration, lastAttempt, lastSuccess, fetched,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	change := func() {
		for i := 0; i < n; i++ {
			values := []string{"probe-" + strconv.Itoa(i), "pull", "client", "registry.example.com:5000"}
			now, took := 1.79e9+float64(rand.Intn(1000000))/1000, float64(rand.Intn(400000))/1000
			success.WithLabelValues(values...).Set(float64(rand.Intn(2)))
			attempts.WithLabelValues(values...).Inc()
			failures.WithLabelValues(values...).Add(float64(rand.Intn(2)))
			duration.WithLabelValues(values...).Observe(took)
			lastDuration.WithLabelValues(values...).Set(took)
			lastAttempt.WithLabelValues(values...).Set(now)
			lastSuccess.WithLabelValues(values...).Set(now)
			fetched.WithLabelValues(values...).Add(float64(rand.Intn(100000000)))
		}
	}
	change()
	listener, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.Handle("/metrics", promhttp.InstrumentMetricHandler(registry, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	go http.Serve(listener, nil)
	fmt.Println("serving")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		change()
		fmt.Println("changed")
	}
}
