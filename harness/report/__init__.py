"""Render results for people and for scripts; no verdict is decided here."""
