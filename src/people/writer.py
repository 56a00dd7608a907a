"""Data sets of rendered people in the COCO layout.

OUT/train2017/000000000001.jpg, OUT/val2017/*.jpg, OUT/annotations/person_keypoints_SET.json,
OUT/annotations/person_detections_SET.json, OUT/scenes_SET.npz, OUT/manifest.json.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from src.body.assets import SHIPPED_BODIES, BodyModel, default_body, read_body
from src.body.joints import COCO17
from src.errors import InputError
from src.files import replacing
from src.people.annotate import describe_people, draw_detections, is_worth_keeping
from src.people.render import Picture, iuv_image, render_scene
from src.people.scene import Scene, sample_scene
from src.people.scene_file import scene_rows, stack_rows
from src.progress import track

FORMAT = 1  # of the files and the look; another number in a manifest is another data set
SETS = ("train2017", "val2017")
KEEPABLE = ("iuv", "vertices")
_JPEG_QUALITY = 92
_ATTEMPTS = 30  # redrawn scenes with somebody hidden, then one person alone
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_NEEDED_LANDMARKS = ("nose", "l_eye", "r_eye", "l_ear", "r_ear")
_INFO = {"description": "Synthetic pictures of rendered people with exact labels", "version": str(FORMAT),
         "contributor": "MindHuman", "year": 2025, "url": "", "date_created": ""}
_LICENSE = {"id": 1, "name": "CC0 1.0. Synthetic; body derived from the MakeHuman hm08 mesh, CC0 1.0.",
            "url": "https://creativecommons.org/publicdomain/zero/1.0/"}


@dataclass(frozen=True)
class Request:
    """What decides a data set, byte by byte.

    Args: count: number of pictures of both sets.
          seed: not negative.
          size: side of the pictures, pixels.
          max_people: greatest number of people in a picture.
          val_fraction: share of the pictures in val2017, at least one picture when count > 1.
          body: "default", "small" or a file in SMPL's format.
          keep: further files for every picture, of `KEEPABLE`.
          studio: people in plain clothes before a plain backdrop, with nothing in front of them.
    """

    count: int
    seed: int
    size: int = 256
    max_people: int = 4
    val_fraction: float = 0.1
    body: str = "default"
    keep: tuple[str, ...] = ()
    studio: bool = False


def load_body(name: str) -> BodyModel:
    """Reads a shipped body or a file, and checks that it can be labelled.

    Raises: InputError when the body lacks a face point or, in its file, anything else.
    """
    body = default_body(name) if name in SHIPPED_BODIES else read_body(Path(name))
    missing = [landmark for landmark in _NEEDED_LANDMARKS if landmark not in body.landmarks]
    if missing:
        raise InputError(f"{name}: no landmark '{missing[0]}' (keys landmark_names, landmark_vertex), "
                         "which the face keypoints need")
    return body


def make_scene(request: Request, index: int, body: BodyModel) -> tuple[Scene, Picture, list[dict]]:
    """Draws picture `index` of a data set; depends on nothing but the arguments.

    Returns: scene, picture, annotations without ids.
    """
    rng = np.random.default_rng([request.seed, index])
    for attempt in range(2 * _ATTEMPTS):
        scene = sample_scene(rng, body, request.size, request.max_people if attempt < _ATTEMPTS else 1, request.studio)
        picture = render_scene(scene, body)
        annotations = describe_people(picture, scene)
        if is_worth_keeping(annotations, request.size):
            return scene, picture, annotations
    raise RuntimeError(f"no scene with everybody visible for seed {request.seed}, index {index}")


def set_of(request: Request, index: int) -> str:
    """Names the set that a picture belongs to: the last ones are for validation."""
    val_count = int(round(request.count * request.val_fraction))
    if request.count > 1 and request.val_fraction > 0:
        val_count = min(max(val_count, 1), request.count - 1)
    return SETS[index >= request.count - val_count]


def write_data_set(folder: Path, request: Request, workers: int) -> bool:
    """Writes a data set, unless the same one is there already.

    Args:
        folder: new, empty, or with the same data set, complete or not.
        workers: number of processes; does not change a byte.
    Returns: False when the complete data set was there.
    Raises:  InputError on bad arguments or a folder with anything else in it.
    """
    folder = Path(folder)
    _check_request(request, workers)
    wanted = {"format": FORMAT, **asdict(request), "keep": sorted(request.keep), "body_sha256": _digest(request)}
    if _is_complete(folder, wanted):
        return False
    for name in SETS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "annotations").mkdir(exist_ok=True)
    _write_json(folder / "manifest.json", {**wanted, "complete": False})
    results: dict[str, list] = {name: [] for name in SETS}
    with _pool(workers, (str(folder), request)) as pool:
        chunk = max(1, min(16, request.count // (4 * workers)))
        pictures = pool.map(_write_picture, range(request.count), chunksize=chunk)
        for index, *rest in track(pictures, "people", request.count):
            results[set_of(request, index)].append((index, *rest))
    for name in SETS:
        _write_set(folder, name, request, results[name])
    _write_json(folder / "manifest.json", {**wanted, "complete": True})
    return True


def _check_request(request: Request, workers: int) -> None:
    for name, low, high in (("count", 1, 10 ** 9), ("seed", 0, 2 ** 63), ("size", 64, 4096), ("max_people", 1, 16),
                            ("val_fraction", 0, 1)):
        value = getattr(request, name)
        if not low <= value <= high:
            raise InputError(f"{name} {value}: expected {low} to {high}")
    if workers < 1:
        raise InputError(f"workers {workers}: expected at least 1")
    unknown = [name for name in request.keep if name not in KEEPABLE]
    if unknown:
        raise InputError(f"keep '{unknown[0]}': expected some of {', '.join(KEEPABLE)}")
    if "iuv" in request.keep and load_body(request.body).uv is None:
        raise InputError(f"{request.body}: keep iuv needs texture coordinates (keys vt, ft)")


def _digest(request: Request) -> str:
    """Fingerprint of the body that is used, so that another file under the same name is noticed."""
    body = load_body(request.body)
    digest = hashlib.sha256()
    for array in (body.v_template, body.faces, body.shapedirs, body.posedirs, body.weights, body.joint_regressor):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _is_complete(folder: Path, wanted: dict) -> bool:
    """Says whether the wanted data set is there; refuses a folder with anything else."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder")
    if not any(folder.iterdir()):
        return False
    try:
        with open(folder / "manifest.json", encoding="utf-8") as stream:
            manifest = json.load(stream)
    except (OSError, ValueError):
        raise InputError(f"{folder}: not empty and without a readable manifest.json; "
                         "give a new folder, nothing was changed") from None
    if not isinstance(manifest, dict):
        raise InputError(f"{folder / 'manifest.json'}: expected a JSON object")
    wanted = json.loads(json.dumps(wanted))
    for key, value in wanted.items():
        if manifest.get(key) != value:
            raise InputError(f"{folder}: holds another data set ({key} {manifest.get(key)!r}, asked for {value!r}); "
                             "give a new folder, nothing was changed")
    return manifest.get("complete") is True


@contextmanager
def _pool(workers: int, arguments: tuple) -> Iterator[ProcessPoolExecutor]:
    """Starts processes with one numerical thread each; also for one worker, so that rounding is the same."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker, arguments)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_worker: dict[str, object] = {}  # what a worker process keeps between its pictures


def _start_worker(folder: str, request: Request) -> None:
    cv2.setNumThreads(1)
    _worker.update(folder=Path(folder), request=request, body=load_body(request.body))


def _write_picture(index: int) -> tuple:
    """Makes and writes one picture; returns index, annotations, detections and rows of the scene file."""
    folder, request, body = _worker["folder"], _worker["request"], _worker["body"]
    scene, picture, annotations = make_scene(request, index, body)
    name, image_id = set_of(request, index), index + 1
    jpeg = cv2.imencode(".jpg", picture.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    _write_bytes(folder / name / f"{image_id:012d}.jpg", jpeg.tobytes())
    if "iuv" in request.keep:
        iuv = iuv_image(picture, body) * (1, 255, 255)
        png = cv2.imencode(".png", np.rint(iuv).astype(np.uint8))[1]
        _write_bytes(folder / f"iuv_{name}" / f"{image_id:012d}.png", png.tobytes())
    if "vertices" in request.keep:
        stream = io.BytesIO()
        np.save(stream, picture.geometry.vertices)
        _write_bytes(folder / f"vertices_{name}" / f"{image_id:012d}.npy", stream.getvalue())
    detections = draw_detections(np.random.default_rng([request.seed, index, 1]), annotations, image_id, request.size)
    return index, annotations, detections, scene_rows(scene, picture.geometry.joints, picture.geometry.keypoints)


def _write_set(folder: Path, name: str, request: Request, results: list) -> None:
    """Writes the files of one set; an empty set gets empty lists and no scene file."""
    images, annotations, detections = [], [], []
    for index, people, boxes, _ in results:
        image_id = index + 1
        images.append({"id": image_id, "file_name": f"{image_id:012d}.jpg", "height": request.size,
                       "width": request.size, "license": 1})
        for person, item in enumerate(people):
            annotations.append({"id": image_id * 100 + person, "image_id": image_id, **item})
        detections += boxes
    skeleton = [[a + 1, b + 1] for a, b in COCO17.bones]
    category = {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(COCO17.names),
                "skeleton": skeleton}
    _write_json(folder / "annotations" / f"person_keypoints_{name}.json",
                {"info": _INFO, "licenses": [_LICENSE], "images": images, "annotations": annotations,
                 "categories": [category]})
    _write_json(folder / "annotations" / f"person_detections_{name}.json", detections)
    if results:
        stream = io.BytesIO()
        np.savez(stream, **stack_rows([index + 1 for index, *_ in results], [rows for *_, rows in results]))
        _write_bytes(folder / f"scenes_{name}.npz", stream.getvalue())


def _write_json(path: Path, content: object) -> None:
    _write_bytes(path, json.dumps(content).encode("utf-8"))


def _write_bytes(path: Path, content: bytes) -> None:
    """Writes a file under a temporary name and renames it."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
