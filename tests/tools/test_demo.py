"""The demonstration on pictures, folders and videos."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import Mesh, read_obj
from src.data.people_file import Person
from src.engine.demo import Shown
from src.errors import InputError
from src.people.body_assets import write_assets
from src.tools.demo import Video, Writer, find_pictures, fit_frame, main, read_pictures

TINY = """
simple_pose:
  {num_layers: 18, deconv_filters: [8, 8, 8], image_size: [64, 64], heatmap_size: [16, 16], eval_batch_size: 2}
hmr: {num_layers: 18, image_size: 64, hidden_size: 16, eval_batch_size: 2}
"""


@pytest.fixture
def pictures(tmp_path, rng):
    """A folder with two pictures, a video of three frames and a file that is neither."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.jpg", "a.png"):
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (60, 80, 3), np.uint8))
    writer = cv2.VideoWriter(str(folder / "c.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (80, 60))
    for grey in (50, 100, 150):
        writer.write(np.full((60, 80, 3), grey, np.uint8))
    writer.release()
    (folder / "notes.txt").touch()
    return folder


def run(root, *arguments):
    """Runs the command; returns the finished process."""
    return subprocess.run([sys.executable, "-m", "src.tools.demo", *map(str, arguments)], cwd=root, text=True,
                          capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(root)})


def test_pictures_and_frames_come_in_order(pictures):
    assert [path.name for path in find_pictures(str(pictures))] == ["a.png", "b.jpg", "c.avi"]
    seen = list(read_pictures(find_pictures(str(pictures)), every=2))
    assert [name for name, _, _ in seen] == ["a.png", "b.jpg", "0", "2"]
    assert seen[0][2] is None and seen[2][2] == Video(pictures / "c.avi", 5.0)
    assert [int(round(image.mean())) for _, image, video in seen if video] == [50, 150]


def test_photos_are_turned_upright(tmp_path):
    from_camera = cv2.imencode(".jpg", np.zeros((20, 40, 3), np.uint8))[1].tobytes()
    # an EXIF block whose orientation says "turn by a quarter"
    block = b"Exif\x00\x00MM\x00*" + bytes.fromhex("00000008 0001 0112 0003 00000001 0006 0000 00000000")
    (tmp_path / "a.jpg").write_bytes(from_camera[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
                                     + from_camera[2:])
    assert next(read_pictures([tmp_path / "a.jpg"], 1))[1].shape == (40, 20, 3)


def test_everything_that_is_found_is_written(tmp_path):
    people = [Person(np.array([1.0, 2, 30, 40])), Person(np.array([5.0, 6, 7, 8]))]
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    shown = Shown([{"keypoints": np.ones((17, 3)) * row, "pose": np.zeros((24, 3))} for row in range(2)],
                  {"overlay": np.zeros((6, 8, 3), np.uint8), "side": np.zeros((4, 4, 3), np.uint8)},
                  [{"body": mesh}, {"body": mesh}], "coco17")
    writer = Writer(tmp_path / "out")
    rows = writer.write("a.jpg", None, people, shown)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.json", "a.npz", "a_0_body.obj", "a_1_body.obj", "a_overlay.jpg", "a_side.jpg"]
    assert [sorted(row) for row in rows] == [["bbox", "image", "joint_set", "keypoints"]] * 2
    written = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    assert written[1]["bbox"] == [5, 6, 7, 8] and len(written[1]["pose"]) == 24
    with np.load(tmp_path / "out" / "a.npz", allow_pickle=False) as arrays:
        assert arrays["keypoints"].shape == (2, 17, 3) and arrays["box"].shape == (2, 4)
    np.testing.assert_allclose(read_obj(tmp_path / "out" / "a_0_body.obj").vertices, mesh.vertices)


@pytest.mark.parametrize("has_meshes", [True, False])
def test_frames_become_videos_of_every_picture(tmp_path, has_meshes):
    writer, video = Writer(tmp_path, has_meshes), Video(tmp_path / "c.avi", 5.0)
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    for number in range(3):
        people = 1 + number  # whose side views stand beside each other
        pictures = {"overlay": np.full((32, 48, 3), 60 * number, np.uint8),
                    "side": np.full((32, 32 * people, 3), 200, np.uint8)}
        writer.write(str(number), video, [Person(np.zeros(4))] * people,
                     Shown([{"pose": np.zeros(3)}] * people, pictures, [{"body": mesh}] * people))
    writer.close()
    for kind, width in (("overlay", 48), ("side", 32)):
        capture = cv2.VideoCapture(str(tmp_path / f"c_{kind}.avi"))
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3 and capture.get(cv2.CAP_PROP_FPS) == 5
        assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == width
    assert (tmp_path / "c_000002.json").is_file()
    assert len(list(tmp_path.glob("c_00000*_*_body.obj"))) == (6 if has_meshes else 0)


def test_frames_of_another_size_are_shrunk_or_filled():
    wide = fit_frame(np.full((10, 40, 3), 200, np.uint8), 10, 20)
    assert wide.shape == (10, 20, 3) and (wide[:5] == 200).all() and not wide[5:].any()
    small = fit_frame(np.full((4, 6, 3), 200, np.uint8), 10, 20)
    assert (small[:4, :6] == 200).all() and small.astype(int).sum() == 200 * 4 * 6 * 3


def test_pictures_that_differ_in_their_ending_do_not_overwrite_each_other(tmp_path):
    writer, shown = Writer(tmp_path), Shown([{"pose": np.zeros(3)}], {"overlay": np.zeros((6, 8, 3), np.uint8)})
    for name in ("a.jpg", "a.png", "a.jpg"):
        writer.write(name, None, [Person(np.zeros(4))], shown)
    assert {path.name for path in tmp_path.glob("*.json")} == {"a.json", "a_png.json"}


def test_a_skeleton_is_drawn_into_every_picture_and_feeds_the_next_model(root, pictures, tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    process = run(root, "--model", "simple_pose", "--config", tmp_path / "tiny.yaml", "--random_weights", "true",
                  "--image", pictures, "--out", tmp_path / "out")
    assert process.returncode == 0, process.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"a_overlay.jpg", "b_overlay.jpg", "c_overlay.avi", "a.json", "c_000001.npz", "people.json"} <= names
    people = json.loads((tmp_path / "out" / "people.json").read_text(encoding="utf-8"))
    assert [row["image"] for row in people] == ["a.png", "b.jpg", "0", "1", "2"]
    assert people[0]["joint_set"] == "coco17" and np.shape(people[0]["keypoints"]) == (17, 3)


def test_bodies_are_drawn_for_the_boxes_that_are_given(root, pictures, tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    write_assets(tmp_path, default_body("small"), np.zeros((2, 24, 3)))
    boxes = {"a.png": [[5, 5, 20, 50], [40, 5, 20, 50], [20, 5, 20, 50]], "1": [5, 5, 20, 50]}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    process = run(root, "--model", "hmr", "--config", tmp_path / "tiny.yaml", "--random_weights", "true", "--image",
                  pictures, "--boxes", tmp_path / "boxes.json", "--out", tmp_path / "out", "--data_path", tmp_path)
    assert process.returncode == 0, process.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"a_overlay.jpg", "a_side.jpg", "a_2_body.obj", "a.npz"} <= names and "b_overlay.jpg" not in names
    assert {"c_overlay.avi", "c_side.avi", "c_000001_0_body.obj", "c_000001.json"} <= names
    assert "b.jpg: nobody in" in process.stdout and "4 people in" in process.stdout
    with np.load(tmp_path / "out" / "a.npz", allow_pickle=False) as arrays:
        assert arrays["pose"].shape == (3, 24, 3) and np.isfinite(arrays["keypoints"]).all()


@pytest.mark.parametrize("arguments, message", [
    ([], "checkpoint_file_path is empty"), (["--random_weights", "true"], "--image : no such file or folder"),
    (["--random_weights", "true", "--image", "README.md"], "--image README.md: no picture"),
    (["--random_weights", "true", "--imag", "x"], "unknown option --imag .did you mean --image")])
def test_mistakes_are_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        main(["--model", "simple_pose", *arguments])


def test_files_that_are_no_pictures_are_named(tmp_path):
    for name in ("a.jpg", "a.avi"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(InputError, match=f"{name}: cannot be read"):
            list(read_pictures([tmp_path / name], 1))
    with pytest.raises(InputError, match="--every 0: expected at least 1"):
        list(read_pictures([], 0))
