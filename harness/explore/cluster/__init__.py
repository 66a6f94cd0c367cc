"""A search on several machines: slices of schedules as tasks of Dask distributed."""
