// A reverse proxy as one writes it with Go's standard library, for the benchmarks.
//
// Specification 020 gives the figures of its transport; two are raised, as they are for every rival:
// the idle connections to one upstream, of which a run with more clients needs more than 100, and how
// long they idle. FlushInterval -1 sends each piece on as it comes, which streaming needs.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

const (
	dialTimeout           = 2 * time.Second
	responseHeaderTimeout = 30 * time.Second
	copyBufferBytes       = 32 * 1024
	// Raised from 100 to one host, 1,000 altogether, and 90 s.
	idleConnections = 16 * 1024
	idleTimeout     = 300 * time.Second
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	upstream := flag.String("upstream", "", "where to forward to, as ADDRESS:PORT")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, routes(&url.URL{Scheme: "http", Host: *upstream})))
}

func routes(upstream *url.URL) http.Handler {
	routes := http.NewServeMux()
	routes.Handle("/b/", &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(upstream)
			request.SetXForwarded()
			request.Out.Header.Del("Accept-Encoding")
		},
		Transport:     transport(),
		FlushInterval: -1,
		BufferPool:    &bufferPool{},
		ErrorLog:      log.New(io.Discard, "", 0),
	})
	return routes
}

func transport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		ResponseHeaderTimeout: responseHeaderTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConns:          idleConnections,
		MaxIdleConnsPerHost:   idleConnections,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
	}
}

// bufferPool keeps copy buffers between responses.
type bufferPool struct{ pool sync.Pool }

func (buffers *bufferPool) Get() []byte {
	if buffer, ok := buffers.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, copyBufferBytes)
}

func (buffers *bufferPool) Put(buffer []byte) { buffers.pool.Put(&buffer) }
