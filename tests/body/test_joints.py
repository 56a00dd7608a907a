"""Joint tables: orders against the data sets' own lists, swaps, bones and maps."""

import numpy as np
import pytest

from src.body.assets import default_body, read_body
from src.body.joints import (
    COCO17,
    COCOPLUS19,
    H36M17,
    H36M17_RIGHT,
    H36M32,
    J24,
    J24_ALIASES,
    JOINT_SETS,
    LSP14,
    LSP14_ALIASES,
    MPI17,
    MPI28,
    MPII16,
    SMPL24,
    SMPL_PARENTS,
    body_keypoints,
    gather_joints,
    map_by_name,
)
from src.body.smpl import body_vertices
from src.errors import InputError

# Mirror permutations as the data sets publish them.
MIRRORS = {
    "lsp14": [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13],
    "cocoplus19": [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 16, 15, 18, 17],
    "smpl24": [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22],
    "j24": [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22],
    "coco17": [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
    "mpii16": [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10],
    "h36m17": [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    "h36m17_right": [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    "h36m32": [0, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16, 25, 26, 27, 28, 29, 30, 31, 24, 17, 18, 19, 20,
               21, 22, 23],
    "mpi28": [0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16, 17, 8, 9, 10, 11, 12, 23, 24, 25, 26, 27, 18, 19, 20, 21, 22],
    "mpi17": [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16],
}


@pytest.mark.parametrize("name", sorted(JOINT_SETS))
def test_mirroring_is_the_published_permutation(name):
    assert JOINT_SETS[name].flip.tolist() == MIRRORS[name]


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=lambda s: s.name)
def test_swaps_exchange_left_and_right_of_the_same_part(joint_set):
    mirrored = [joint_set.names[i] for i in joint_set.flip]
    exchange = {"left": "right", "right": "left"}
    expected = ["_".join([exchange.get(word, word) for word in name.split("_")]) for name in joint_set.names]
    assert mirrored == expected


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=lambda s: s.name)
def test_bones_connect_all_joints_into_one_figure(joint_set):
    assert len(set(joint_set.names)) == joint_set.size
    reached, waiting = set(), [0]
    while waiting:
        joint = waiting.pop()
        reached.add(joint)
        ends = [end for bone in joint_set.bones for end in (bone, bone[::-1])]
        waiting += [end for start, end in ends if start == joint and end not in reached]
    assert len(reached) == joint_set.size


def test_smpl_bones_are_the_tree():
    tree = {frozenset((joint, int(parent))) for joint, parent in enumerate(SMPL_PARENTS) if parent >= 0}
    assert {frozenset(bone) for bone in SMPL24.bones} == tree


@pytest.mark.parametrize("source, aliases, expected", [
    (H36M17, {"head_top": "head_h36m"}, [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]),
    (J24, {"head_top": "head_h36m"}, list(range(13)) + [18]),
    (COCO17, None, [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, -1, -1]),
    (MPII16, None, [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9]),
    (COCOPLUS19, None, list(range(14))),
    (H36M32, LSP14_ALIASES["h36m32"], [3, 2, 1, 6, 7, 8, 27, 26, 25, 17, 18, 19, 24, 15]),
    (MPI28, None, [25, 24, 23, 18, 19, 20, 16, 15, 14, 9, 10, 11, 5, 7]),
    (MPI17, None, [10, 9, 8, 11, 12, 13, 4, 3, 2, 5, 6, 7, 1, 0]),
])
def test_maps_to_lsp_are_the_published_index_lists(source, aliases, expected):
    assert map_by_name(source, LSP14, aliases).tolist() == expected


def test_coco_and_mpii_land_at_their_places_of_the_24_joints():
    def places(source):
        table = map_by_name(source, J24)
        return {int(i): place for place, i in enumerate(table) if i >= 0}

    coco = [19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0]
    assert places(COCO17) == dict(enumerate(coco))
    mpii = [0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11]
    assert places(MPII16) == dict(enumerate(mpii))


# SPIN's 17 joints of motion capture at their places of the 24.
SPIN_PLACES = [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]


@pytest.mark.parametrize("source, picked", [
    (H36M32, [11, 6, 7, 8, 1, 2, 3, 12, 24, 14, 15, 17, 18, 19, 25, 26, 27]),
    (MPI28, [4, 18, 19, 20, 23, 24, 25, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16]),
    (MPI17, [14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]),
], ids=["h36m32", "mpi28", "mpi17"])
def test_motion_capture_lands_where_spin_puts_it(source, picked):
    table = map_by_name(source, J24, J24_ALIASES.get(source.name))
    assert table[SPIN_PLACES].tolist() == picked
    assert sorted(np.flatnonzero(table >= 0)) == sorted(SPIN_PLACES)


def test_the_right_first_order_is_the_published_selection_of_the_24():
    table = map_by_name(J24, H36M17_RIGHT)
    assert table.tolist() == [14, 2, 1, 0, 3, 4, 5, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]


def test_gathered_joints_are_zero_where_the_source_has_none(rng):
    values = rng.normal(size=(2, 17, 3)).astype(np.float32)
    gathered = gather_joints(values, map_by_name(COCO17, LSP14))
    np.testing.assert_array_equal(gathered[:, 0], values[:, 16])
    assert gathered.shape == (2, 14, 3) and gathered.dtype == np.float32 and not gathered[:, 12:].any()


@pytest.mark.parametrize("joint_set", JOINT_SETS.values(), ids=lambda s: s.name)
def test_mapping_there_and_back_returns_the_joint(joint_set):
    for other in JOINT_SETS.values():
        there, back = map_by_name(joint_set, other), map_by_name(other, joint_set)
        for target, source in enumerate(there):
            assert source == -1 or back[source] == target


def test_the_permutation_cannot_be_changed_by_accident():
    with pytest.raises(ValueError):
        COCO17.flip[0] = 1


def test_keypoints_of_a_standing_body_lie_where_a_person_has_them():
    body = default_body("small")
    points = body_keypoints(body, body_vertices(body, np.zeros((1, 24, 3))), COCO17)[0]
    place = dict(zip(COCO17.names, points))
    downwards = ("left_eye", "nose", "left_shoulder", "left_hip", "left_knee", "left_ankle")
    heights = [place[name][1] for name in downwards]
    assert heights == sorted(heights, reverse=True)
    assert place["nose"][2] > place["left_eye"][2] > place["left_ear"][2]
    for joint in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        left, right = place["left_" + joint], place["right_" + joint]
        assert left[0] > 0.01
        np.testing.assert_allclose(left * [-1, 1, 1], right, atol=5e-3)


def test_limb_keypoints_follow_the_pose():
    body = default_body("small")
    pose = np.zeros((2, 24, 3))
    pose[1, SMPL24.index("left_elbow")] = [0, -np.pi / 2, 0]  # the forearm from the body's left to its front
    rest, bent = body_keypoints(body, body_vertices(body, pose), MPII16)
    wrist, elbow = MPII16.index("left_wrist"), MPII16.index("left_elbow")
    np.testing.assert_allclose(bent[elbow], rest[elbow], atol=1e-6)
    forearm = rest[wrist] - rest[elbow]
    np.testing.assert_allclose(bent[wrist] - bent[elbow], [-forearm[2], forearm[1], forearm[0]], atol=1e-6)
    crown, chin = rest[MPII16.index("head_top")], rest[MPII16.index("neck")]
    assert 0.15 < crown[1] - chin[1] < 0.3


def test_smpl_keypoints_are_the_joints_themselves(rng):
    body = default_body("small")
    output = body_vertices(body, rng.normal(size=(2, 24, 3)) * 0.3)
    np.testing.assert_array_equal(body_keypoints(body, output, SMPL24), output.joints)


def test_a_body_without_landmarks_is_an_input_error(shared):
    body = read_body(shared / "golden/hmr/smpl_body.npz")
    output = body_vertices(body, np.zeros((1, 24, 3)))
    with pytest.raises(InputError, match="smpl_body: no landmark 'nose'"):
        body_keypoints(body, output, COCO17)


def test_a_set_with_joints_off_the_body_is_refused():
    body = default_body("small")
    with pytest.raises(ValueError, match="'spine' of h36m17"):
        body_keypoints(body, body_vertices(body, np.zeros((1, 24, 3))), H36M17)
