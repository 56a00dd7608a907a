"""The exported form of the mixture network: standardised 2D joints in, the mixture's numbers out."""

from __future__ import annotations

from src.data.h36m import POSE17
from src.data.lifting import Standardisation, target_joints
from src.deploy.manifest import Deployment, Record
from src.gmh_mdn.data import INPUT_NAMES

DIGITS = 6  # of the statistics in millimetres and pixels: sums in another order must not make another contract


def make_deployment(moments: Standardisation, batch: int, kernels: int) -> Deployment:
    """The contract of the exported network."""
    names = [POSE17.names[row] for row in target_joints(moments.predict_14)]
    source, target = moments.input_dims, moments.target_dims
    notes = {
        "input": "x, y in pixels of each joint, minus input_mean_px, over input_std_px; a missing joint is 0, 0",
        "input_joints": list(INPUT_NAMES),
        "input_mean_px": moments.mean_2d[source].round(DIGITS).tolist(),
        "input_std_px": moments.std_2d[source].round(DIGITS).tolist(),
        "output": f"as ({len(target) + 2}, {kernels}): {len(target)} coordinates of the means, deviation, weight of "
                  "every kernel; a coordinate in mm is value * output_std_mm + output_mean_mm, relative to the pelvis",
        "kernels": kernels,
        "output_joints": names,
        "output_mean_mm": moments.mean_3d[target].round(DIGITS).tolist(),
        "output_std_mm": moments.std_3d[target].round(DIGITS).tolist(),
        "made_from": moments.origin,
    }
    return Deployment("gmh_mdn", batch, (Record("joints_2d", (32,)),),
                      (Record("mixture", ((len(target) + 2) * kernels,)),), notes)
