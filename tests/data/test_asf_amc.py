import numpy as np
import pytest

from src.data.asf_amc import joint_positions, read_amc, read_asf
from src.data.cmu import read_capture
from src.errors import InputError

SCALE = 25.4 / 0.45
# parents of the bones, parents first
TREE = """root lhipjoint lfemur ltibia
root rhipjoint rfemur rtibia
root lowerback upperback thorax lowerneck upperneck head
thorax lclavicle lhumerus lradius lwrist
thorax rclavicle rhumerus rradius rwrist"""
PARENTS = {bone: parent for line in TREE.splitlines() for parent, bone in zip(line.split(), line.split()[1:])}
BONES = tuple(PARENTS)


def write_asf(path, change=lambda text: text):
    """A skeleton in which every bone goes up by one unit, but those of the legs down and the arms outward."""
    lines = [":version 1.10", ":name test", ":units", "  mass 1.0", "  length 0.45", "  angle deg", ":root",
             "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0", ":bonedata"]
    for number, bone in enumerate(BONES, 1):
        side = 1 if bone[0] == "l" and bone[:3] not in ("low",) else -1
        outward = any(part in bone for part in ("clavicle", "humerus", "radius", "wrist", "hipjoint"))
        direction = f"{side} 0 0" if outward else "0 -1 0" if "femur" in bone or "tibia" in bone else "0 1 0"
        axis = "0 0 90" if bone == "lhumerus" else "0 0 0"
        lines += ["  begin", f"     id {number}", f"     name {bone}", f"     direction {direction}", "     length 2",
                  f"     axis {axis}  XYZ"]
        if "femur" in bone or "humerus" in bone or bone == "head":
            lines += ["    dof rx ry rz", "    limits (-160.0 20.0)", "           (-70.0 70.0)", "           (-60 70)"]
        elif "tibia" in bone:
            lines += ["    dof rx", "    limits (-10.0 170.0)"]
        lines.append("  end")
    lines += [":hierarchy", "  begin", *(f"    {parent} {bone}" for bone, parent in PARENTS.items()), "  end"]
    path.write_text(change("\n".join(lines)), encoding="utf-8")
    return path


STILL = {"root": "0 10 0 0 0 0", "lfemur": "0 0 0", "rfemur": "0 0 0", "ltibia": "0", "rtibia": "0", "head": "0 0 0",
         "lhumerus": "0 0 0", "rhumerus": "0 0 0"}


def write_amc(path, frames, header=":FULLY-SPECIFIED\n:DEGREES\n"):
    text = "".join(f"{number}\n" + "".join(f"{bone} {values}\n" for bone, values in frame.items())
                   for number, frame in enumerate(frames, 1))
    path.write_text(f"#!OML:ASF test\n{header}{text}", encoding="utf-8")
    return path


@pytest.fixture
def skeleton(tmp_path):
    return read_asf(write_asf(tmp_path / "7.asf"))


def pose(skeleton, tmp_path, **changes):
    path = write_amc(tmp_path / "7_01.amc", [{**STILL, **changes}])
    ends, turns = joint_positions(skeleton, read_amc(path, skeleton))
    return {name: values[0] / SCALE for name, values in ends.items()}, turns


def test_a_skeleton_at_rest_has_its_bones_end_to_end(skeleton, tmp_path):
    ends, _ = pose(skeleton, tmp_path)
    np.testing.assert_allclose(ends["root"], [0, 10, 0])
    np.testing.assert_allclose(ends["ltibia"], [2, 6, 0], atol=1e-9)
    np.testing.assert_allclose(ends["head"], [0, 22, 0], atol=1e-9)
    np.testing.assert_allclose(ends["rwrist"], [-8, 16, 0], atol=1e-9)


def test_a_joint_turns_what_hangs_on_it(skeleton, tmp_path):
    ends, _ = pose(skeleton, tmp_path, lfemur="-90 0 0", ltibia="90")
    np.testing.assert_allclose(ends["lfemur"], [2, 10, 2], atol=1e-9)  # about x by -90 degrees: down becomes front
    np.testing.assert_allclose(ends["ltibia"], [2, 8, 2], atol=1e-9)


def test_angles_are_about_the_axes_of_the_bone(skeleton, tmp_path):
    # the left upper arm's axes are turned by 90 degrees about z: its x is the body's y, so rx turns it to the back
    ends, _ = pose(skeleton, tmp_path, lhumerus="90 0 0")
    np.testing.assert_allclose(ends["lhumerus"], [2, 16, -2], atol=1e-9)


def test_the_order_is_x_then_y_then_z_about_fixed_axes(skeleton, tmp_path):
    ends, _ = pose(skeleton, tmp_path, lfemur="90 90 0")  # down goes to the back by x, then to the left's other side
    np.testing.assert_allclose(ends["lfemur"], [0, 10, 0], atol=1e-9)
    ends, _ = pose(skeleton, tmp_path, root="0 10 0 0 0 90")
    np.testing.assert_allclose(ends["head"], [-12, 10, 0], atol=1e-9)


def test_clips_become_seventeen_joints_in_the_world(tmp_path):
    (tmp_path / "7").mkdir()
    write_asf(tmp_path / "7" / "7.asf")
    write_amc(tmp_path / "7" / "7_02.amc", [STILL] * 24)
    (clip,) = read_capture(tmp_path, fps=15)
    joints = clip.joints_mm[0]
    assert (clip.name, clip.subject, clip.joints_mm.shape) == ("7_02", 7, (3, 17, 3))
    unit = SCALE * 2
    np.testing.assert_allclose(joints[0], [0, 0, 5 * unit], atol=1e-6)  # z up
    np.testing.assert_allclose(joints[3] - joints[0], [-unit, 0, -2 * unit], atol=1e-6)  # right ankle
    np.testing.assert_allclose(joints[13] - joints[12], [1.6 * unit, 0, 0], atol=1e-6)  # forearm and 0.6 of the hand
    np.testing.assert_allclose(joints[9] - joints[8], [0, -60, 1.15 * unit], atol=1e-6)  # jaw: 60 mm to the front, -y
    np.testing.assert_allclose(joints[10] - joints[8], [0, -10, 2.35 * unit], atol=1e-6)


MISTAKES = {
    "radians": lambda text: text.replace("angle deg", "angle rad"),
    "no hierarchy": lambda text: text.split(":hierarchy")[0],
    "bone twice": lambda text: text.replace("    root lhipjoint", "    root lhipjoint lhipjoint"),
    "unknown parent": lambda text: text.replace("    lfemur ltibia", "    nothing ltibia"),
    "other axes": lambda text: text.replace("axis 0 0 90  XYZ", "axis 0 0 90  ZYX"),
    "no number": lambda text: text.replace("length 2", "length two"),
    "no length": lambda text: text.replace("length 2", "length inf"),
    "no unit": lambda text: text.replace("length 0.45", "length -1"),
    "translation": lambda text: text.replace("dof rx ry rz", "dof tx ry rz")}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_skeleton_of_another_kind_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="7.asf: not an ASF skeleton as CMU has them"):
        read_asf(write_asf(tmp_path / "7.asf", MISTAKES[name]))


@pytest.mark.parametrize(("frame", "words"), [
    ({**STILL, "head": "0 0"}, "line 10: 2 values where 3"), ({**STILL, "tail": "1"}, "'tail' is no bone"),
    ({name: STILL[name] for name in list(STILL)[1:]}, "frame 1 has values for 7 bones, expected 8"),
    ({**STILL, "head": "0 nan 0"}, "finite")])
def test_wrong_motion_is_refused_with_the_line(skeleton, tmp_path, frame, words):
    with pytest.raises(InputError, match=words):
        read_amc(write_amc(tmp_path / "7_01.amc", [frame]), skeleton)


def test_motion_in_radians_is_refused(skeleton, tmp_path):
    path = write_amc(tmp_path / "7_01.amc", [STILL], ":FULLY-SPECIFIED\n:RADIANS\n")
    with pytest.raises(InputError, match="7_01.amc: line 3: angles in radians"):
        read_amc(path, skeleton)


def test_a_skeleton_without_a_bone_of_the_body_is_named(tmp_path):
    write_asf(tmp_path / "7.asf", lambda text: text.replace("upperneck", "longneck"))
    write_amc(tmp_path / "7_01.amc", [STILL])
    with pytest.raises(InputError, match="7.asf: has no bone called upperneck"):
        read_capture(tmp_path, 15)


def test_a_folder_without_motion_and_a_missing_skeleton_are_named(tmp_path):
    with pytest.raises(InputError, match="no files called"):
        read_capture(tmp_path, 15)
    write_amc(tmp_path / "8_01.amc", [STILL])
    with pytest.raises(InputError, match="8.asf: cannot be read"):
        read_capture(tmp_path, 15)
