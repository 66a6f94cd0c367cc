"""The results of a search: statistics, witnesses, the run folder, the summary."""
