"""Shows what a model finds in pictures: `python -m src.tools.demo --model hmr --image FILE_OR_FOLDER_OR_VIDEO`.

Writes for every picture an overlay and the model's other pictures, meshes as .obj, numbers as .json and .npz (of a
video the pictures become videos, the rest is written for each frame), and one people.json of all, which `--boxes` of a
further model takes: keypoints found by one are lifted by another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from model_utils import config, device, entry
from src.errors import InputError
from src.files import replacing, write_json

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
USUAL_FPS = 25.0
LARGEST_BATCH = 4  # people that the network takes at a time
OPTIONS = {"image": ("", "picture, folder of pictures, or video"),
           "boxes": ("", "JSON file of people, boxes or keypoints; empty = one person, the whole picture"),
           "out": ("./demo", "folder for what is found"),
           "every": (1, "of a video, look at every n-th frame"),
           "meshes": (True, "write bodies as .obj; false saves space with long videos, the numbers rebuild them")}


@dataclass(frozen=True)
class Video:
    """A video that is read: path, and frames a second of what is written."""

    path: Path
    fps: float


def main(arguments):
    """Runs the model on each picture; returns the exit status."""
    cfg = config.parse(arguments, __doc__.splitlines()[0], OPTIONS)
    from src import models
    from src.data.people_file import read_people, whole_picture
    from src.engine.checkpoint import load_network
    from src.engine.demo import run_demo
    from src.progress import track

    package = models.prepare(cfg)
    if not cfg.checkpoint_file_path and not cfg.random_weights:
        raise InputError("checkpoint_file_path is empty: name the checkpoint to show (or --random_weights true)")
    if not hasattr(package, "build_demo"):
        raise InputError(f"--model {cfg.model}: this model has no demonstration")
    pictures = find_pictures(cfg.image)
    people_of = read_people(cfg.boxes) if cfg.boxes else lambda name: None
    device.start(cfg.device_target, cfg.device_id, cfg.run_distribute, cfg.seed, cfg.pynative)
    network = package.build_network(cfg)
    if not cfg.random_weights:
        load_network(network, cfg.checkpoint_file_path)
    network, demo = package.deploy_network(cfg, network).set_train(False), package.build_demo(cfg)
    found, writer = [], Writer(cfg.out, cfg.meshes)
    for name, image, video in track(read_pictures(pictures, cfg.every), "looking"):
        people = people_of(name)
        if people is None:
            people = whole_picture(image)
        if not people:
            print(f"{name}: nobody in {cfg.boxes}")
            continue
        shown = run_demo(network, demo, image, people, min(cfg.eval_batch_size, LARGEST_BATCH))
        found += writer.write(name, video, people, shown)
    writer.close()
    write_json(Path(cfg.out) / "people.json", found)
    print(f"{len(found)} people in {cfg.out}: {', '.join(sorted(writer.kinds))}, people.json")
    return 0


def find_pictures(path: str) -> list[Path]:
    """The picture or video itself, or the pictures and videos of a folder in the order of their names.

    Raises: InputError when there is none.
    """
    place = Path(path)
    if not path or not place.exists():
        raise InputError(f"--image {path}: no such file or folder")
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    kept = [file for file in files if file.suffix.lower() in PICTURES + VIDEOS]
    if not kept:
        raise InputError(f"--image {path}: no picture ({', '.join(PICTURES)}) and no video ({', '.join(VIDEOS)})")
    return kept


def read_pictures(paths: list[Path], every: int) -> Iterator[tuple[str, np.ndarray, Video | None]]:
    """Reads pictures upright (by their EXIF orientation) and videos frame by frame.

    Returns: name (of a frame: its number), (H, W, 3) uint8 BGR, the video or None.
    Raises:  InputError when a file cannot be read.
    """
    if every < 1:
        raise InputError(f"--every {every}: expected at least 1")
    for path in paths:
        if path.suffix.lower() in PICTURES:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise InputError(f"{path}: cannot be read as an image")
            yield path.name, image, None
            continue
        capture, number = cv2.VideoCapture(str(path)), 0
        video = Video(path, (capture.get(cv2.CAP_PROP_FPS) or USUAL_FPS) / every)
        try:
            while True:
                is_read, frame = capture.read()
                if not is_read:
                    break
                if number % every == 0:
                    yield str(number), frame, video
                number += 1
        finally:
            capture.release()
        if number == 0:
            raise InputError(f"{path}: cannot be read as a video")


class Writer:
    """Writes what is found below a folder; pictures of a video's frames become videos."""

    def __init__(self, folder: str | Path, has_meshes: bool = True):
        """Takes the folder, which need not exist, and whether meshes are written."""
        self.folder, self.has_meshes, self.kinds = Path(folder), has_meshes, set()
        self._sources: dict[str, str] = {}  # what was looked at, by its name without ending
        self._source: Video | None = None
        self._streams: dict[str, tuple[cv2.VideoWriter, tuple[int, int]]] = {}  # of `_source`, with height and width

    def write(self, name: str, video: Video | None, people: list, shown) -> list[dict]:
        """Writes pictures, meshes and numbers of one picture.

        Args:    name: of the picture or frame. video: that the frame is of, or None.
                 people, shown: as in `src.engine.demo`.
        Returns: rows for people.json.
        """
        from src.body.mesh import write_obj
        from src.visual.sheet import write_image

        stem = f"{self._stem(video.path.name)}_{int(name):06d}" if video else self._stem(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind, picture in shown.pictures.items():
            if video:
                self._append(video, kind, picture)
            else:
                write_image(self.folder / f"{stem}_{kind}.jpg", picture)
            self.kinds.add(f"{kind} ({'.avi' if video else '.jpg'})")
        for number, meshes in enumerate(shown.meshes if self.has_meshes else ()):
            for kind, mesh in meshes.items():
                write_obj(self.folder / f"{stem}_{number}_{kind}.obj", mesh)
                self.kinds.add(f"{kind} (.obj)")
        rows = [{"image": name, "bbox": person.box.tolist(),
                 **({"joint_set": shown.joint_set} if "keypoints" in arrays else {}),
                 **{key: array.tolist() for key, array in arrays.items()}}
                for person, arrays in zip(people, shown.people)]
        write_json(self.folder / f"{stem}.json", rows)
        with replacing(self.folder / f"{stem}.npz") as partial:
            np.savez(partial, box=np.stack([person.box for person in people]),
                     **{key: np.stack([arrays[key] for arrays in shown.people]) for key in shown.people[0]})
        self.kinds |= {"numbers (.json, .npz)"}
        return [{key: row[key] for key in ("image", "bbox", "joint_set", "keypoints") if key in row} for row in rows]

    def close(self) -> None:
        """Ends the videos that are being written."""
        for stream, _ in self._streams.values():
            stream.release()
        self._streams = {}

    def _stem(self, source: str) -> str:
        """What the files of a picture or video begin with: its name without ending, unless another one has it too."""
        stem = Path(source).stem
        return stem if self._sources.setdefault(stem, source) == source else source.replace(".", "_")

    def _append(self, video: Video, kind: str, frame: np.ndarray) -> None:
        """Appends a frame to one of the videos made of a video; its first frame decides its size."""
        if self._source != video:
            self.close()
            self._source = video
        if kind not in self._streams:
            path = self.folder / f"{self._stem(video.path.name)}_{kind}.avi"
            self._streams[kind] = (cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), video.fps,
                                                   frame.shape[1::-1]), frame.shape[:2])
        stream, size = self._streams[kind]
        stream.write(fit_frame(frame, *size))


def fit_frame(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrinks a picture that is larger than a video and fills one that is smaller with black, right and below."""
    factor = min(height / frame.shape[0], width / frame.shape[1], 1.0)
    if factor < 1:
        size = max(int(factor * frame.shape[1]), 1), max(int(factor * frame.shape[0]), 1)
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[:frame.shape[0], :frame.shape[1]] = frame
    return fitted


if __name__ == "__main__":
    entry.run(main)
