"""Running many schedules: one schedule, one explorer, a pool of them, a whole search."""
