"""Answers of `stat` on real file systems, compared with the named ones of a scenario.

`facts` measures a mounted one, `mounts` mounts it, `guest` does both in a virtual machine with another
kernel, `expected` has what was guessed and what a scenario's `filesystem: NAME` tells, `table` is the
document.
"""
