"""Exhaustive search: every schedule of a program, or one of each class, see `dpor`."""
