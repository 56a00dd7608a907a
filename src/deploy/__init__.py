"""Export of networks, and inference on files of raw records; knows no model."""
