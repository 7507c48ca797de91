"""What may be done: risk, guardrails, confidence, the matrix. Pure functions over facts."""
