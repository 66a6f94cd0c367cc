"""Runs real processes against one transcript under a scheduler and judges the fences that watch it."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
