"""Benchmarks whose figures can be compared: each sample stands between two runs of a reference workload.

`scenarios`, `growth`, `controls` and `gate` measure, each as work for an explorer process, so
that an interrupt leaves nothing behind; `reference` is what they are measured against,
`sampling` takes the turns. `figures` is what is stored, `comparing` what two of those say of
each other, `ranks` the test, `trial` the proof that it neither cries wolf nor sleeps.
`harness.tools.versus` asks another question: the search against blind stress.
"""
