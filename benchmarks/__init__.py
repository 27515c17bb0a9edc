"""How fast it is, as ratios against a named rival in the same run: `make bench`. Nothing here is asserted in tests."""
