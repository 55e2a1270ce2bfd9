"""The figures and tables of four documents, run again: what each says beside what is so.

A file is an experiment: `qpot`, `otari`, `aspot` and `graphs` have those of a document each.
`runner` runs them and keeps what comes out, `report` makes the pages of it.
"""
