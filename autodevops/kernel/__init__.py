"""The ground floor: errors, ids, the clock. Knows nobody."""
