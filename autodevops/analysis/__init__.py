"""Pure functions over telemetry: series, log lines, spans. No I/O, no clock, no randomness; inputs in, values out."""
