"""The house: the order of work, triage, memory, search, digests and commands."""
