"""The free gate, see `harness.gates.free.gate`."""
