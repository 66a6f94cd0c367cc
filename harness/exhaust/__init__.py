"""Every schedule of a program, or one of each class: see `harness.exhaust.tree`."""
