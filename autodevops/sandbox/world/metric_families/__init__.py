"""Exporters of the world: each file is one program that a Prometheus would scrape, with its own metric families."""
