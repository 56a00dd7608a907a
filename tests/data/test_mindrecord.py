import json
import sqlite3
from pathlib import Path

import cv2
import mindspore.dataset as ds
import numpy as np
import pytest

from src.data.dense_annotation import PICTURE
from src.data.image import read_image, use_archive
from src.data.image_archive import ImageArchive, Row
from src.data.mindrecord import training_rows, write_images, write_rows
from src.data.video import read_frame
from src.errors import InputError
from src.visual.sheet import write_image

COUNT = 7


@pytest.fixture
def pictures(tmp_path, rng):
    """Picture files of different sizes in two folders below a data folder."""
    files = []
    for number in range(COUNT):
        path = tmp_path / "data" / ("train" if number % 2 else "more pictures") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, rng.integers(0, 256, (4 + number, 9, 3), np.uint8))
        files.append(str(path))
    return files


@pytest.fixture
def archive_folder(tmp_path, pictures):
    write_images(tmp_path / "set", tmp_path / "data", pictures, 3)
    return tmp_path / "set"


@pytest.fixture(autouse=True)
def no_archive_stays():
    yield
    use_archive("", ".")


def test_pictures_come_back_byte_by_byte_in_their_order(tmp_path, pictures, archive_folder):
    archive = ImageArchive(archive_folder, tmp_path / "data")
    assert len(archive) == COUNT
    assert archive.names() == [path[len(str(tmp_path / "data")) + 1:] for path in pictures]
    for path in reversed(pictures):
        with open(path, "rb") as stream:
            assert archive.read(path) == stream.read()
    assert archive.read(tmp_path / "data" / "none.png") is None
    assert sorted(path.name for path in archive_folder.iterdir() if not path.name.endswith(".db")) == [
        *(f"rows_000{number}.mindrecord" for number in range(3)), "set.json"]


def test_mindspores_own_reader_gives_the_same_bytes(tmp_path, pictures, archive_folder):
    rows = {}
    for path in sorted(archive_folder.glob("*.mindrecord")):
        for row in ds.MindDataset(str(path), shuffle=False).create_dict_iterator(num_epochs=1, output_numpy=True):
            rows[str(row["file"])] = row["image"].tobytes()
    archive = ImageArchive(archive_folder, tmp_path / "data")
    assert rows == {name: archive.read(tmp_path / "data" / name) for name in archive.names()}


def test_readers_get_pictures_from_the_set_in_use_and_others_from_files(tmp_path, pictures, archive_folder):
    before = [read_image(path) for path in pictures]
    use_archive(archive_folder, tmp_path / "data")
    for path in pictures[1:]:
        (tmp_path / path).unlink()
    for path, picture in zip(pictures, before):
        np.testing.assert_array_equal(read_image(path), picture)
    write_image(tmp_path / "data" / "new.png", before[0])
    np.testing.assert_array_equal(read_image(tmp_path / "data" / "new.png"), before[0])
    use_archive("", ".")
    with pytest.raises(InputError, match="image file not found"):
        read_image(pictures[1])


def test_a_picture_that_is_none_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    write_images(tmp_path / "set", tmp_path, [str(tmp_path / "a.jpg")], 1)
    use_archive(tmp_path / "set", tmp_path)
    with pytest.raises(InputError, match="a.jpg: cannot be read as an image"):
        read_image(tmp_path / "a.jpg")


def test_what_cannot_be_written_leaves_nothing(tmp_path, pictures, archive_folder, monkeypatch):
    with pytest.raises(InputError, match="is there already"):
        write_images(archive_folder, tmp_path / "data", pictures, 1)
    for count in (0, COUNT + 1):
        with pytest.raises(InputError, match=f"shards {count}: expected 1 to {COUNT}"):
            write_images(tmp_path / "new", tmp_path / "data", pictures, count)
    with pytest.raises(InputError, match="none.png: cannot be read"):
        write_images(tmp_path / "new", tmp_path / "data", [*pictures, str(tmp_path / "none.png")], 1)
    monkeypatch.setattr("src.data.mindrecord.FRAME", 1 << 60)
    with pytest.raises(InputError, match="GB are free"):
        write_images(tmp_path / "new", tmp_path / "data", pictures, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "set"]


def damage(folder, kind):
    shard, index = folder / "rows_0001.mindrecord", folder / "rows_0001.mindrecord.db"
    if kind == "no index":
        index.unlink()
    elif kind == "index is text":
        index.write_text("no database", encoding="utf-8")
    elif kind == "no shard":
        shard.unlink()
    elif kind == "shard cut":
        shard.write_bytes(shard.read_bytes()[:100])
    elif kind == "header is another":
        shard.write_bytes((2).to_bytes(8, "little") + b"{}" + bytes(1000))
    elif kind == "header is endless":
        shard.write_bytes(b"\xff" * 4000)
    elif kind == "header is nested":
        shard.write_bytes((100_000).to_bytes(8, "little") + b"[" * 100_000)
    else:
        statement = {"offset": "UPDATE INDEXES SET PAGE_OFFSET_BLOB_END = 999999999999",
                     "negative": "UPDATE INDEXES SET PAGE_OFFSET_BLOB = -5",
                     "text": "UPDATE INDEXES SET PAGE_ID_BLOB = 'x'", "columns": "DROP TABLE INDEXES",
                     "blob name": "UPDATE INDEXES SET file_0 = x'ff'"}[kind]
        with sqlite3.connect(index) as connection:
            connection.execute(statement)
        connection.close()


@pytest.mark.parametrize("kind", ["no index", "index is text", "no shard", "shard cut", "header is another",
                                  "header is endless", "header is nested", "offset", "negative", "text", "columns",
                                  "blob name"])
def test_a_damaged_set_is_refused_with_the_files_name(tmp_path, archive_folder, kind):
    damage(archive_folder, kind)
    with pytest.raises(InputError, match="rows_0001.mindrecord"):
        ImageArchive(archive_folder, tmp_path / "data")


@pytest.mark.parametrize("content", [
    [], {"format": 2, "shards": []}, {"format": 1, "shards": ["../x"], "count": 0}, {"format": 1, "shards": "abc"},
    {"format": 1, "shards": [], "count": 3}, {"format": 1, "shards": [3], "count": 0}])
def test_a_list_of_shards_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "set.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="set.json"):
        ImageArchive(tmp_path, tmp_path)


def test_a_picture_that_changed_inside_its_shard_is_found(tmp_path, pictures, archive_folder):
    archive = ImageArchive(archive_folder, tmp_path / "data")
    number, position, _ = archive._places[archive.names()[0]]
    with open(archive_folder / f"rows_000{number}.mindrecord", "r+b") as stream:
        stream.seek(position)
        stream.write(b"\x01")
    with pytest.raises(InputError, match="rows_0000.mindrecord: damaged at the row"):
        archive.read(pictures[0])


class Records:
    def __init__(self, *image_paths, frame=None):
        self.image_paths = list(image_paths)
        if frame is not None:
            self.bodies, self.frame = Records(*image_paths), np.array(frame)


class Part:
    def __init__(self, *image_paths):
        self.records = Records(*image_paths)


def names(samples, root):
    return [row.name for row in training_rows(samples, root)]


def test_the_pictures_of_samples_are_each_named_once(tmp_path):
    a, b, c = (str(tmp_path / name) for name in "abc")
    for path in (a, b, c):
        Path(path).write_bytes(b"x")
    assert names(Part(b, a, b), tmp_path) == ["b", "a"]
    joined = Part()
    joined.parts = [Part(b, a), Part(c, a)]
    assert names(joined, tmp_path) == ["b", "a", "c"]
    with pytest.raises(InputError, match="d: cannot be read"):
        names(Part(b, str(tmp_path / "d")), tmp_path)


def test_frames_of_videos_keep_every_pixel(tmp_path, pictures, rng):
    video = tmp_path / "data" / "clips" / "a.mp4"
    video.parent.mkdir()
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 10, (32, 24))
    for _ in range(4):
        writer.write(rng.integers(0, 256, (24, 32, 3), np.uint8))
    writer.release()
    samples = Part()
    samples.sets = Part()
    samples.sets.records = [Records(pictures[0], frame=[PICTURE]),
                            Records(str(video), str(video), str(video), frame=[3, 1, 3])]
    rows = training_rows(samples, tmp_path / "data")
    assert [row.name for row in rows] == ["more pictures/0.png", "clips/a.mp4#3", "clips/a.mp4#1"]
    expected = {number: read_frame(video, number) for number in (1, 3)}
    assert (expected[1] != expected[3]).any()
    write_rows(tmp_path / "set", rows, 2)
    use_archive(tmp_path / "set", tmp_path / "data")
    np.testing.assert_array_equal(read_frame(video, 2).shape, (24, 32, 3))  # from the file, since it is not in the set
    video.unlink()
    for number, frame in expected.items():
        np.testing.assert_array_equal(read_frame(video, number), frame)
    with pytest.raises(InputError, match="a.mp4: video not found"):
        read_frame(video, 2)


def test_a_frame_that_is_no_picture_is_named(tmp_path):
    write_rows(tmp_path / "set", [Row("a.mp4#0", 7, lambda: b"nothing")], 1)
    use_archive(tmp_path / "set", tmp_path)
    with pytest.raises(InputError, match="a.mp4: frame 0 cannot be read from its MindRecord set"):
        read_frame(tmp_path / "a.mp4", 0)
