"""Runs real processes against one transcript under a scheduler and judges the fences that watch it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
