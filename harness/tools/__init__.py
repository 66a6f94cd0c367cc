"""Commands about the harness itself and about this machine: benchmarks, controls, fuzzing, conformance."""
