"""A run as one page that opens anywhere: `page` puts it together, `data` says what it needs to know.

No file is read or written here, and nothing is decided: what a verdict is worth was
settled before. Nothing is imported by the package itself, so that a run starts without it.
"""
