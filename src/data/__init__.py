"""Readers of annotations and pictures, crops, augmentation and training targets."""
