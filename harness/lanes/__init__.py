"""The processes under test: worker, clocks, operations, and the host hooks of external fences in a worker."""
