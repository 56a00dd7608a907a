"""The measurements of DecoMR in PyTorch, for comparison."""

from __future__ import annotations

import torch

from benchmarks.decomr import LEARNING_RATE, WARP_SIZE, load_mesh, make_batch, make_maps
from benchmarks.torch_decomr_network import (
    Sampler,
    TorchCNet,
    TorchLNet,
    correspondence_terms,
    mesh_terms,
    warp_features,
)


def train_step(stage: str, batch: int, norm_type: str = "GN"):
    """One step of Adam on ResNet-50: stage dp on CNet, stage end on both networks with the default losses."""
    mesh = load_mesh()
    image, iuv, has_dp, _, vertices, has_smpl, keypoints, joints_3d, has_joints = (
        torch.from_numpy(array) for array in make_batch(batch, stage, mesh)[:9])
    iuv = iuv.float()
    cnet = TorchCNet(norm_type=norm_type).train()
    lnet = TorchLNet(mesh.reference, norm_type=norm_type).train()
    parameters = [*cnet.parameters(), *(lnet.parameters() if stage == "end" else ())]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    sampler, regressor = Sampler(mesh.sampler), torch.from_numpy(mesh.regressors.train)
    weight_map = torch.from_numpy(mesh.weight_map)[None, ..., None]

    def run():
        optimizer.zero_grad()
        correspondence, features, code = cnet(image)
        loss = sum(correspondence_terms(correspondence, iuv, has_dp))
        if stage == "end":
            location_map, camera = lnet(correspondence, features, code)
            loss = loss + sum(mesh_terms(location_map, camera, (iuv, vertices, has_smpl, keypoints, joints_3d,
                                                                has_joints), sampler, weight_map, regressor))
        loss.backward()
        optimizer.step()
        return loss.item()

    return run, batch


def inference(batch: int):
    """Image to vertices, camera and correspondences, from and to NumPy arrays."""
    mesh = load_mesh()
    cnet, lnet, sampler = TorchCNet().eval(), TorchLNet(mesh.reference).eval(), Sampler(mesh.sampler)
    image = make_batch(batch, "dp", mesh)[0]

    def run():
        with torch.inference_mode():
            correspondence, features, code = cnet(torch.from_numpy(image))
            location_map, camera = lnet(correspondence, features, code)
            return sampler.to_vertices(location_map).numpy(), camera.numpy(), correspondence.numpy()

    return run, batch


def operation(name: str, batch: int):
    """One of the moves between image and UV space, forward and backward."""
    maps = {key: torch.from_numpy(array) for key, array in make_maps(batch).items()}
    sampler = Sampler(load_mesh().sampler)
    given = maps["features" if name == "warp" else "location_map"].requires_grad_()

    def run():
        if name == "warp":
            result = warp_features(maps["correspondence"], given, WARP_SIZE)
        elif name == "resample":
            result = sampler.to_vertices(given)
        else:
            result = torch.nn.functional.grid_sample(given[..., :2].permute(0, 3, 1, 2),
                                                     maps["grid"].reshape(batch, 224, 224, 2), align_corners=True)
        given.grad = None
        result.square().sum().backward()
        return given.grad

    return run, batch
