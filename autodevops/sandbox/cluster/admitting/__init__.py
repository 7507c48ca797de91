"""The admission plugins of the API server, each in its file."""
