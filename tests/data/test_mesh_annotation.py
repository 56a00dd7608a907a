"""SPIN's annotation files and pose priors: real ones, made-up ones, mistakes in them."""

import pickle

import cv2
import h5py
import numpy as np
import pytest

from src.body.joints import H36M17_RIGHT, J24, MPI17
from src.body.smpl import mirror_pose
from src.data.body_records import join_records
from src.data.mesh_annotation import PosePrior, read_mesh_annotation, read_prior, write_mesh_annotation
from src.errors import InputError
from src.geometry.camera import project_points


def content(count=3, **changes):
    rng = np.random.default_rng(4)
    arrays = {"imgname": np.array([f"a/{row}.jpg" for row in range(count)]), "center": np.full((count, 2), 50.0),
              "scale": np.full(count, 0.5), "part": rng.uniform(0, 1, (count, 24, 3)),
              "S": rng.uniform(0, 1, (count, 24, 4)), "pose": rng.normal(size=(count, 72)),
              "shape": rng.normal(size=(count, 10)), **changes}
    return {key: value for key, value in arrays.items() if value is not None}


def write(folder, **changes):
    np.savez(folder / "set.npz", **content(**changes))
    return folder / "set.npz"


def test_all_columns_are_read(tmp_path):
    records = read_mesh_annotation(write(tmp_path), tmp_path)
    expected = content()
    np.testing.assert_allclose(records.joints_2d, expected["part"], rtol=1e-6)
    np.testing.assert_allclose(records.joints_3d, expected["S"], rtol=1e-6)
    np.testing.assert_allclose(records.pose, expected["pose"].reshape(-1, 24, 3), rtol=1e-6)
    np.testing.assert_allclose(records.side, 100)
    assert records.has_smpl.tolist() == [1, 1, 1]
    assert records.image_paths[2] == f"{tmp_path}/a/2.jpg"


@pytest.mark.parametrize("missing, expected", [(("pose",), 0), (("shape",), 0), (("part", "S"), 1)])
def test_missing_columns_are_zero(tmp_path, missing, expected):
    records = read_mesh_annotation(write(tmp_path, **dict.fromkeys(missing)), tmp_path)
    assert records.has_smpl.tolist() == [expected] * 3
    if "part" in missing:
        assert not records.joints_2d.any() and not records.joints_3d.any()
        np.testing.assert_allclose(records.box[0], [50 - 100 / 2.4, 50 - 100 / 2.4, 50 + 100 / 2.4, 50 + 100 / 2.4],
                                   rtol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.float64, bool])
def test_the_column_of_valid_bodies_is_believed(tmp_path, kind):
    records = read_mesh_annotation(write(tmp_path, has_smpl=np.array([1, 0, 1], kind)), tmp_path)
    assert records.has_smpl.tolist() == [1, 0, 1]


@pytest.mark.parametrize("place", ["a/0.jpg", "images/a/0.jpg", "a/0.png", "images/a/0.png"])
def test_pictures_are_found_where_the_documents_or_the_settings_put_them(tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).touch()
    records = read_mesh_annotation(write(tmp_path), tmp_path)
    assert records.image_paths[0] == str(tmp_path / place)
    assert records.image_paths[1] == str(tmp_path / place.replace("0", "1"))


@pytest.mark.parametrize("changes, message", [
    ({"imgname": None}, "set.npz: key 'imgname' is missing"),
    ({"center": None}, "set.npz: key 'center' is missing"),
    ({"scale": np.zeros(3)}, "set.npz: 'scale' must be positive"),
    ({"part": np.zeros((3, 14, 3))}, r"set.npz: 'part' has shape \(3, 14, 3\), expected \(3, 24, 3\)"),
    ({"pose": np.zeros((3, 24, 3))}, r"'pose' has shape \(3, 24, 3\), expected \(3, 72\)"),
    ({"shape": np.full((3, 10), np.nan)}, "set.npz: 'shape' must hold finite numbers"),
    ({"imgname": np.arange(3)}, "set.npz: 'imgname' must hold texts"),
])
def test_mistakes_are_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_mesh_annotation(write(tmp_path, **changes), tmp_path)


def test_written_files_are_read_back(tmp_path):
    records = read_mesh_annotation(write(tmp_path), tmp_path)
    write_mesh_annotation(tmp_path / "again.npz", ["a/0.jpg", "a/1.jpg", "a/2.jpg"], records)
    again = read_mesh_annotation(tmp_path / "again.npz", tmp_path)
    assert again.image_paths == records.image_paths
    for name in ("center", "side", "joints_2d", "joints_3d", "pose", "shape", "has_smpl"):
        np.testing.assert_allclose(getattr(again, name), getattr(records, name), rtol=1e-6)


def test_selected_and_joined_rows_keep_together(tmp_path):
    records = read_mesh_annotation(write(tmp_path), tmp_path)
    turned = join_records([records.select(np.array([2])), records.select(slice(0, 2))])
    assert turned.image_paths == [records.image_paths[row] for row in (2, 0, 1)]
    np.testing.assert_array_equal(turned.pose, records.pose[[2, 0, 1]])


def test_prior_draws_are_rows_and_mirrored_ones(rng):
    prior = PosePrior(rng.normal(size=(5, 24, 3)).astype(np.float32), rng.normal(size=(5, 10)).astype(np.float32), True)
    pose, shape = prior.draw(rng, 200)
    rows = [int(np.flatnonzero((prior.shape == row).all(axis=1))[0]) for row in shape]
    plain = (pose == prior.pose[rows]).all(axis=(1, 2))
    mirrored = (pose == mirror_pose(prior.pose)[rows]).all(axis=(1, 2))
    assert set(rows) == set(range(5)) and (plain ^ mirrored).all() and 0.35 < plain.mean() < 0.65
    straight, _ = PosePrior(prior.pose, prior.shape).draw(rng, 50)
    assert all((row == prior.pose).all(axis=(1, 2)).any() for row in straight)


def test_prior_of_human36m_leaves_the_test_subjects_out(tmp_path):
    with h5py.File(tmp_path / "annot.h5", "w") as file:
        file["pose"], file["shape"] = np.zeros((3, 72)), np.arange(30.0).reshape(3, 10)
        file["imagename"] = np.array([b"/S1_Eating 1_0_1.jpg", b"/S9_Eating 1_0_1.jpg",
                                      b"/S11_Eating.54138969_000001.jpg"])
    prior = read_prior(tmp_path / "annot.h5")
    assert len(prior) == 1 and prior.shape[0, 0] == 0


def test_pickled_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "set.npz", imgname=np.array([{"a": 1}], object))
    with pytest.raises(InputError, match="set.npz: not an .npz file of plain arrays"):
        read_mesh_annotation(tmp_path / "set.npz", tmp_path)


# ---- real files ------------------------------------------------------------------------------------

def test_real_mosh_file_is_read(shared):
    prior = read_prior(shared / "data" / "mosh" / "test_mosh.npz")
    assert prior.pose.shape == (4, 24, 3) and prior.shape.shape == (4, 10)


def h36m_cameras(shared):
    with open(shared / "data" / "h36m" / "cameras.pkl", "rb") as file:
        return pickle.load(file)


def distorted(points, camera):
    """Projects with Human3.6M's distortion, as the data's description gives it."""
    plane = points[..., :2] / points[..., 2:]
    radius = (plane ** 2).sum(-1)
    k, p = np.ravel(camera["k"]), np.ravel(camera["p"])
    factor = 1 + k[0] * radius + k[1] * radius ** 2 + k[2] * radius ** 3 + p[0] * plane[..., 1] + p[1] * plane[..., 0]
    bent = plane * factor[..., None] + np.stack([p[1] * radius, p[0] * radius], axis=-1)
    return bent * np.ravel(camera["f"]) + np.ravel(camera["c"])


def test_real_human36m_rows_project_onto_their_pictures(shared):
    folder = shared / "data" / "h36m"
    records = read_mesh_annotation(folder / "test_h36m.npz", folder)
    cameras = h36m_cameras(shared)
    assert len(records) == 4 and records.has_smpl.all()
    for row in range(4):
        name = records.image_paths[row].split("/")[-1]
        camera = cameras[(name.split("_")[0], name.split(".")[1].split("_")[0])]
        is_known = records.joints_3d[row, :, 3] > 0
        assert is_known.sum() == 17
        pixels = distorted(records.joints_3d[row, is_known, :3].astype(np.float64), camera)
        np.testing.assert_allclose(pixels, records.joints_2d[row, is_known, :2], atol=0.03)
        size = 1.2 * np.ptp(records.joints_2d[row, is_known, :2], axis=0).max()
        np.testing.assert_allclose(records.side[row], size, rtol=1e-4)
        # the plain pinhole leaves the distortion, a few pixels of 1000
        plain = project_points(records.joints_3d[row, is_known, :3], np.ravel(camera["f"]), np.ravel(camera["c"]))
        assert np.abs(plain - records.joints_2d[row, is_known, :2]).max() < 4


def test_real_rows_of_17_joints_are_the_same_as_those_of_24(shared):
    folder = shared / "data" / "h36m"
    records = read_mesh_annotation(folder / "test_h36m_body3d.npz", folder, (J24, H36M17_RIGHT))
    same = read_mesh_annotation(folder / "test_h36m.npz", folder)
    np.testing.assert_allclose(records.joints_3d, same.joints_3d, atol=2e-4)
    np.testing.assert_allclose(records.joints_2d, same.joints_2d, atol=3e-2)
    assert [cv2.imread(path).shape for path in records.image_paths] == [(1002, 1000, 3)] * 3 + [(1000, 1000, 3)]


@pytest.mark.parametrize("part", ["train", "test"])
def test_real_mpi_inf_rows_project_onto_their_pictures(shared, part):
    folder = shared / "data" / "mpi_inf_3dhp"
    records = read_mesh_annotation(folder / f"test_3dhp_{part}.npz", folder, (J24, MPI17))
    with open(folder / f"cameras_{part}.pkl", "rb") as file:
        cameras = pickle.load(file)
    for row in range(len(records)):
        name = records.image_paths[row].split("/")[-1]
        camera = cameras["_".join(name.split("_")[:-1])] if part == "train" else cameras[name.split("_")[0]]
        is_known = records.joints_3d[row, :, 3] > 0
        assert is_known.sum() >= 15 and not is_known[J24.index("head_top")]
        pixels = project_points(records.joints_3d[row, is_known, :3].astype(np.float64), np.ravel(camera["f"]),
                                np.ravel(camera["c"]))
        assert np.abs(pixels - records.joints_2d[row, is_known, :2]).max() < 2
