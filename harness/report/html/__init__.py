"""Render a run as one self-contained HTML page.

`page` builds the page from the data in `page_data`. Nothing here reads or writes a file or decides a
verdict. The package itself imports nothing, so that a run starts without it.
"""
