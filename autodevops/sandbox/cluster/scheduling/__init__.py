"""The default scheduler."""
