"""Data sets on disk: layout, determinism, reuse, refusal."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from src.body.assets import DATA_FOLDER, default_body
from src.errors import InputError
from src.geometry.camera import project_points
from src.people.annotate import describe_people
from src.people.render import render_scene
from src.people.scene import scene_geometry
from src.people.scene_file import PERSON_KEYS, read_scenes
from src.people.writer import Request, load_body, make_scene, set_of, write_data_set

REQUEST = Request(count=10, seed=3, size=96, body="small", keep=("iuv", "vertices"))


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    """A small complete data set."""
    folder = tmp_path_factory.mktemp("people") / "set"
    assert write_data_set(folder, REQUEST, workers=1)
    return folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_number_of_workers_does_not_change_a_byte(data_set, tmp_path):
    write_data_set(tmp_path / "again", REQUEST, workers=2)
    first, second = contents(data_set), contents(tmp_path / "again")
    assert first.keys() == second.keys() and len(first) == 3 * 10 + 4 + 2 + 1
    assert [path for path in first if first[path] != second[path]] == []


def test_another_seed_gives_other_pictures(body):
    _, first, _ = make_scene(REQUEST, 0, body)
    _, same, _ = make_scene(REQUEST, 0, body)
    _, other, _ = make_scene(replace(REQUEST, seed=4), 0, body)
    _, following, _ = make_scene(REQUEST, 1, body)
    np.testing.assert_array_equal(first.image, same.image)
    assert (first.image != other.image).mean() > 0.5 and (first.image != following.image).mean() > 0.5


def test_a_picture_does_not_depend_on_how_many_are_made(body):
    _, first, _ = make_scene(REQUEST, 2, body)
    _, second, _ = make_scene(replace(REQUEST, count=500), 2, body)
    np.testing.assert_array_equal(first.image, second.image)


@pytest.mark.parametrize("name", ["train2017", "val2017"])
def test_pycocotools_reads_the_annotations(data_set, name, capsys):
    coco = COCO(str(data_set / "annotations" / f"person_keypoints_{name}.json"))
    pictures = coco.loadImgs(coco.getImgIds())
    assert len(pictures) == {"train2017": 9, "val2017": 1}[name]
    for picture in pictures:
        image = cv2.imread(str(data_set / name / picture["file_name"]))
        assert image.shape == (picture["height"], picture["width"], 3)
        people = coco.loadAnns(coco.getAnnIds(imgIds=picture["id"], catIds=coco.getCatIds(["person"])))
        assert people
        for item in people:
            assert len(item["keypoints"]) == 51 and item["iscrowd"] == 0
            assert 0.6 < coco.annToMask(item).sum() / item["area"] < 1.6
    results = coco.loadRes(str(data_set / "annotations" / f"person_detections_{name}.json"))
    assert set(results.getImgIds()) == set(coco.getImgIds())
    assert coco.loadCats(1)[0]["keypoints"][5] == "left_shoulder"


def test_stored_scenes_give_the_stored_labels_and_pictures(data_set):
    body = default_body("small")
    coco = json.loads((data_set / "annotations" / "person_keypoints_train2017.json").read_text(encoding="utf-8"))
    ids, scenes = read_scenes(data_set / "scenes_train2017.npz")
    assert ids.tolist() == [picture["id"] for picture in coco["images"]]
    with np.load(data_set / "scenes_train2017.npz", allow_pickle=False) as archive:
        joints, points = (archive[key] for key in PERSON_KEYS[-2:])
    person = 0
    for image_id, scene in zip(ids, scenes):
        geometry = scene_geometry(scene, body)
        vertices = np.load(data_set / "vertices_train2017" / f"{image_id:012d}.npy", allow_pickle=False)
        np.testing.assert_allclose(geometry.vertices, vertices, atol=1e-5)
        labels = [item for item in coco["annotations"] if item["image_id"] == image_id]
        picture = render_scene(scene, body)
        assert [item["keypoints"] for item in describe_people(picture, scene)] == [
            item["keypoints"] for item in labels]
        written = cv2.imread(str(data_set / "train2017" / f"{image_id:012d}.jpg"))
        assert np.abs(written.astype(int) - picture.image).mean() < 8  # JPEG
        for number, item in enumerate(labels):
            np.testing.assert_allclose(joints[person], geometry.joints[number], atol=1e-5)
            given = np.array(item["keypoints"]).reshape(17, 3)
            pixels = project_points(points[person], scene.focal_px, scene.center_px)
            seen = given[:, 2] > 0
            np.testing.assert_allclose(given[seen, :2], pixels[seen], atol=0.01)
            person += 1
    assert person == len(joints) == len(coco["annotations"])


def test_kept_iuv_pictures_have_the_labelled_areas(data_set):
    coco = json.loads((data_set / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8"))
    for picture in coco["images"]:
        iuv = cv2.imread(str(data_set / "iuv_val2017" / f"{picture['id']:012d}.png"))
        areas = [item["area"] for item in coco["annotations"] if item["image_id"] == picture["id"]]
        assert [np.count_nonzero(iuv[..., 0] == number + 1) for number in range(len(areas))] == areas
        assert (iuv[iuv[..., 0] > 0, 1:] > 0).mean() > 0.95


def test_the_same_request_finds_the_complete_data_set(data_set):
    before = {path: path.stat().st_mtime_ns for path in data_set.rglob("*")}
    assert not write_data_set(data_set, REQUEST, workers=2)
    assert {path: path.stat().st_mtime_ns for path in data_set.rglob("*")} == before


def test_an_interrupted_data_set_is_made_whole(data_set, tmp_path):
    request = replace(REQUEST, count=2, keep=())
    write_data_set(tmp_path / "set", request, workers=1)
    whole = contents(tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "set" / "manifest.json").write_text(json.dumps({**manifest, "complete": False}), encoding="utf-8")
    (tmp_path / "set" / "train2017" / "000000000001.jpg").unlink()
    assert write_data_set(tmp_path / "set", request, workers=1)
    assert contents(tmp_path / "set") == whole


@pytest.mark.parametrize("change", [{"seed": 4}, {"count": 11}, {"size": 128}, {"keep": ()}, {"body": "default"}])
def test_other_arguments_are_refused_and_nothing_is_touched(data_set, change):
    before = contents(data_set)
    with pytest.raises(InputError, match="holds another data set"):
        write_data_set(data_set, replace(REQUEST, **change), workers=1)
    assert contents(data_set) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="without a readable manifest"):
        write_data_set(tmp_path, REQUEST, workers=1)
    with pytest.raises(InputError, match="expected a folder"):
        write_data_set(tmp_path / "notes.txt", REQUEST, workers=1)
    assert contents(tmp_path).popitem()[1] == b"mine"


@pytest.mark.parametrize("change, field", [
    ({"count": 0}, "count"), ({"seed": -1}, "seed"), ({"size": 8}, "size"), ({"max_people": 0}, "max_people"),
    ({"val_fraction": 1.5}, "val_fraction"), ({"keep": ("masks",)}, "keep"), ({"body": "missing.npz"}, "missing.npz")])
def test_bad_arguments_are_named_before_anything_is_written(tmp_path, change, field):
    with pytest.raises(InputError, match=field):
        write_data_set(tmp_path / "set", replace(REQUEST, **change), workers=1)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("count, fraction, val", [(1, 0.5, 1), (2, 0.1, 1), (2, 0.9, 1), (100, 0.1, 10), (5, 0.0, 0)])
def test_the_last_pictures_are_for_validation(count, fraction, val):
    sets = [set_of(replace(REQUEST, count=count, val_fraction=fraction), index) for index in range(count)]
    expected = 0 if count == 1 else val
    assert sets == ["train2017"] * (count - expected) + ["val2017"] * expected


def test_a_body_without_face_points_is_refused(tmp_path):
    with np.load(DATA_FOLDER / "body_small.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files if not key.startswith("landmark")}
    np.savez(tmp_path / "bare.npz", **arrays)
    with pytest.raises(InputError, match="nose"):
        load_body(str(tmp_path / "bare.npz"))


def test_a_broken_scene_file_is_named(tmp_path):
    path = tmp_path / "scenes.npz"
    with pytest.raises(InputError, match="cannot be read"):
        read_scenes(path)
    path.write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="scenes.npz"):
        read_scenes(path)
    np.savez(path, pose=np.zeros(3))
    with pytest.raises(InputError, match="image_id"):
        read_scenes(path)


def test_a_scene_file_with_rows_missing_is_named(data_set, tmp_path):
    with np.load(data_set / "scenes_train2017.npz", allow_pickle=False) as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "scenes.npz", **{**arrays, "pose": arrays["pose"][:-1]})
    with pytest.raises(InputError, match="'pose' has"):
        read_scenes(tmp_path / "scenes.npz")


def test_a_studio_is_remembered_with_its_scenes(tmp_path):
    write_data_set(tmp_path, Request(count=2, seed=3, size=64, body="small", studio=True), workers=1)
    assert [scene.is_studio for scene in read_scenes(tmp_path / "scenes_train2017.npz")[1]] == [True]
