"""Pure functions of geometry, one per equation, NumPy on the host."""
