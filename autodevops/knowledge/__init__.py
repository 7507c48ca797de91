"""What people know: the handbook that ships, and what they add to it from files and web pages.

- `handbook` is our own articles on failure modes, each with the finding reasons it explains.
- `places` finds what lies at a path or an address, `readers` makes Markdown of it, `sections` cuts that into documents.

Knows nothing of where documents are kept (`autodevops.stores`) or of who asks (`autodevops.jamie`).
"""
