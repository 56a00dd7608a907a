"""Decoding of network outputs into keypoints and the scores of data sets."""
