// The same shop in Go, with promhttp.
package main

import (
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	requests := promauto.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"code", "method"})
	seconds := promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Duration."}, []string{"code", "method"})
	var leak int64
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := int64(0); n < atomic.LoadInt64(&leak); n++ {
			go func() { select {} }()
		}
		time.Sleep(5 * time.Millisecond)
		w.Write([]byte("ok"))
	})
	http.Handle("/orders", promhttp.InstrumentHandlerDuration(seconds, promhttp.InstrumentHandlerCounter(requests, orders)))
	http.HandleFunc("/_fault", func(w http.ResponseWriter, r *http.Request) {
		value, _ := strconv.ParseInt(r.URL.Query().Get("leak"), 10, 64)
		atomic.StoreInt64(&leak, value)
	})
	go http.ListenAndServe("127.0.0.1:"+os.Getenv("METRICS_PORT"), promhttp.Handler())
	http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)
}
