"""The harness of the side-by-side benchmarks: starts proxies, puts load on them, reports."""
