"""Prometheus: its HTTP API, its alerting rules and the source that joins scraped series with those of alerts."""
