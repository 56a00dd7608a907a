"""The measurements of SimplePoseNet in PyTorch, for comparison."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.simple_pose import HEATMAP_SIZE, IMAGE_SIZE, SIGMA, make_batch, read_records
from benchmarks.torch_pose_resnet import TorchPoseResNet, joints_mse

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
PAIRS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))


def layout(channels_last: bool) -> dict:
    """The argument of ``to`` for a memory layout."""
    return {"memory_format": torch.channels_last} if channels_last else {}


def train_step(batch: int, channels_last: bool = False):
    """One step of Adam on ResNet-50."""
    network = TorchPoseResNet().train().to(**layout(channels_last))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    image, target, weight = (torch.from_numpy(array) for array in make_batch(batch))
    image = image.to(**layout(channels_last))

    def run():
        optimizer.zero_grad()
        loss = joints_mse(network(image), target, weight)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run, batch


def inference(batch: int, channels_last: bool = False):
    """One forward pass of ResNet-50 from and to NumPy arrays."""
    network = TorchPoseResNet().eval().to(**layout(channels_last))
    image = make_batch(batch)[0]

    def run():
        with torch.inference_mode():
            return network(torch.from_numpy(image).to(**layout(channels_last))).numpy()

    return run, batch


class Persons(Dataset):
    """Augmented crops and targets of annotated persons, step by step as the published code makes them."""

    def __init__(self, records, count: int):
        self.records, self.count = records, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        records, row = self.records, index % len(self.records)
        rng = np.random.default_rng(index)
        image = cv2.imread(str(records.image_paths[row]), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        joints, visibility = records.joints[row].copy(), records.visibility[row].copy()
        center = records.center[row].copy()
        scale = records.scale[row] * np.clip(1 + 0.3 * rng.standard_normal(), 0.7, 1.3)
        angle = np.clip(40 * rng.standard_normal(), -80, 80) if rng.random() <= 0.6 else 0.0
        if rng.random() <= 0.5:
            image = image[:, ::-1]
            joints[:, 0] = image.shape[1] - joints[:, 0] - 1
            center[0] = image.shape[1] - center[0] - 1
            for left, right in PAIRS:
                joints[[left, right]], visibility[[left, right]] = joints[[right, left]], visibility[[right, left]]
        matrix = affine(center, scale, angle)
        crop = cv2.warpAffine(np.ascontiguousarray(image), matrix, IMAGE_SIZE, flags=cv2.INTER_LINEAR)
        for joint in range(len(joints)):
            if visibility[joint] > 0:
                joints[joint] = matrix @ np.append(joints[joint], 1.0)
        pixels = torch.from_numpy((crop.astype(np.float32) / 255 - MEAN) / STD).permute(2, 0, 1).contiguous()
        return pixels, *map(torch.from_numpy, targets(joints, visibility))


def affine(center: np.ndarray, scale: np.ndarray, angle: float) -> np.ndarray:
    """The matrix from the picture to the crop, from three pairs of points."""
    direction = np.array([np.sin(np.deg2rad(angle)), -np.cos(np.deg2rad(angle))]) * 100 * scale[0]
    side = np.array([-direction[1], direction[0]])
    middle, half = np.array(IMAGE_SIZE) / 2, IMAGE_SIZE[0] / 2
    source = np.float32([center, center + direction, center + side])
    return cv2.getAffineTransform(source, np.float32([middle, middle + [0, -half], middle + [half, 0]]))


def targets(joints: np.ndarray, visibility: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian heatmaps, one joint at a time."""
    width, height = HEATMAP_SIZE
    radius = int(3 * SIGMA)
    maps, weight = np.zeros((len(joints), height, width), np.float32), visibility[:, None].astype(np.float32)
    span = np.arange(2 * radius + 1, dtype=np.float32) - radius
    patch = np.exp(-(span[:, None] ** 2 + span ** 2) / (2 * SIGMA ** 2))
    for joint, (x, y) in enumerate(joints):
        x, y = int(x / 4 + 0.5), int(y / 4 + 0.5)
        left, top, right, bottom = x - radius, y - radius, x + radius + 1, y + radius + 1
        if left >= width or top >= height or right < 0 or bottom < 0:
            weight[joint] = 0
        elif weight[joint] > 0.5:
            rows, columns = slice(max(0, top), min(bottom, height)), slice(max(0, left), min(right, width))
            maps[joint][rows, columns] = patch[rows.start - top:rows.stop - top,
                                               columns.start - left:columns.stop - left]
    return maps, weight


def training_loader(data: str, count: int, workers: int):
    """Augmented training batches of 16 from worker processes that stay alive."""
    cv2.setNumThreads(0)
    loader = DataLoader(Persons(read_records(data), count), batch_size=16, num_workers=workers,
                        persistent_workers=True)

    def run():
        for _ in loader:
            pass

    return run, count
