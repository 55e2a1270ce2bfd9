"""Numba kernels: arrays and scalars in, arrays out; nothing else of quot is known here.

A cached kernel calls only kernels of its own file: an edited callee in another file would be
answered from the old binary.
"""
