"""Stores: what is kept between processes, each behind a Protocol with one conformance suite.

- `ledger` is the chain of events and the state folded from them.
"""
