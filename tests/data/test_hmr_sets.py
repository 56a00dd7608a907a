"""The data sets of HMR in their public layouts: recorded loaders, made-up folders, real files, mistakes."""

import json

import cv2
import h5py
import numpy as np
import pytest
import scipy.io

from src.body.joint_maps import lsp14_of
from src.body.joints import H36M32, LSP14, LSP14_ALIASES, MPI28, MPII16, map_by_name
from src.data.annot_h5 import H36M_SETS, read_annot_h5
from src.data.coco_bodies import greatest_overlap, overlap_ratio, read_coco_bodies
from src.data.h36m_names import H36mName, is_test_subject, parse_h36m_name
from src.data.hmr_sets import read_mesh_set, read_mosh, read_raw_set, read_test_set
from src.data.lsp import read_lsp, read_lsp_extended
from src.data.mesh_annotation import write_mesh_annotation
from src.data.mpii_release import read_mpii_release
from src.data.romp import add_fits, read_eft, read_pickled_dictionary
from src.errors import InputError
from src.tools import dataprocess
from tests.data.hmr_folders import write_annots_npz, write_captured, write_coco, write_lsp


@pytest.fixture
def recorded(hmr_golden):
    return hmr_golden("preprocess_pytorch_hmr.npz")


# ---- LSP -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, read", [("lsp", read_lsp), ("lspet", read_lsp_extended)])
def test_leeds_files_give_the_recorded_persons(recorded, tmp_path, name, read):
    write_lsp(tmp_path / name, recorded[f"{name}_raw"])
    records = read(tmp_path / name)
    assert [int(path[-8:-4]) - 1 for path in records.image_paths] == recorded[f"{name}_kept"].tolist()
    expected = recorded[f"{name}_kps"]
    joints = lsp14_of(records.joints_2d)
    np.testing.assert_array_equal(joints[..., 2], expected[..., 2])
    np.testing.assert_allclose(joints, expected, rtol=1e-5)
    np.testing.assert_allclose(records.box, recorded[f"{name}_boxes"], rtol=1e-5)
    np.testing.assert_allclose(records.center, (records.box[:, :2] + records.box[:, 2:]) / 2, rtol=1e-5)


def test_the_test_half_of_lsp_is_left_out(tmp_path):
    write_lsp(tmp_path / "lsp", np.zeros((3, 14, 1003)))
    assert len(read_lsp(tmp_path / "lsp")) == 1000


def test_too_few_pictures_are_named(tmp_path):
    write_lsp(tmp_path / "lsp", np.zeros((3, 14, 4)))
    (tmp_path / "lsp" / "images" / "im0004.jpg").unlink()
    with pytest.raises(InputError, match="images: 3 pictures im\\*.jpg for 4 annotations"):
        read_lsp(tmp_path / "lsp")


def test_joints_in_the_other_order_are_named(tmp_path):
    write_lsp(tmp_path / "lsp", np.zeros((14, 3, 4)))
    with pytest.raises(InputError, match=r"joints.mat: 'joints' has shape \(14, 3, 4\), expected \(3, 14, N\)"):
        read_lsp(tmp_path / "lsp")


# ---- COCO ------------------------------------------------------------------------------------------

def test_overlap_is_over_the_enclosing_box_as_recorded(recorded):
    boxes = recorded["iou_boxes"]
    pairs = boxes.reshape(-1, 2, 4) if boxes.shape[-1] == 4 else boxes
    np.testing.assert_allclose(overlap_ratio(pairs[:, 0], pairs[:, 1]), recorded["iou_ratio"], atol=1e-9)


def test_greatest_overlap_is_that_of_all_pairs_of_a_picture(rng):
    rows = rng.integers(0, 5, 40)
    low = rng.uniform(0, 50, (40, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 60, (40, 2))], axis=1)
    expected = [max([overlap_ratio(boxes[i], boxes[j]) for j in range(40) if j != i and rows[i] == rows[j]], default=0)
                for i in range(40)]
    np.testing.assert_allclose(greatest_overlap(rows, boxes), expected)


def coco_points(recorded, visibility=2):
    points = np.array(recorded["coco17"])
    points[:, 2] = visibility
    return points.ravel()


def test_coco_joints_come_in_lsp_order_with_half_visibility(recorded, tmp_path):
    path = write_coco(tmp_path, [(1, (5.7, 6.2, 30.9, 40.4), recorded["coco17"].ravel())])
    expected = recorded["coco_as_lsp14"]
    if expected[:, 2].sum() < 7:
        pytest.fail("the recorded person is not well visible")
    records = read_coco_bodies(path, tmp_path / "train2017")
    joints = lsp14_of(records.joints_2d)[0]
    np.testing.assert_allclose(joints[:12], expected[:12], rtol=1e-6)
    assert joints[12:, 2].tolist() == [0, 0]
    assert records.box[0].tolist() == [5, 6, 36, 46]


def test_coco_persons_in_the_way_of_others_or_badly_visible_are_left_out(recorded, tmp_path):
    points, hidden = coco_points(recorded), coco_points(recorded, visibility=1)
    path = write_coco(tmp_path, [(1, (0, 0, 20, 40), points), (1, (2, 0, 20, 40), points), (2, (0, 0, 20, 40), points),
                                 (2, (30, 0, 20, 40), points), (3, (0, 0, 20, 40), hidden)])
    records = read_coco_bodies(path, tmp_path / "train2017")
    assert [path[-5] for path in records.image_paths] == ["2", "2"]


def test_real_coco_file_is_read(shared):
    folder = shared / "data" / "coco"
    records = read_coco_bodies(folder / "test_coco.json", folder)
    assert len(records) >= 2
    inside = (records.joints_2d[:, :12, :2] >= records.box[:, None, :2] - 2).all(axis=2)
    assert inside[records.joints_2d[:, :12, 2] > 0].mean() > 0.95  # annotated boxes cut a hand here and there


# ---- MPII ------------------------------------------------------------------------------------------

def mpii_person(joints):
    points = np.array([(row, x, y, 1) for row, x, y in joints],
                      [("id", "O"), ("x", "O"), ("y", "O"), ("is_visible", "O")])
    return {"scale": 2.0, "objpos": {"x": 10.0, "y": 20.0}, "annopoints": {"point": points}}


def write_release(path, pictures):
    """Writes pictures (name, persons, is_training, single persons from 1)."""
    annolist = [{"image": {"name": name}, "annorect": persons} for name, persons, _, _ in pictures]
    release = {"annolist": np.array([(item["image"], np.array(item["annorect"], object)) for item in annolist],
                                    [("image", "O"), ("annorect", "O")]),
               "img_train": np.array([[train for _, _, train, _ in pictures]]),
               "single_person": np.array([np.array(single) for _, _, _, single in pictures] + [None], object)[:-1]}
    scipy.io.savemat(path, {"RELEASE": release})


def test_mpii_keeps_single_persons_of_training_pictures(tmp_path):
    whole = mpii_person([(row, 10.0 + row, 20.0 + row) for row in range(16)])
    part = mpii_person([(row, 30.0 + row, 40.0 + row) for row in (0, 1, 2, 3, 4, 9)])
    few = mpii_person([(row, 1.0, 1.0) for row in range(4)])
    write_release(tmp_path / "mpii.mat", [("a.jpg", [whole, few], 1, [1, 2]), ("b.jpg", [few, part, whole], 1, [2]),
                                          ("c.jpg", [whole], 0, [1]), ("d.jpg", [whole, whole], 1, [])])
    records = read_mpii_release(tmp_path / "mpii.mat", "images")
    assert records.image_paths == ["images/a.jpg", "images/b.jpg"]
    joints = lsp14_of(records.joints_2d)
    assert joints[0, :, 2].tolist() == [1] * 14
    assert joints[0, 0].tolist() == [9, 19, 1] and joints[0, 13].tolist() == [18, 28, 1]
    assert joints[1, :, 2].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_mpii_is_found_by_name_and_gets_the_fitted_bodies(tmp_path, rng):
    folder = tmp_path / "mpii"
    (folder / "annotations" / "mpii_human_pose_v1_u12_2").mkdir(parents=True)
    whole = mpii_person([(row, 10.0 + row, 20.0 + row) for row in range(16)])
    write_release(folder / "annotations" / "mpii_human_pose_v1_u12_2" / "mpii_human_pose_v1_u12_1.mat",
                  [("a.jpg", [whole], 1, [1]), ("b.jpg", [whole], 1, [1])])
    assert read_raw_set(tmp_path, "mpii").has_smpl.tolist() == [0, 0]
    pose = rng.normal(size=72)
    write_annots_npz(folder / "eft_annots.npz", {"b.jpg": [[[17, 27], pose, np.zeros(10)]]})
    records = read_raw_set(tmp_path, "mpii")
    assert records.has_smpl.tolist() == [0, 1] and records.image_paths[1] == f"{folder}/images/b.jpg"
    np.testing.assert_allclose(records.pose[1].ravel(), pose, rtol=1e-5)


def test_real_mpii_persons_are_read_without_the_release(shared, tmp_path):
    source = shared / "data" / "mpii"
    (tmp_path / "mpii" / "annot").mkdir(parents=True)
    (tmp_path / "mpii" / "annot" / "train.json").symlink_to(source / "test_mpii.json")
    (tmp_path / "mpii" / "images").symlink_to(source)
    records = read_raw_set(tmp_path, "mpii")
    rows = {row["image"]: row for row in json.loads((source / "test_mpii.json").read_text(encoding="utf-8"))}
    assert 0 < len(records) <= 5 and records.has_smpl.sum() == 0
    table = map_by_name(MPII16, LSP14)
    for path, joints in zip(records.image_paths, lsp14_of(records.joints_2d)):
        row = rows[path.rsplit("/", 1)[1]]
        seen = np.array(row["joints_vis"])[table] > 0
        np.testing.assert_array_equal(joints[:, 2] > 0, seen)
        np.testing.assert_allclose(joints[seen, :2], np.array(row["joints"])[table][seen] - 1, rtol=1e-5)
        height, width = cv2.imread(path).shape[:2]
        assert (joints[seen, :2] < [width, height]).all()


@pytest.mark.parametrize("content, message", [({"other": 1}, "RELEASE is missing"),
                                              ({"RELEASE": {"annolist": 3}}, "RELEASE is not as MPII released it")])
def test_another_matlab_file_is_named(tmp_path, content, message):
    scipy.io.savemat(tmp_path / "mpii.mat", content)
    with pytest.raises(InputError, match=message):
        read_mpii_release(tmp_path / "mpii.mat", "images")


# ---- Human3.6M and MPI-INF-3DHP --------------------------------------------------------------------

NAMES = ["S1_Eating 1_0_1.jpg", "S9_Eating 1_3_1.jpg", "S9_Eating 2_0_1.jpg", "S11_Waiting 1_3_1.jpg"]


def test_training_leaves_the_test_subjects_out_and_protocols_take_them(tmp_path):
    joints_2d, joints_3d, body = write_captured(tmp_path / "human3.6m", NAMES)
    train = read_raw_set(tmp_path, "hum3.6m")
    assert [path.split("/")[-1] for path in train.image_paths] == NAMES[:1]
    np.testing.assert_allclose(lsp14_of(train.joints_2d)[0], joints_2d[0], rtol=1e-6)
    np.testing.assert_allclose(lsp14_of(train.joints_3d)[0, :, :3], joints_3d[0], rtol=1e-6)
    np.testing.assert_allclose(train.pose[0].ravel(), body["pose"][0], rtol=1e-6)
    assert train.has_smpl.tolist() == [1] and (lsp14_of(train.joints_3d)[..., 3] == 1).all()
    for protocol, expected in (("h36m-p1", NAMES[1:]), ("h36m-p2", [NAMES[1], NAMES[3]])):
        records = read_test_set(tmp_path, protocol)
        assert [path.split("/")[-1] for path in records.image_paths] == expected


def test_the_prior_is_read_from_the_same_file(tmp_path):
    body = write_captured(tmp_path / "human3.6", NAMES)[2]
    prior = read_mosh(tmp_path, ["mosh"], flip=True)
    assert len(prior) == 1 and prior.flip
    np.testing.assert_allclose(prior.shape[0], body["shape"][0], rtol=1e-6)


@pytest.mark.parametrize("joint_set", [H36M_SETS[1], H36M32], ids=["17", "32"])
def test_other_joint_counts_are_mapped(tmp_path, joint_set):
    joints_2d, joints_3d, _ = write_captured(tmp_path / "human3.6m", NAMES, joint_set.size)
    records = read_raw_set(tmp_path, "hum3.6m")
    table = map_by_name(joint_set, LSP14, LSP14_ALIASES[joint_set.name])
    np.testing.assert_allclose(lsp14_of(records.joints_2d)[0], joints_2d[0, table], rtol=1e-6)
    np.testing.assert_allclose(lsp14_of(records.joints_3d)[0, :, :3], joints_3d[0, table], rtol=1e-6)


def test_mpi_inf_has_no_bodies_and_one_subject_held_out(tmp_path):
    names = ["S1/Seq1/imageFrames/video_0/frame_000001.jpg", "S8_Seq1_video_0_F000011.jpg"]
    joints_2d, _, _ = write_captured(tmp_path / "mpii_3d", names, MPI28.size, has_body=False)
    records = read_raw_set(tmp_path, "mpi-inf-3dhp")
    assert [path.endswith(names[0]) for path in records.image_paths] == [True]
    assert records.has_smpl.tolist() == [0] and not records.pose.any()
    np.testing.assert_allclose(lsp14_of(records.joints_2d)[0], joints_2d[0, map_by_name(MPI28, LSP14)], rtol=1e-6)
    assert [path.endswith(names[1]) for path in read_test_set(tmp_path, "mpi-inf-3dhp").image_paths] == [True]


def test_flat_rows_and_names_with_a_slash_are_read_as_the_published_code_writes_them(tmp_path):
    joints_2d, _, _ = write_captured(tmp_path / "a", NAMES)
    with h5py.File(tmp_path / "a" / "annot.h5", "r+") as file:
        rows = file["gt2d"][()].reshape(4, 42)
        del file["gt2d"], file["imagename"]
        file["gt2d"], file["imagename"] = rows, np.array([f"/{name}".encode() for name in NAMES])
    (tmp_path / "a" / "images").rename(tmp_path / "a" / "image")
    names, records = read_annot_h5(tmp_path / "a" / "annot.h5", H36M_SETS)
    assert names == NAMES and records.image_paths[0] == f"{tmp_path}/a/image/{NAMES[0]}"
    np.testing.assert_allclose(lsp14_of(records.joints_2d), joints_2d, rtol=1e-6)


def test_persons_with_few_visible_joints_are_left_out(tmp_path):
    write_captured(tmp_path / "a", NAMES)
    with h5py.File(tmp_path / "a" / "annot.h5", "r+") as file:
        file["gt2d"][1, 4:, 2] = 0
    names, records = read_annot_h5(tmp_path / "a" / "annot.h5", H36M_SETS)
    assert names == [NAMES[0], *NAMES[2:]] and len(records) == 3


@pytest.mark.parametrize("key, shape, message", [
    ("gt2d", (4, 15, 3), r"annot.h5: 'gt2d' has shape \(4, 15, 3\), expected \(N, J, 3\) with J of 14 or 17 or 32"),
    ("gt3d", (4, 32, 3), r"annot.h5: 'gt3d' has shape \(4, 32, 3\), expected \(4, 14, 3\)"),
    ("pose", (4, 3, 72), r"annot.h5: 'pose' has shape \(4, 3, 72\), expected \(4, 72\)"),
    ("imagename", None, "annot.h5: key 'imagename' is missing"), ("gt2d", None, "annot.h5: key 'gt2d' is missing"),
    ("gt3d", None, "annot.h5: key 'gt3d' is missing"),
])
def test_mistakes_in_annot_h5_are_named(tmp_path, key, shape, message):
    write_captured(tmp_path / "human3.6m", NAMES)
    with h5py.File(tmp_path / "human3.6m" / "annot.h5", "r+") as file:
        del file[key]
        if shape:
            file[key] = np.ones(shape)
    with pytest.raises(InputError, match=message):
        read_raw_set(tmp_path, "hum3.6m")


@pytest.mark.parametrize("name, expected", [
    ("images/S9_Directions_1.60457274_000001.jpg", H36mName("S9", "Directions", 1, 3)),
    ("S11_Walking.54138969_000006.jpg", H36mName("S11", "Walking", 0, 0)),
    ("S9_Directions 1_3_12.jpg", H36mName("S9", "Directions", 1, 3)),
    ("S5_Eating_0_7.jpg", H36mName("S5", "Eating", 0, 0)),
    ("S9_Directions_1.11111111_000001.jpg", None), ("im0001.jpg", None)])
def test_names_of_human36m_are_taken_apart(name, expected):
    assert parse_h36m_name(name) == expected
    assert is_test_subject(name) == (expected is not None and expected.subject in ("S9", "S11"))


# ---- packaged dictionaries -------------------------------------------------------------------------

def h36m_record(rng):
    return {"kp2d": rng.uniform(0, 900, (32, 2)), "kp3d": rng.normal(size=(32, 3)),
            "kp3d_mono": rng.normal(size=(32, 3)).astype(np.float32), "poses": rng.normal(size=(3, 72)),
            "cam": rng.normal(size=(3, 3)), "betas": rng.normal(size=10)}


def test_dataprocess_writes_what_training_reads(tmp_path, rng, capsys):
    records = {name: h36m_record(rng) for name in NAMES}
    write_annots_npz(tmp_path / "human3.6m" / "annots.npz", records)
    mpi = {"S1_Seq1_video_0_F000011.jpg": {"kp2d": rng.uniform(0, 9, (28, 2)), "kp3d": rng.normal(size=(28, 3))}}
    write_annots_npz(tmp_path / "mpii_3d" / "annots.npz", mpi)
    assert dataprocess.main(["--data_path", str(tmp_path)]) == 0
    assert "human3.6m/annot.h5: 4 persons written" in capsys.readouterr().out
    train, record = read_raw_set(tmp_path, "hum3.6m"), records[NAMES[0]]
    table = map_by_name(H36M32, LSP14, LSP14_ALIASES["h36m32"])
    np.testing.assert_allclose(lsp14_of(train.joints_2d)[0, :, :2], record["kp2d"][table], rtol=1e-6)
    np.testing.assert_allclose(lsp14_of(train.joints_3d)[0, :, :3], record["kp3d_mono"][table], rtol=1e-6)
    np.testing.assert_allclose(train.pose[0, 0], record["cam"][1], rtol=1e-6)
    np.testing.assert_allclose(train.pose[0, 1:].ravel(), record["poses"][1, 3:], rtol=1e-6)
    np.testing.assert_allclose(train.shape[0], record["betas"], rtol=1e-6)
    assert read_raw_set(tmp_path, "mpi-inf-3dhp").has_smpl.tolist() == [0]


def test_dataprocess_leaves_what_is_there(tmp_path, rng, capsys):
    write_annots_npz(tmp_path / "human3.6" / "annots.npz", {NAMES[0]: h36m_record(rng)})
    (tmp_path / "human3.6" / "annot.h5").write_bytes(b"mine")
    dataprocess.main(["--data_path", str(tmp_path)])
    assert (tmp_path / "human3.6" / "annot.h5").read_bytes() == b"mine"
    dataprocess.main(["--data_path", str(tmp_path), "--overwrite"])
    assert len(read_raw_set(tmp_path, "hum3.6m")) == 1


def test_dataprocess_without_annotations_says_where_they_belong(tmp_path):
    with pytest.raises(InputError, match="no annotations found, expected human3.6/annots.npz"):
        dataprocess.main(["--data_path", str(tmp_path)])


@pytest.mark.parametrize("change, message", [
    ({"kp2d": np.zeros((17, 2))}, r"'S1_Eating 1_0_1.jpg.kp2d': expected 32 x 2 numbers"),
    ({"poses": None}, r"'S1_Eating 1_0_1.jpg.poses': expected 3 x 72 numbers"),
    ({"betas": "x"}, r"'S1_Eating 1_0_1.jpg.betas': expected 10 numbers")])
def test_mistakes_in_a_record_are_named(tmp_path, rng, change, message):
    write_annots_npz(tmp_path / "human3.6m" / "annots.npz", {NAMES[0]: {**h36m_record(rng), **change}})
    with pytest.raises(InputError, match=message):
        dataprocess.main(["--data_path", str(tmp_path)])


class Hostile:
    def __reduce__(self):
        return (print, ("a file ran code",))


@pytest.mark.parametrize("content, message", [
    ({"a.jpg": Hostile()}, "refused, the pickle refers to 'builtins.print'"), ([1], "must hold a dictionary"),
    ({}, "must hold a dictionary"), (np.zeros(3), "must hold a dictionary")])
def test_other_contents_of_the_dictionary_file_are_refused(tmp_path, capsys, content, message):
    write_annots_npz(tmp_path / "annots.npz", content)
    with pytest.raises(InputError, match=message):
        read_pickled_dictionary(tmp_path / "annots.npz")
    assert "ran code" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04zzzz", b"no archive"])
def test_broken_dictionary_files_are_named(tmp_path, content):
    if content is not None:
        (tmp_path / "annots.npz").write_bytes(content)
    with pytest.raises(InputError, match="annots.npz"):
        read_pickled_dictionary(tmp_path / "annots.npz")


def test_cut_dictionary_files_are_named(tmp_path, rng):
    write_annots_npz(tmp_path / "annots.npz", {NAMES[0]: h36m_record(rng)})
    whole = (tmp_path / "annots.npz").read_bytes()
    for length in range(0, len(whole) - 1, 331):
        (tmp_path / "annots.npz").write_bytes(whole[:length])
        with pytest.raises(InputError, match="annots.npz"):
            read_pickled_dictionary(tmp_path / "annots.npz")


def test_fitted_bodies_come_to_the_nearest_person_of_the_picture(tmp_path, rng):
    poses, shapes = rng.normal(size=(3, 72)), rng.normal(size=(3, 10))
    fits = {"a.jpg": [[[300, 300], poses[0], shapes[0]], [[33, 32], poses[1], shapes[1]]],
            "z.jpg": [[[30, 30], poses[2], shapes[2]]]}
    write_annots_npz(tmp_path / "eft_annots.npz", fits)
    write_captured(tmp_path / "a", ["a.jpg", "b.jpg"], has_body=False)
    records = read_annot_h5(tmp_path / "a" / "annot.h5", H36M_SETS)[1]
    fitted = add_fits(records, read_eft(tmp_path / "eft_annots.npz", "images"))
    assert fitted.has_smpl.tolist() == [1, 0]
    np.testing.assert_allclose(fitted.pose[0].ravel(), poses[1], rtol=1e-5)
    np.testing.assert_allclose(fitted.shape[0], shapes[1], rtol=1e-5)


# ---- by name ---------------------------------------------------------------------------------------

def test_spin_files_are_found_by_the_name_of_the_set(tmp_path):
    write_captured(tmp_path / "human3.6m", NAMES)
    records = read_raw_set(tmp_path, "hum3.6m")
    (tmp_path / "mesh_annotation_files").mkdir()
    for name in ("h36m_train", "h36m_valid_protocol2"):
        write_mesh_annotation(tmp_path / "mesh_annotation_files" / f"{name}.npz", ["images/a.jpg"], records)
    (tmp_path / "h36m_train").mkdir()
    assert read_mesh_set(tmp_path, "h36m").image_paths == [f"{tmp_path}/h36m_train/images/a.jpg"]
    # the file goes before annot.h5
    assert read_test_set(tmp_path, "h36m-p2").image_paths == [f"{tmp_path}/Human3.6M/images/a.jpg"]
    assert len(read_test_set(tmp_path, "h36m-p1")) == 3


def test_recorded_annotation_file_is_read(shared, tmp_path):
    (tmp_path / "mesh_annotation_files").mkdir()
    source = shared / "golden" / "hmr" / "h36m_valid_protocol2_sample.npz"
    (tmp_path / "mesh_annotation_files" / "h36m_valid_protocol2.npz").write_bytes(source.read_bytes())
    records = read_test_set(tmp_path, "h36m-p2")
    assert len(records) == 6 and records.has_smpl.sum() == 0
    assert parse_h36m_name(records.image_paths[0]) == H36mName("S9", "Directions", 1, 3)


@pytest.mark.parametrize("read, message", [
    (lambda root: read_raw_set(root, "lsp"), "lsp: no such folder"),
    (lambda root: read_raw_set(root, "lsp_ext"), "lsp_ext: no such folder .nor lsp_exd."),
    (lambda root: read_raw_set(root, "surreal"), "data set surreal: expected one of coco, lsp, lsp_ext"),
    (lambda root: read_mesh_set(root, "h36m"), "h36m_train.npz: cannot be read"),
    (lambda root: read_test_set(root, "3dpw"), "test_set 3dpw: expected one of h36m-p1, h36m-p2, mpi-inf-3dhp"),
    (lambda root: read_mosh(root, ["cmu"], False), "CMU_mosh.npz: cannot be read"),
    (lambda root: read_mosh(root, [], False), "no set of the pose prior is named"),
])
def test_what_is_missing_is_named(tmp_path, read, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path)
