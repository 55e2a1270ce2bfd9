"""The report: one page of all that was run, and every number of it in files beside it."""
