"""Scarlet works alone: she runs runbooks when they are due, watches, responds and learns.

- `agent` is the daemon: APScheduler says when to look, a stop reaches every kernel; `hooks` hears webhooks;
- `schedules` are the runbooks that are due, `watching` what she sees, `response` what she does about it, `learning`
  what she makes of it;
- `tell` says to people what they should know, `tending` ends what others left behind.
"""
