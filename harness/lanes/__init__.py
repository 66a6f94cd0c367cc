"""The processes under test: worker, clocks, operations, and what an external fence finds in a worker."""
