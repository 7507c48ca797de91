"""When Scarlet runs which runbook, and what became of it.

- `schedule` reads `scheduled/*.yaml`; `slots` says which occurrences there are and what becomes of each;
- `events` finds alerts and deploys, `facts` makes parameters of what they say;
- `book` keeps slots in the ledger, `scheduler` decides and starts them, `diary` shows both to people.
"""
