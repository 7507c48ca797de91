"""What an investigation asks, system by system, and how the answers are read; each question becomes evidence."""
