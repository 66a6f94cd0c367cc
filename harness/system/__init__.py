"""Access to the machine: signals, clean-up after a kill, memory and processor facts."""
