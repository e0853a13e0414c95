"""Measurements that a person runs with `make bench`."""
