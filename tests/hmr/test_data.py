"""Samples of both HMR profiles: recorded ones, and what must hold of any."""

import cv2
import numpy as np
import pytest

from src.body.joint_maps import captured_lsp14_to_j24, lsp14_of
from src.body.smpl import mirror_pose
from src.data.body_augment import BodyAugmentation
from src.data.body_records import make_body_records
from src.data.pipeline import EvalBatches, TrainBatches
from src.errors import InputError
from src.hmr.data import (
    EVAL_MARGINS,
    TRAIN_COLUMNS,
    AffineSamples,
    EvalSamples,
    InputForm,
    SquareSamples,
    read_eval_samples,
    read_prior,
    read_training_sets,
)
from tests.data.hmr_folders import write_captured, write_coco

FORM = InputForm(224, "signed", "bgr")
NAMES = ["S1_Eating 1_0_1.jpg", "S9_Eating 1_3_1.jpg", "S11_Waiting 1_3_1.jpg"]


@pytest.fixture
def scene(shared):
    return cv2.imread(str(shared / "golden" / "hmr" / "scene.png"))


@pytest.fixture
def square_sample(hmr_golden):
    """The Human3.6M row that was recorded, and the file of recorded arrays."""
    recorded = hmr_golden("preprocess_pytorch_hmr.npz")
    joints_3d = np.concatenate([recorded["h36m_gt3d"], np.ones((2, 14, 1), np.float32)], axis=2)
    records = make_body_records(["scene.png"] * 2, captured_lsp14_to_j24(recorded["h36m_gt2d"].reshape(2, 14, 3)),
                                captured_lsp14_to_j24(joints_3d), recorded["h36m_pose"], recorded["h36m_shape"])
    return SquareSamples("hum3.6m", records, FORM, (1.1, 1.2), True), recorded


@pytest.mark.parametrize("case, is_mirrored", [("h36m_item", False), ("h36m_flip", True)])
def test_square_samples_equal_the_recorded_ones(square_sample, scene, case, is_mirrored):
    samples, recorded = square_sample
    image, keypoints, joints, pose, shape, has_smpl = samples.make(0, scene, recorded["h36m_item_scale"], is_mirrored)
    expected = recorded[f"{case}_kp_2d"]
    is_visible = expected[:, 2] > 0
    np.testing.assert_allclose(keypoints[is_visible], expected[is_visible], atol=1e-5)
    np.testing.assert_array_equal(keypoints[:, 2], expected[:, 2])
    assert not keypoints[~is_visible].any()
    np.testing.assert_allclose(joints[:, :3] - joints[:, :3].mean(axis=0),
                               recorded[f"{case}_kp_3d"] - recorded[f"{case}_kp_3d"].mean(axis=0), atol=1e-5)
    assert joints[:, 3].tolist() == [1] * 14 and has_smpl == 1
    np.testing.assert_allclose(np.concatenate([np.zeros(3), pose.ravel(), shape]), recorded[f"{case}_theta"], atol=1e-6)
    np.testing.assert_allclose(image.mean(axis=(1, 2)), recorded[f"{case}_image_mean_bgr"], atol=2e-3)
    if not is_mirrored:
        np.testing.assert_allclose(image[:, 100:108, 100:108], recorded["h36m_item_image_patch"], atol=2 * 2 / 255)


def test_margins_of_the_evaluation_are_the_published_draw(hmr_golden):
    np.testing.assert_allclose(EVAL_MARGINS, hmr_golden("preprocess_pytorch_hmr.npz")["h36m_item_scale"], rtol=1e-12)
    np.testing.assert_allclose(EVAL_MARGINS, np.random.RandomState(1234).uniform(1.1, 1.2, 4), rtol=1e-15)


AFFINE_CASES = {"plain": BodyAugmentation(), "rot": BodyAugmentation(rotation_deg=25.0),
                "flip_rot": BodyAugmentation(rotation_deg=-40.0, is_mirrored=True)}


@pytest.mark.parametrize("case", AFFINE_CASES)
def test_affine_samples_equal_the_recorded_ones(hmr_golden, scene, case):
    recorded = hmr_golden("preprocess_mmpose.npz")
    joints_2d = np.column_stack([recorded["joints_2d"], recorded["joints_2d_visible"]])
    joints_3d = np.column_stack([recorded["joints_3d"], recorded["joints_3d_visible"]])
    records = make_body_records(["scene.png"], joints_2d[None], joints_3d[None], recorded["pose"][None],
                                np.ones((1, 10)), center=recorded["center"][None], side=200 * recorded["scale"][:1])
    samples = AffineSamples("h36m", records, InputForm(224, "unit", "rgb"), True)
    image, keypoints, joints, pose, _, _ = samples.make(0, scene, AFFINE_CASES[case])
    visibility = recorded[f"{case}_joints_2d_visible"]
    np.testing.assert_allclose((keypoints[:, :2] + 1) / 2 * 223 * visibility,
                               recorded[f"{case}_joints_2d"] * visibility, atol=2e-3)
    np.testing.assert_array_equal(keypoints[:, 2:], visibility)
    np.testing.assert_allclose(joints[:, :3], recorded[f"{case}_joints_3d"], atol=1e-5)
    np.testing.assert_array_equal(joints[:, 3:], recorded[f"{case}_joints_3d_visible"])
    np.testing.assert_allclose(pose.ravel(), recorded[f"{case}_pose"], atol=1e-4)
    if case != "rot":
        assert np.abs(255 * image.transpose(1, 2, 0) - recorded[f"{case}_img_rgb"]).mean() < 0.3


@pytest.mark.parametrize("input_range, low, high", [("signed", -1, 1), ("unit", 0, 1), ("imagenet", -2.12, 2.65)])
def test_the_range_of_the_input_is_the_named_one(input_range, low, high):
    table = InputForm(8, input_range).table()
    np.testing.assert_allclose([table.min(), table.max()], [low, high], atol=0.02)


def test_an_unknown_range_is_an_input_error():
    with pytest.raises(InputError, match="input_range float: expected one of signed, unit, imagenet"):
        InputForm(8, "float").table()


@pytest.fixture
def folder(tmp_path, rng):
    write_captured(tmp_path / "human3.6m", NAMES)
    points = np.column_stack([rng.uniform(5, 60, (17, 2)), np.full(17, 2)])
    write_coco(tmp_path / "coco2017", [(1, (3, 3, 50, 55), points.ravel()), (2, (3, 3, 50, 55), points.ravel())])
    return tmp_path


def test_all_sets_give_the_same_columns(folder):
    sets = read_training_sets("hmr", folder, ["coco", "hum3.6m"], InputForm(32), flip=True)
    assert [part.name for part in sets] == ["coco", "hum3.6m"] and [len(part) for part in sets] == [2, 1]
    for part in sets:
        arrays = part.load(0, np.random.default_rng(3))
        assert dict(zip(TRAIN_COLUMNS, map(np.shape, arrays))) == {
            "image": (3, 32, 32), "keypoints_2d": (14, 3), "joints_3d": (14, 4), "pose": (24, 3), "shape": (10,),
            "has_smpl": ()}
        assert all(np.asarray(array).dtype == np.float32 and np.asarray(array).flags.c_contiguous for array in arrays)
    coco = sets[0].load(0, np.random.default_rng(3))
    assert not coco[2].any() and not coco[3].any() and coco[5] == 0


def test_joints_that_are_not_known_are_zero_and_half_visible_ones_keep_their_place(folder):
    part = read_training_sets("hmr", folder, ["coco"], InputForm(64), flip=False)[0]
    part.joints_2d[0, 3, 2] = 0.5
    keypoints = part.make(0, np.zeros((64, 64, 3), np.uint8), EVAL_MARGINS, False)[1]
    mirrored = part.make(0, np.zeros((64, 64, 3), np.uint8), EVAL_MARGINS, True)[1]
    assert not keypoints[12:].any() and not mirrored[12:].any()
    assert keypoints[3, 2] == mirrored[2, 2] == 0.5
    pixels = (keypoints[3, :2] + 1) * 32
    np.testing.assert_allclose((mirrored[2, :2] + 1) * 32, [63 - pixels[0], pixels[1]], atol=1e-4)


def test_a_draw_decides_a_sample(folder):
    part = read_training_sets("hmr", folder, ["hum3.6m"], InputForm(32), flip=True)[0]
    first, again, other = (part.load(0, np.random.default_rng(seed)) for seed in (5, 5, 6))
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[1], other[1])


def test_half_of_the_samples_are_mirrored_only_when_asked(folder):
    for flip in (True, False):
        part = read_training_sets("hmr", folder, ["hum3.6m"], InputForm(16), flip)[0]
        poses = [part.load(0, np.random.default_rng(seed))[3] for seed in range(60)]
        plain = [np.array_equal(pose, part.records.pose[0]) for pose in poses]
        mirrored = [np.array_equal(pose, mirror_pose(part.records.pose[0])) for pose in poses]
        assert sum(plain) + sum(mirrored) == 60
        assert (0.3 < np.mean(mirrored) < 0.7) if flip else not any(mirrored)


def test_training_batches_come_through_the_pipeline(folder):
    part = read_training_sets("hmr", folder, ["coco"], InputForm(32), flip=True)[0]
    batches = TrainBatches(part, list(TRAIN_COLUMNS), 2, seed=1, num_workers=1)
    image, keypoints, *_, has_smpl = next(iter(batches.batches(0, 1)))
    assert image.shape == (2, 3, 32, 32) and keypoints.shape == (2, 14, 3) and has_smpl.shape == (2,)


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_evaluation_cuts_the_square_that_it_names(folder, profile):
    samples = read_eval_samples(profile, folder, "h36m-p2", InputForm(48, "unit"), flip_test=True)
    records = samples.records
    assert len(samples) == 2
    batch = next(iter(EvalBatches(samples, 3, num_workers=1)))
    (image,), (mirrored,) = batch.passes
    np.testing.assert_array_equal(mirrored, image[..., ::-1])
    assert batch.valid.tolist() == [True, True, False] and batch.target["row"].tolist() == [0, 1, 1]
    np.testing.assert_allclose(batch.target["joints_3d"][1], records.joints_3d[1])
    left, top, side = batch.target["square"][0]
    joints = lsp14_of(records.joints_2d)[0, :, :2]
    assert (joints >= [left, top]).all() and (joints <= [left + side, top + side]).all()
    if profile == "mmpose":
        np.testing.assert_allclose([left + side / 2, top + side / 2], records.center[0], rtol=1e-5)
        np.testing.assert_allclose(side, records.side[0], rtol=1e-5)


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_real_frames_come_as_upright_crops_of_their_person(shared, tmp_path, profile):
    source = shared / "data" / "h36m"
    (tmp_path / "mesh_annotation_files").mkdir()
    content = dict(np.load(source / "test_h36m.npz", allow_pickle=False))
    nested = np.load(source / "test_h36m_body3d.npz", allow_pickle=False)["imgname"]
    np.savez(tmp_path / "mesh_annotation_files" / "h36m_valid_protocol1.npz", **{**content, "imgname": nested})
    (tmp_path / "Human3.6M").symlink_to(source)
    samples = read_eval_samples(profile, tmp_path, "h36m-p1", InputForm(224, "unit"), flip_test=False)
    for row in range(4):
        (image,) = samples.inputs(row)
        picture = cv2.imread(samples.records.image_paths[row])[..., ::-1]
        left, top, side = (int(round(value)) for value in samples.squares[row])
        inside = picture[max(top, 0):top + side, max(left, 0):left + side].mean(axis=(0, 1)) / 255
        np.testing.assert_allclose(image.mean(axis=(1, 2)), inside, atol=0.03)


def test_train_and_eval_crops_agree_at_the_fixed_margins(square_sample, scene, tmp_path):
    samples, recorded = square_sample
    evaluated = EvalSamples("hmr", samples.records, FORM, flip_test=False)
    cv2.imwrite(str(tmp_path / "scene.png"), scene)
    evaluated.records.image_paths[0] = str(tmp_path / "scene.png")
    np.testing.assert_array_equal(evaluated.inputs(0)[0], samples.make(0, scene, recorded["h36m_item_scale"], False)[0])


def test_prior_is_mirrored_in_profile_hmr_alone(folder):
    assert read_prior("hmr", folder, ["mosh"], True).flip and not read_prior("mmpose", folder, ["mosh"], True).flip


@pytest.mark.parametrize("call, message", [
    (lambda root: read_training_sets("spin", root, ["coco"], FORM, True), "profile spin: expected one of hmr, mmpose"),
    (lambda root: read_training_sets("hmr", root, [], FORM, True), "no training set is named"),
    (lambda root: read_eval_samples("mmpose", root, "lsp", FORM, False), "test_set lsp: expected one of h36m-p1"),
    (lambda root: read_training_sets("mmpose", root, ["h36m"], FORM, True), "h36m_train.npz: cannot be read")])
def test_wrong_names_are_input_errors(tmp_path, call, message):
    with pytest.raises(InputError, match=message):
        call(tmp_path)


def test_broken_pictures_are_named(folder):
    part = read_training_sets("hmr", folder, ["hum3.6m"], InputForm(32), flip=True)[0]
    (folder / "human3.6m" / "images" / NAMES[0]).write_bytes(b"no picture")
    with pytest.raises(InputError, match=NAMES[0]):
        part.load(0, np.random.default_rng(1))


