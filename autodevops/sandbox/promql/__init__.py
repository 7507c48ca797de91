"""PromQL: Prometheus' query language over numpy arrays, whoever holds the samples."""
