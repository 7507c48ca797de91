"""The emulated GitHub: the REST API over the world's repositories."""
