"""The data that everything speaks of: programs, schedules, histories, errors. No processes, no files."""
