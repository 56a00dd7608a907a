"""Samples of DecoMR: picture, IUV, mesh and joints agree with each other under every augmentation."""

import cv2
import numpy as np
import pytest

from src.body.j24 import mesh_regressors
from src.body.joints import J24
from src.body.template import load_bodies, load_template, posed_vertices
from src.data.body_records import make_body_records
from src.data.dense_annotation import FEMALE, MALE, make_dense_records, read_dense_annotation
from src.data.dense_sets import TrainingSets
from src.decomr.data import EvalSamples, TrainSamples, can_mirror, crop_person, normalise, read_person
from src.errors import InputError
from src.geometry.weak_camera import fit_weak_camera, pinhole_translation, project_weak
from src.uv.sampler import make_sampler
from src.visual.iuv import render_iuv, write_iuv

BODIES = load_bodies("small", "")
TEMPLATE = load_template(BODIES[0])
WIDTH, HEIGHT, FOCAL = 120, 100, 2000.0


@pytest.fixture
def records(tmp_path):
    """Four persons with a picture that shows the mask, three with an IUV picture, seen by a long lens."""
    rng = np.random.default_rng(7)
    pose = 0.2 * rng.normal(size=(4, 24, 3)).astype(np.float32)
    pose[:, 0] = [np.pi, 0, 0]
    shape = rng.normal(size=(4, 10)).astype(np.float32)
    vertices = posed_vertices(BODIES, np.zeros(4, int), pose, shape)
    regressors = mesh_regressors(BODIES[0], "")
    joints, smpl = regressors.train @ vertices, regressors.smpl @ vertices
    paths, iuv_paths, keypoints = [], [], [[], []]
    for row in range(4):
        shift = pinhole_translation([0.75, 0.1, 0.25 - 0.05 * row], FOCAL, HEIGHT)
        center = np.array([WIDTH - 1, HEIGHT - 1]) / 2
        iuv = render_iuv(vertices[row] + shift, TEMPLATE, FOCAL, center, HEIGHT, WIDTH)
        paths.append(str(tmp_path / f"{row}.png"))
        cv2.imwrite(paths[-1], np.repeat(iuv[..., :1] * 255, 3, axis=2))
        iuv_paths.append(str(tmp_path / f"iuv{row}.png") if row < 3 else "")
        if row < 3:
            write_iuv(iuv_paths[-1], iuv)
        for places, points in zip(keypoints, (joints[row] + shift, smpl[row] + shift)):
            places.append(points[:, :2] / points[:, 2:] * FOCAL + center)
    ones = np.ones((4, 24, 1))
    bodies = make_body_records(paths, joints_2d=np.concatenate([keypoints[0], ones], axis=2),
                               joints_3d=np.concatenate([joints, ones], axis=2), pose=pose, shape=shape)
    return make_dense_records(bodies, iuv_paths=iuv_paths, fit_errors=np.array([0, 0.1, 0, 0.2], np.float32),
                              keypoints_smpl=np.concatenate([keypoints[1], ones], axis=2).astype(np.float32),
                              joints_smpl=np.concatenate([smpl, ones], axis=2).astype(np.float32))


def make_samples(records, stage="end", spread=(0.0, 0.0, 0.0, False), size=64):
    return TrainSamples(TrainingSets(["set"], [records], [1.0]), BODIES, stage, size, *spread)


def load(samples, index, seed=0):
    return dict(zip(samples.columns, samples.load(index, np.random.default_rng(seed))))


def test_columns_have_the_shapes_and_types_that_training_takes(records):
    vertices = len(BODIES[0].v_template)
    expected = {"image": (3, 64, 64), "iuv": (3, 64, 64), "has_dp": (), "fit_error": (), "vertices": (vertices, 3),
                "has_smpl": (), "keypoints": (24, 3), "joints_3d": (24, 4), "has_joints_3d": (),
                "keypoints_smpl": (24, 3), "joints_smpl": (24, 4), "has_joints_smpl": ()}
    sample = load(make_samples(records, spread=(0.4, 30.0, 0.25, True)), 0)
    assert {name: array.shape for name, array in sample.items()} == expected
    assert {array.dtype for name, array in sample.items() if name != "iuv"} == {np.dtype(np.float32)}
    assert sample["iuv"].dtype == np.uint8 and all(array.flags.c_contiguous for array in sample.values())
    assert list(load(make_samples(records, "dp"), 0)) == ["image", "iuv", "has_dp", "fit_error"]


@pytest.mark.parametrize("rotation", [0.0, 30.0])
def test_picture_iuv_joints_and_mesh_show_the_same_person(records, rotation):
    samples = make_samples(records, spread=(0.0, rotation, 0.25, False), size=128)
    location = make_sampler(TEMPLATE, 128)
    for seed in range(12):
        sample = load(samples, seed, seed)
        inside = sample["iuv"][0] > 0
        shown = sample["image"][0] * 0.229 + 0.485 > 0.5
        camera, error = fit_weak_camera(sample["joints_3d"][:, :2], sample["keypoints"][:, :2])
        assert error < 0.03  # joints are rounded to pixels
        smpl, error = fit_weak_camera(sample["joints_smpl"][:, :2], sample["keypoints_smpl"][:, :2])
        assert error < 0.03 and abs(smpl[0] / camera[0] - 1) < 0.02
        if not sample["has_dp"]:
            assert not inside.any()
            continue
        assert (inside != shown).mean() < 0.02
        rows, columns = np.nonzero(inside)
        u, v = sample["iuv"][1:, rows, columns] / 255.0
        surface = location.uv_map(sample["vertices"][None])[0]
        points = surface[np.rint(v * 127).astype(int), np.rint(u * 127).astype(int)]
        # joints and mesh turn about different points, so their cameras differ in the shift
        place = np.stack([columns, rows], axis=1) / 127 * 2 - 1
        own, error = fit_weak_camera(points[:, :2], place)
        assert error < 0.05 and abs(own[0] / camera[0] - 1) < 0.05


def test_a_mirrored_sample_is_the_picture_and_the_body_in_a_mirror(records):
    plain = load(make_samples(records), 0)
    seeds = [seed for seed in range(20) if np.random.default_rng(seed).uniform() <= 0.5]
    mirrored = load(make_samples(records, spread=(0.0, 0.0, 0.0, True)), 0, seeds[0])
    np.testing.assert_allclose(mirrored["image"], plain["image"][..., ::-1], atol=2e-4)
    np.testing.assert_array_equal(mirrored["iuv"][0], plain["iuv"][0, :, ::-1])
    inside = plain["iuv"][0, :, ::-1] > 0
    np.testing.assert_array_equal(mirrored["iuv"][1][inside], 255 - plain["iuv"][1, :, ::-1][inside])
    for name in ("joints_3d", "keypoints"):
        expected = plain[name][J24.flip] * np.array([-1, *[1] * (plain[name].shape[1] - 1)])
        np.testing.assert_allclose(mirrored[name], expected, atol=1e-6)
    left = mesh_regressors(BODIES[0], "").smpl @ mirrored["vertices"]
    right = mesh_regressors(BODIES[0], "").smpl @ plain["vertices"]
    np.testing.assert_allclose(left[1], right[2] * [-1, 1, 1], atol=0.01)


def test_what_is_not_known_is_zero(records):
    bodies = make_body_records(records.bodies.image_paths, center=np.full((4, 2), 50.0), side=np.full(4, 90.0))
    sample = load(make_samples(make_dense_records(bodies)), 1)
    for name in ("has_dp", "has_smpl", "has_joints_3d", "has_joints_smpl"):
        assert sample[name] == 0
    assert not sample["vertices"].any() and not sample["iuv"].any() and not sample["keypoints"][:, 2].any()
    assert sample["fit_error"] == 0 and load(make_samples(records), 3)["fit_error"] == np.float32(0.2)


def test_an_iuv_picture_that_is_not_there_is_not_known(records, tmp_path):
    (tmp_path / "iuv1.png").unlink()
    samples = make_samples(records)
    assert load(samples, 1)["has_dp"] == 0 and load(samples, 0)["has_dp"] == 1
    (tmp_path / "iuv0.png").write_bytes(b"broken")
    with pytest.raises(InputError, match="iuv0.png"):
        load(samples, 0)


def test_a_missing_picture_is_an_input_error(records, tmp_path):
    (tmp_path / "2.png").unlink()
    with pytest.raises(InputError, match="2.png: image file not found"):
        load(make_samples(records), 2)


def test_every_person_gets_the_body_of_the_gender():
    bodies = load_bodies("default", "")
    other = type(bodies[0])(**{**{name: getattr(bodies[0], name) for name in bodies[0].__dataclass_fields__},
                               "v_template": 2 * bodies[0].v_template})
    pose, shape = np.zeros((3, 24, 3), np.float32), np.zeros((3, 10), np.float32)
    vertices = posed_vertices((bodies[0], other, bodies[0]), np.array([0, MALE, FEMALE]), pose, shape)
    np.testing.assert_array_equal(vertices[0], vertices[2])
    np.testing.assert_allclose(vertices[1], 2 * vertices[0], atol=1e-5)


def test_frames_of_videos_are_mirrored(records, tmp_path):
    path = str(tmp_path / "a.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no avi")
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, :16] = 255
    writer.write(frame)
    writer.release()
    bodies = make_body_records([path], center=np.zeros((1, 2)), side=np.ones(1))
    picture = read_person(make_dense_records(bodies, frame=np.zeros(1, np.int64)), 0)
    assert picture[:, 52:].mean() > 240 and picture[:, :40].mean() < 10


def test_evaluation_sees_the_plain_crop(records):
    samples = EvalSamples(records, 64)
    image, = samples.inputs(1)
    np.testing.assert_array_equal(image, load(make_samples(records), 1)["image"])
    np.testing.assert_array_equal(image, normalise(crop_person(records, 1, 64)[1]))
    assert samples.blank()[0].shape == image.shape and samples.target(np.array([2, 0]))["row"].tolist() == [2, 0]
    assert len(samples) == 4 and len(samples.passes((image,))) == 1


def test_only_charts_made_for_it_or_symmetric_ones_are_mirrored():
    assert can_mirror(TEMPLATE, "BF") and not can_mirror(TEMPLATE, "BODY")


def test_projection_of_the_mesh_covers_the_picture_of_the_person(records):
    sample = load(make_samples(records, size=128), 0)
    camera, _ = fit_weak_camera(sample["joints_3d"][:, :2], sample["keypoints"][:, :2])
    place = np.rint((project_weak(sample["vertices"], camera) + 1) / 2 * 127).astype(int)
    place = place[((place >= 0) & (place < 128)).all(axis=1)]
    near = cv2.dilate(sample["iuv"][0], np.ones((5, 5), np.uint8))  # joints lie up to a pixel off
    assert len(place) > 1500 and near[place[:, 1], place[:, 0]].mean() > 0.97


@pytest.mark.parametrize("spread", [(0.0, 0.0, 0.0, False), (0.4, 30.0, 0.25, True)])
def test_joints_of_real_frames_lie_on_their_real_iuv_pictures(shared, spread):
    folder = shared / "data/h36m"
    names = np.load(folder / "test_h36m.npz")["imgname"].tolist()
    places = {name: next(folder.rglob(name)) for name in names}
    records = read_dense_annotation(folder / "test_h36m.npz", folder, folder / "BF_IUV_gt")
    records.bodies.image_paths[:] = [str(places[name]) for name in names]
    samples = make_samples(records, spread=spread, size=224)
    on_body = []
    for seed in range(8):
        sample = load(samples, seed, seed)
        assert sample["has_dp"] == 1 and sample["image"].std() > 0.3
        near = cv2.dilate(sample["iuv"][0], np.ones((9, 9), np.uint8))
        known = sample["keypoints"][:, 2] > 0
        column, row = np.rint((sample["keypoints"][known, :2].T + 1) * 112).astype(int)
        inside = (column >= 0) & (column < 224) & (row >= 0) & (row < 224)
        on_body += near[row[inside], column[inside]].tolist()
    assert len(on_body) > 100 and np.mean(on_body) > 0.97
