"""The kernel gate, see `harness.gates.kernel.gate`."""
