"""Data types that all other packages use: programs, schedules, histories, errors. No processes, no files."""
