"""The emulated Tempo: TraceQL over the world's traces, and Tempo's HTTP API."""
