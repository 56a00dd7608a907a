"""The body: model files, the skinning function, joint tables and meshes."""
