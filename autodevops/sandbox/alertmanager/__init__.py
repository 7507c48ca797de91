"""Alertmanager: what it groups, silences and tells about the alerts that fire."""
