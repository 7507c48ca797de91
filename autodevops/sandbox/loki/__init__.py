"""The emulated Loki: LogQL over the world's log streams, and Loki's HTTP API."""
