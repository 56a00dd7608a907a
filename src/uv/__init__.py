"""Texture atlases as maps: from mesh vertices to the pixels of an atlas and back."""
