"""Benchmarks of quot against other libraries; `make bench` runs them."""
