"""GMH-MDN: several 3D poses from 2D joints by a mixture density network."""
