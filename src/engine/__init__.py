"""Training loop, train step, schedules, checkpoints and scoring; knows no model."""
