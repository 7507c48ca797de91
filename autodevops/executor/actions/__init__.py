"""What each kind of action reads, does and undoes: one file a kind."""
