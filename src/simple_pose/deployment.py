"""The exported form of SimplePoseNet: a normalised crop in, heatmaps out."""

from __future__ import annotations

from src.body.joints import JointSet
from src.data.image import IMAGENET_MEAN, IMAGENET_STD
from src.deploy.manifest import Deployment, Record
from src.simple_pose.data import STRIDE


def make_deployment(joints: JointSet, batch: int, image_size, heatmap_size, channel_order: str) -> Deployment:
    """The contract of the exported network; mirroring, decoding and NMS stay outside."""
    (width, height), (map_width, map_height) = image_size, heatmap_size
    notes = {
        "layout": "NCHW",
        "channel_order": channel_order,
        "scale": 1 / 255,
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
        "crop": "box grown to the aspect of the input and by 1.25, bilinear, black outside",
        "heatmap_stride_px": STRIDE,
        "joint_set": joints.name,
        "joint_names": list(joints.names),
        "flip_pairs": [list(pair) for pair in joints.swaps],
    }
    return Deployment("simple_pose", batch, (Record("image", (3, height, width)),),
                      (Record("heatmaps", (joints.size, map_height, map_width)),), notes)
