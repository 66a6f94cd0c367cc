"""Verdicts and histories for people and for scripts. Decides nothing."""
