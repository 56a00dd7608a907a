"""Drawing without a display or OpenGL: rasteriser, skeletons, overlays, sheets and curves."""
