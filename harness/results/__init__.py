"""What a search leaves behind: statistics, witnesses, the run folder, the summary."""
