"""Measurements of speed, each beside the same computation in another framework."""
