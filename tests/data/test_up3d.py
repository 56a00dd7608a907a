"""UP-3D's published files become columns; what is missing or broken is named."""

import pickle

import cv2
import numpy as np
import pytest

from src.data.up3d import annotation_columns, read_list
from src.errors import InputError


def write_person(folder, name, rng, has_render=True):
    """Writes the files of one picture; the render covers columns 10 to 29 and rows 20 to 69."""
    joints = rng.uniform(15, 60, (3, 14))
    joints[2] = rng.integers(0, 2, 14)
    joints[2, :3] = 1
    np.save(folder / f"{name}_joints.npy", joints)
    body = {"pose": rng.normal(size=72), "betas": rng.normal(size=10), "rt": np.zeros(3), "f": 500.0, "name": "x"}
    (folder / f"{name}_body.pkl").write_bytes(pickle.dumps(body, protocol=2))
    cv2.imwrite(str(folder / f"{name}_image.png"), np.zeros((80, 60, 3), np.uint8))
    if has_render:
        render = np.full((80, 60, 3), 255, np.uint8)
        render[20:70, 10:30, 1] = 200
        cv2.imwrite(str(folder / f"{name}_render_light.png"), render)
    return joints, body


def test_a_list_names_its_pictures(tmp_path):
    (tmp_path / "a.txt").write_text("/01129_image.png\n00002_image.png\n", encoding="utf-8")
    assert read_list(tmp_path / "a.txt") == ["01129", "00002"]


def test_the_published_test_list_is_read(shared):
    names = read_list(shared / "data/graphcmr/namesUPlsp.txt")
    assert len(names) == len(set(names)) == 639 and all(len(name) == 5 for name in names)


@pytest.mark.parametrize(("text", "message"), [
    ("/../etc/passwd", "expected lines like"), ("/_image.png", "expected lines like"), ("", "names no picture"),
    ("/01129_image.jpg", "expected lines like")])
def test_a_line_that_is_no_picture_is_named(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_list(tmp_path / "a.txt")


def test_a_person_becomes_a_row(tmp_path, rng):
    joints, body = write_person(tmp_path, "00001", rng)
    columns = annotation_columns(tmp_path, ["00001"], None)
    assert columns["imgname"].tolist() == ["00001_image.png"]
    assert columns["center"].tolist() == [[20.0, 45.0]] and columns["scale"][0] == pytest.approx(1.2 * 50 / 200)
    np.testing.assert_array_equal(columns["part"][0, :14], joints.T)
    assert not columns["part"][0, 14:].any()
    np.testing.assert_array_equal(columns["pose"][0], body["pose"])
    np.testing.assert_array_equal(columns["shape"][0], body["betas"])


def test_rows_keep_the_order_of_the_list(tmp_path, rng):
    poses = {name: write_person(tmp_path, name, rng)[1]["pose"] for name in ("00001", "00002", "00003")}
    columns = annotation_columns(tmp_path, ["00003", "00001", "00002"], None)
    np.testing.assert_array_equal(columns["pose"], [poses["00003"], poses["00001"], poses["00002"]])


def test_without_a_render_the_projected_body_gives_the_box_and_it_is_said(tmp_path, rng, capsys):
    write_person(tmp_path, "00001", rng)
    joints, body = write_person(tmp_path, "00002", rng, has_render=False)
    asked = []

    def find_box(*person):
        asked.append(person)
        return np.array([[4.0, 6.0], [24.0, 56.0]])

    columns = annotation_columns(tmp_path, ["00001", "00002"], find_box)
    assert columns["center"].tolist() == [[20.0, 45.0], [14.0, 31.0]]
    np.testing.assert_allclose(columns["scale"], 1.2 * 50 / 200)
    (pose, shape, places), = asked
    np.testing.assert_array_equal(places, joints.T)
    assert (pose == body["pose"]).all() and (shape == body["betas"]).all()
    assert "1 of 2 pictures have no render" in capsys.readouterr().out


def test_a_body_without_render_and_place_is_named(tmp_path, rng):
    write_person(tmp_path, "00001", rng, has_render=False)
    with pytest.raises(InputError, match="00001_joints.npy: there is no render"):
        annotation_columns(tmp_path, ["00001"], lambda *person: None)


@pytest.mark.parametrize(("file", "content", "message"), [
    ("00001_joints.npy", None, "00001_joints.npy: cannot be read"), ("00001_body.pkl", None, "00001_body.pkl"),
    ("00001_body.pkl", pickle.dumps({"pose": np.zeros(72)}), "key 'betas' is missing"),
    ("00001_body.pkl", pickle.dumps({"pose": np.zeros(69), "betas": np.zeros(10)}), "'pose' has shape"),
    ("00001_body.pkl", b"cos\nsystem\n(S'true'\ntR.", "refused"),
    ("00001_render_light.png", b"broken", "00001_render_light.png")])
def test_what_is_missing_or_broken_is_named(tmp_path, rng, file, content, message):
    write_person(tmp_path, "00001", rng)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=message):
        annotation_columns(tmp_path, ["00001"], None)


def test_an_empty_render_is_named(tmp_path, rng):
    write_person(tmp_path, "00001", rng)
    cv2.imwrite(str(tmp_path / "00001_render_light.png"), np.full((80, 60, 3), 255, np.uint8))
    with pytest.raises(InputError, match="the render is empty"):
        annotation_columns(tmp_path, ["00001"], None)
