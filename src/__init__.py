"""MindHuman: human pose and body mesh models on MindSpore."""
