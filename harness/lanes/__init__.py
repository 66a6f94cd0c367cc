"""Run the processes under test: workers, clocks, operations, and the host hooks of external fences."""
