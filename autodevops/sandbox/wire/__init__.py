"""Small pieces that the emulated vendors share: Go's spelling of values, and request parameters."""
