"""Tests that the IUV pictures that benchmarks/iuv.py compares are the same."""

from benchmarks import iuv


def test_a_loop_over_the_faces_renders_the_same_picture():
    ours, loop = (task(64, 1)[0]()[0] for task in (iuv.rendering, iuv.face_by_face))
    assert ours[..., 0].sum() > 300 and (ours != loop).any(axis=2).sum() <= 3


def test_the_mesh_is_at_least_as_large_as_smpl_and_closed():
    template, bodies = iuv.make_bodies(64, 2)
    assert bodies.shape == (2, 13590, 3) and len(template.faces) == 27176
    assert template.faces.max() == 13589 and template.uv_faces.max() == len(template.uv) - 1
