"""Rendered people: poses, looks, backgrounds, scenes and data sets with exact ground truth."""
