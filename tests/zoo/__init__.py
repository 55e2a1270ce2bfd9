"""A zoo of small random problems, and a judge of answers that shares no code with quot."""
