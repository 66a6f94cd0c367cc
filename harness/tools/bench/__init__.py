"""Benchmarks whose figures can be compared: each sample lies between two runs of a reference workload.

`scenario_cost`, `growth`, `control_latency` and `gate_cost` measure, each in an explorer process,
so that an interrupt leaves nothing behind. `reference` and `yardsticks` are the workloads that they
are measured against, `sampling` interleaves samples with them. `figures` is the stored form,
`comparing` compares two of them, `ranks` is the statistical test, and `self_test` counts the false
alarms and the misses of the comparison. `harness.tools.versus` measures the search against blind stress.
"""
