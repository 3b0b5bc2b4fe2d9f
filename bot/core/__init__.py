"""The rules: standard library only; no I/O, clock, chance or logging."""
