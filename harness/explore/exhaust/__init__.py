"""Every schedule of a program, or one of each class: see `harness.explore.exhaust.dpor`."""
