import h5py
import numpy as np
import pytest

from src.body.assets import default_body
from src.data.h36m import CAMERA_NAMES, DETECTOR_ROWS, NO_JAW, POSE17, POSE_ROWS, H36mFolder, read_cameras
from src.data.h36m_pack import MotionPack, open_motion, write_pack
from src.data.h36m_writer import write_h36m
from src.errors import InputError
from src.people.motion import make_cameras, make_motion

DETECTOR = "StackedHourglass"


@pytest.fixture(scope="module")
def made():
    """Cameras and all sequences of three frames."""
    cameras = make_cameras(np.random.default_rng(3))
    return cameras, list(make_motion(default_body("small"), cameras, 3, 4.0, 5))


@pytest.fixture
def tree(made, tmp_path):
    """A folder in the h5 layout that a test may damage."""
    write_h36m(tmp_path / "h36m", made[1], made[0], DETECTOR)
    return tmp_path / "h36m"


@pytest.fixture
def pack(made, tmp_path):
    """The same motion in one file."""
    write_pack(tmp_path / "motion.npz", made[1], made[0], DETECTOR)
    return tmp_path / "motion.npz"


def read_all(source, detector=DETECTOR):
    return list(source.sequences((1, 9), ("Eating", "Sitting"), detector))


def test_the_joints_are_named_and_mirrored():
    assert [POSE17.names[row] for row in NO_JAW][8:10] == ["thorax", "head_h36m"] and len(POSE_ROWS) == 17
    assert all(POSE17.names[a].replace("left", "right") == POSE17.names[b] for a, b in POSE17.swaps)
    assert sorted(DETECTOR_ROWS) == list(range(16))


def test_sitting_is_not_sitting_down(tree):
    names = [sequence.name for sequence in read_all(H36mFolder(tree))]
    assert names == 2 * ["Eating 1", "Eating", "Sitting 1", "Sitting"]


def test_the_pack_holds_what_the_folder_holds(tree, pack):
    first, second = read_all(H36mFolder(tree)), read_all(MotionPack(pack))
    assert [one.name for one in first] == [one.name for one in second]
    for one, two in zip(first, second):
        np.testing.assert_allclose(one.world_mm[:, POSE_ROWS], two.world_mm[:, POSE_ROWS], atol=1e-3)
        for camera, pixels in one.detections.items():
            np.testing.assert_allclose(two.detections[camera], pixels, atol=1e-3)
    cameras = MotionPack(pack).cameras()
    for key, camera in H36mFolder(tree).cameras().items():
        np.testing.assert_array_equal(cameras[key].rotation, camera.rotation)
        np.testing.assert_array_equal(cameras[key].lens.radial, camera.lens.radial)


def test_a_source_is_found_by_its_path(tree, pack, tmp_path):
    assert isinstance(open_motion(tree), H36mFolder) and isinstance(open_motion(pack), MotionPack)
    pack.rename(tmp_path / "poses.npz")
    assert isinstance(open_motion(tmp_path), MotionPack)
    with pytest.raises(InputError, match="no such folder"):
        open_motion(tmp_path / "nothing")


def test_the_video_that_the_release_lacks_may_be_missing_others_may_not(tree):
    folder = H36mFolder(tree)
    (tree / "S11" / DETECTOR / "Directions.54138969.h5").unlink()
    sequences = list(folder.sequences((11,), ("Directions",), DETECTOR))
    assert [len(sequence.detections) for sequence in sequences] == [4, 3]
    (tree / "S11" / DETECTOR / "Directions_1.54138969.h5").unlink()
    with pytest.raises(InputError, match="Directions_1.54138969.h5: file not found"):
        list(folder.sequences((11,), ("Directions",), DETECTOR))


def test_a_missing_sequence_is_counted(tree):
    (tree / "S9" / "MyPoses" / "3D_positions" / "Eating 1.h5").unlink()
    with pytest.raises(InputError, match="1 sequences of Eating, expected 2"):
        read_all(H36mFolder(tree))


@pytest.mark.parametrize(("values", "words"), [
    (np.zeros((95, 3)), r"has shape \(95, 3\), expected \(96, frames\)"), (np.full((96, 3), np.nan), "finite numbers"),
    (np.array([b"text"]), "3D_positions"), (None, "is missing")])
def test_a_wrong_dataset_is_named(tree, values, words):
    path = tree / "S9" / "MyPoses" / "3D_positions" / "Eating.h5"
    with h5py.File(path, "w") as stream:
        if values is not None:
            stream["3D_positions"] = values
    with pytest.raises(InputError, match=f"Eating.h5: .*{words}"):
        read_all(H36mFolder(tree))


def test_a_truncated_file_is_named(tree):
    path = tree / "S9" / DETECTOR / "Eating.54138969.h5"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="Eating.54138969.h5: not a readable HDF5 file"):
        read_all(H36mFolder(tree))


def test_detections_of_another_length_are_refused(tree):
    with h5py.File(tree / "S1" / DETECTOR / "Eating.54138969.h5", "w") as stream:
        stream["poses"] = np.zeros((4, 16, 2))
    with pytest.raises(InputError, match=r"'poses' has shape \(4, 16, 2\), expected \(3, 16, 2\)"):
        read_all(H36mFolder(tree))


def test_cameras_are_checked(tree):
    with h5py.File(tree / "cameras.h5", "a") as stream:
        del stream["subject9/camera2/k"]
    with pytest.raises(InputError, match="subject9/camera2/k"):
        read_cameras(tree / "cameras.h5")


def test_cameras_equal_the_original(fake_h36m, shared):
    with np.load(shared / "golden" / "gmh_mdn" / "cameras.npz", allow_pickle=False) as recorded:
        cameras = fake_h36m.cameras()
        assert len(cameras) == 28
        for row, (subject, number, name) in enumerate(zip(recorded["subject"], recorded["camera"], recorded["name"])):
            camera = cameras[int(subject), str(name)]
            assert str(name) == CAMERA_NAMES[number - 1]
            for ours, key in ((camera.rotation, "R"), (camera.position_mm, "T"), (camera.lens.focal_px, "f"),
                              (camera.lens.center_px, "c"), (camera.lens.radial, "k"), (camera.lens.tangential, "p")):
                np.testing.assert_allclose(ours.ravel(), recorded[key][row].ravel(), rtol=0, atol=1e-9)


def test_a_camera_with_a_wrong_name_is_missed(tree):
    with h5py.File(tree / "cameras.h5", "a") as stream:
        stream["subject9/camera2/Name"][...] = 49.0
    with pytest.raises(InputError, match="subject9 has no camera called 55011271"):
        read_cameras(tree / "cameras.h5")


def test_a_pack_without_detections_names_the_way_out(made, tmp_path):
    write_pack(tmp_path / "motion.npz", made[1][:40], made[0])
    with pytest.raises(InputError, match="--use_sh false"):
        read_all(MotionPack(tmp_path / "motion.npz"))
    assert read_all(MotionPack(tmp_path / "motion.npz"), detector="")


DAMAGE = {
    "format": ({"format": np.int64(2)}, "'format' = 1"),
    "positions": ({"positions_mm": np.zeros((4, 3))}, "positions_mm"),
    "start": ({"sequence_start": np.arange(211)}, "'sequence_start' must rise from 0"),
    "text": ({"sequence_name": np.zeros(210)}, "texts"),
    "camera": ({"camera_subject": np.zeros(28, int)}, "has 0 cameras"),
    "rows": ({f"detections_{DETECTOR}_start": np.full((210, 4), 10 ** 6)}, "points outside"),
    "last row": ({f"detections_{DETECTOR}_start": np.full((210, 4), 2 ** 63 - 1)}, "points outside")}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_pack_is_refused_with_the_key(pack, name):
    with np.load(pack) as content:
        arrays = dict(content)
    change, words = DAMAGE[name]
    np.savez(pack, **{**arrays, **change})
    with pytest.raises(InputError, match=words):
        read_all(MotionPack(pack))
