"""What is measured for SimplePoseNet: training, inference, loading and post-processing."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.rounds import Task
from src.data.coco import find_coco_files

IMAGE_SIZE, HEATMAP_SIZE, SIGMA = (192, 256), (48, 64), 2.0  # width, height; the published setting
OURS, REFERENCE = "benchmarks.simple_pose", "benchmarks.torch_simple_pose"
SET_NAME = "val2017"
PERSONS_PER_IMAGE = 20  # of a detector's boxes in COCO val2017: 104,125 in 5,000 pictures


def comparisons(quick: bool, folder: Path, data: Path | None) -> Iterator[tuple[str, str, dict[str, Task], int]]:
    """Yields label, unit, tasks by side (ours first) and rounds.

    Raises: InputError when ``data`` is given and holds no COCO set, before anything is measured.
    """
    if data is not None:
        find_coco_files(data, SET_NAME)
    has_torch = importlib.util.find_spec("torch") is not None
    for batch in (2,) if quick else (8, 32):
        yield (f"training step, batch {batch}", "images",
               network_sides("train_step", batch, has_torch), 2 if quick else max(4, 64 // batch))
    for batch in (1,) if quick else (1, 8, 32):
        yield (f"inference, batch {batch}", "images",
               network_sides("inference", batch, has_torch), 2 if quick else max(6, 40 // batch))
    if data is None:
        data = write_pictures(folder, 8 if quick else 64)
    for cores in (1, 2):
        arguments = {"data": str(data), "count": 32 if quick else 512, "workers": cores}
        sides = {"this project": Task(OURS, "training_loader", arguments, cores, warmup=1)}
        if has_torch:
            sides["PyTorch DataLoader"] = Task(REFERENCE, "training_loader", arguments, cores, warmup=1)
        yield f"loader, {cores} core{'s'[:cores - 1]}", "images", sides, 2 if quick else 5
    yield ("decode, rescore, OKS-NMS", "boxes", {
        "this project": Task(OURS, "post_processing", {"count": 2_000 if quick else 100_000}, warmup=0),
        "box by box (NumPy)": Task("benchmarks.boxwise", "post_processing", {"count": 500 if quick else 10_000},
                                   warmup=0)}, 1 if quick else 3)


def network_sides(function: str, batch: int, has_torch: bool) -> dict[str, Task]:
    """The network here and, where it is installed, in PyTorch in both of its memory layouts."""
    sides = {"this project": Task(OURS, function, {"batch": batch})}
    if has_torch:
        sides["PyTorch eager"] = Task(REFERENCE, function, {"batch": batch})
        sides["PyTorch channels-last"] = Task(REFERENCE, function, {"batch": batch, "channels_last": True})
    return sides


def make_batch(batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random crops, heatmaps and joint weights."""
    rng = np.random.default_rng(0)
    width, height = IMAGE_SIZE
    return (rng.standard_normal((batch, 3, height, width)).astype(np.float32),
            rng.random((batch, 17, height // 4, width // 4), np.float32), np.ones((batch, 17, 1), np.float32))


def train_step(batch: int):
    """One step of Adam on ResNet-50, as train.py compiles it."""
    import mindspore as ms
    from mindspore import Tensor

    from src.simple_pose.network import PoseResNet
    from src.simple_pose.training import make_optimizer, make_schedule, make_step

    ms.set_context(mode=ms.GRAPH_MODE)
    network = PoseResNet()
    optimizer = make_optimizer(network, "adam", make_schedule(1e-3, 0.1, [90, 120], 0, 0, 1000), 0.9, 0.0, False)
    step = make_step(network, optimizer, True).set_train(True)
    tensors = [Tensor(array) for array in make_batch(batch)]
    return lambda: float(step(*tensors)[0]), batch


def inference(batch: int):
    """One forward pass of ResNet-50 from and to NumPy arrays."""
    import mindspore as ms
    from mindspore import Tensor

    from src.simple_pose.network import PoseResNet

    ms.set_context(mode=ms.GRAPH_MODE)
    network = PoseResNet().set_train(False)
    image = make_batch(batch)[0]
    return lambda: network(Tensor(image)).asnumpy(), batch


def training_loader(data: str, count: int, workers: int):
    """Augmented training batches of 16, or of a small set's size, through the dataset engine."""
    from src.body.joints import COCO17
    from src.data.pipeline import TrainBatches
    from src.simple_pose.data import TrainSamples

    samples = TrainSamples(read_records(data), COCO17, IMAGE_SIZE, HEATMAP_SIZE, SIGMA, 0.3, 40.0, True, "bgr")
    size = min(16, len(samples))
    batches = TrainBatches(samples, samples.columns, size, seed=0, num_workers=workers)

    def run():
        for _ in batches.batches(0, count // size):
            pass

    return run, count // size * size


def read_records(data: str):
    """The annotated persons of the loader's pictures."""
    from src.simple_pose.data import read_training_records

    return read_training_records("coco", data, SET_NAME, "", IMAGE_SIZE, select_data=False)


def post_processing(count: int):
    """Flip test, decoding and selection of poses, as eval.py does them."""
    from src.body.joints import COCO17
    from src.metrics.heatmap import average_flipped, decode_heatmaps
    from src.metrics.keypoints import select_poses

    heatmaps, center, scale, image_id, score = make_detections(count)

    def run():
        keypoints = [decode_heatmaps(average_flipped(heatmaps, heatmaps, COCO17.flip), center[first:first + 32],
                                     scale[first:first + 32]) for first in range(0, len(center), 32)]
        return select_poses(image_id, np.concatenate(keypoints), (200.0 * scale).prod(axis=1), score)

    return run, len(center)


def make_detections(count: int):
    """Heatmaps of 32 persons, used again for every batch, and boxes of detections, whole batches only.

    Returns: heatmaps (32, 17, 64, 48); center, scale (N, 2); image id and box score (N,).
    """
    rng = np.random.default_rng(0)
    count = count // 32 * 32
    width, height = HEATMAP_SIZE
    x, y = rng.uniform(-3, width + 3, (32, 17, 1, 1)), rng.uniform(-3, height + 3, (32, 17, 1, 1))
    rows, columns = np.mgrid[:height, :width]
    heatmaps = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8).astype(np.float32)
    heatmaps += 0.02 * rng.random(heatmaps.shape, np.float32)
    center = rng.uniform(0, 640, (count, 2)).astype(np.float32)
    scale = np.repeat(rng.uniform(0.3, 3, (count, 1)), 2, 1).astype(np.float32) * np.float32([0.75, 1])
    return heatmaps, center, scale, np.arange(count) // PERSONS_PER_IMAGE, rng.random(count)


def write_pictures(folder: Path, count: int) -> Path:
    """Writes a COCO folder of made-up 640x480 pictures with two labelled persons each."""
    rng = np.random.default_rng(0)
    (folder / SET_NAME).mkdir()
    (folder / "annotations").mkdir()
    images, annotations = [], []
    for number in range(1, count + 1):
        coarse = rng.integers(0, 256, (60, 80, 3), np.uint8)
        picture = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / SET_NAME / f"{number}.jpg"), picture)
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480})
        for _ in range(2):
            x, y = rng.uniform(0, 340), rng.uniform(0, 130)
            points = np.stack([rng.uniform(x, x + 200, 17), rng.uniform(y, y + 300, 17), np.full(17, 2)], axis=1)
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                                "area": 60000.0, "bbox": [x, y, 200.0, 300.0], "num_keypoints": 17,
                                "keypoints": points.ravel().tolist(), "segmentation": []})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    path = folder / "annotations" / f"person_keypoints_{SET_NAME}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return folder
