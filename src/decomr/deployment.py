"""The exported form of DecoMR: a normalised crop in, mesh, camera and correspondences out."""

from __future__ import annotations

from mindspore import nn

from src.data.image import IMAGENET_MEAN, IMAGENET_STD
from src.decomr.network import DecoMR
from src.deploy.manifest import Deployment, Record
from src.geometry.sampling import WeightedGather
from src.uv.sampler import UVSampler


class MeshFromImage(nn.Cell):
    """Both networks and the reading of the mesh from the location map.

    Returns: vertices (B, V, 3) metres, camera (B, 3), correspondences (B, 3, s, s) for crops (B, 3, S, S).
    """

    def __init__(self, network: DecoMR, sampler: UVSampler):
        super().__init__(auto_prefix=False)
        self.network = network
        self.to_vertices = WeightedGather(*sampler.to_vertices, sampler.pixel_count)

    def construct(self, image):
        correspondence, location_map, camera = self.network(image)
        batch = location_map.shape[0]
        return self.to_vertices(location_map.reshape(batch, -1, 3)), camera, correspondence


def make_deployment(batch: int, image_size: int, vertex_count: int, warp_level: int, body: str,
                    uv_type: str) -> Deployment:
    """The contract of the exported network."""
    side = image_size >> warp_level
    notes = {
        "layout": "NCHW",
        "channel_order": "rgb",
        "scale": 1 / 255,
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
        "crop": "square of 200 * scale pixels around the centre of the person, bilinear, black outside",
        "vertices": "metres, x right, y down, z forward; order of the body file's mesh",
        "camera": "scale s and shift tx, ty: crop coordinates, -1 to 1, are s * (x + tx, y + ty)",
        "iuv": "probability of the body; u (column) and v (row) of the atlas, 0 to 1, not masked",
        "body": body,
        "uv_type": uv_type,
    }
    outputs = (Record("vertices", (vertex_count, 3)), Record("camera", (3,)), Record("iuv", (3, side, side)))
    return Deployment("decomr", batch, (Record("image", (3, image_size, image_size)),), outputs, notes)
