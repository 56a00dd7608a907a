"""The rasteriser against closed cases, a per-pixel implementation and what a closed surface must do."""

import numpy as np
import pytest

from src.body.assets import default_body
from src.body.mesh import read_obj
from src.body.smpl import body_vertices
from src.geometry.camera import FACING_CAMERA, project_points, project_with_depth, world_to_camera
from src.visual import raster as module
from src.visual.raster import interpolate, rasterize, shade, vertex_normals

HEIGHT, WIDTH = 30, 40


def sphere(rings=9, sectors=14):
    """Builds a closed unit sphere, counter-clockwise seen from outside."""
    polar, turn = np.linspace(0, np.pi, rings + 1)[1:-1], np.arange(sectors) * 2 * np.pi / sectors
    grid = np.stack([np.sin(polar)[:, None] * np.cos(turn), np.sin(polar)[:, None] * np.sin(turn),
                     np.broadcast_to(np.cos(polar)[:, None], (rings - 1, sectors))], axis=-1)
    vertices = np.concatenate([grid.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    north, south, faces = len(vertices) - 2, len(vertices) - 1, []
    for i in range(sectors):
        j, last = (i + 1) % sectors, (rings - 2) * sectors
        faces += [[north, i, j], [south, last + j, last + i]]
        for row in range(0, last, sectors):
            faces += [[row + i, row + sectors + i, row + sectors + j], [row + i, row + sectors + j, row + j]]
    return vertices, np.array(faces)


def posed_body(height=256, width=192):
    """Projects a shipped body in a random pose into a picture."""
    body = default_body()
    pose = np.random.default_rng(1).normal(size=(1, 24, 3)) * 0.25
    vertices = world_to_camera(body_vertices(body, pose).vertices[0], FACING_CAMERA, [0.0, -0.2, 3.0])
    return project_with_depth(vertices, 1.5 * height, [width / 2, height / 2]), vertices, body


def slow_rasterize(vertices, faces, height, width):
    """Looks at every pixel and face in turn, without culling."""
    depth, face = np.full((height, width), np.inf), np.full((height, width), -1)
    weights = np.zeros((height, width, 3))
    for number, corners in enumerate(vertices[faces].astype(float)):
        (x0, y0, _), (x1, y1, _), (x2, y2, _) = corners
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        for y, x in np.ndindex(height, width) if area else ():
            parts = np.array([(x1 - x) * (y2 - y) - (x2 - x) * (y1 - y),
                              (x2 - x) * (y0 - y) - (x0 - x) * (y2 - y),
                              (x0 - x) * (y1 - y) - (x1 - x) * (y0 - y)]) / area
            inverse = (parts / corners[:, 2]).sum()
            if parts.min() >= 0 and 1 / inverse < depth[y, x]:
                depth[y, x], face[y, x] = 1 / inverse, number
                weights[y, x] = parts / corners[:, 2] / inverse
    return depth, face, weights


@pytest.mark.parametrize("seed", range(4))
def test_random_triangles_equal_the_pixel_by_pixel_result(seed):
    rng = np.random.default_rng(seed)
    vertices = np.column_stack([rng.uniform(-10, 50, 24), rng.uniform(-10, 40, 24), rng.uniform(1, 5, 24)])
    faces = rng.permutation(24).reshape(8, 3)
    raster = rasterize(vertices, faces, HEIGHT, WIDTH, cull_backfaces=False)
    depth, face, weights = slow_rasterize(vertices, faces, HEIGHT, WIDTH)
    np.testing.assert_array_equal(raster.face, face)
    np.testing.assert_allclose(raster.depth, depth, rtol=1e-6)
    np.testing.assert_allclose(raster.barycentric, weights, atol=1e-6)
    assert len(np.unique(face)) > 4


def test_a_closed_mesh_equals_the_pixel_by_pixel_result():
    vertices, faces = sphere(5, 7)
    points = vertices * [10.3, 10.3, 1] + [20.1, 15.2, 4]
    raster = rasterize(points, faces, HEIGHT, WIDTH, cull_backfaces=False)
    depth, face, _ = slow_rasterize(points, faces, HEIGHT, WIDTH)
    np.testing.assert_array_equal(raster.face, face)
    np.testing.assert_allclose(raster.depth, depth, rtol=1e-6)


def test_a_triangle_covers_the_centres_inside_and_on_its_left_and_upper_edges():
    vertices = np.array([[1.0, 1.0, 2.0], [1.0, 4.0, 2.0], [4.0, 1.0, 2.0]])
    raster = rasterize(vertices, np.array([[0, 1, 2]]), 6, 6)
    expected = np.zeros((6, 6), bool)
    expected[1, 1:4] = expected[2, 1:3] = expected[3, 1:2] = True
    np.testing.assert_array_equal(raster.face == 0, expected)
    np.testing.assert_array_equal(np.isfinite(raster.depth), expected)
    assert (raster.depth[expected] == 2).all() and (raster.barycentric[~expected] == 0).all()
    np.testing.assert_allclose(raster.barycentric[2, 2], [1 / 3, 1 / 3, 1 / 3], atol=1e-7)
    assert raster.depth.dtype == raster.barycentric.dtype == np.float32 and raster.face.dtype == np.int32


def test_triangles_around_a_vertex_share_no_pixel_and_leave_none_out():
    angles = np.arange(12) * np.pi / 6
    # Whole numbers, so that edges meet pixel centres.
    ring = np.rint(14 * np.stack([np.cos(angles), np.sin(angles)], axis=1)) + 15
    vertices = np.column_stack([np.concatenate([ring, [[15, 15]]]), np.ones(13)])
    faces = np.array([[i, (i + 1) % 12, 12] for i in range(12)])
    counts = sum((rasterize(vertices, face[None], 32, 32, False).face == 0).astype(int) for face in faces)
    assert counts.max() == 1
    together = rasterize(vertices, faces, 32, 32, False).face >= 0
    np.testing.assert_array_equal(together, counts == 1)
    for row in together:  # convex: one run of pixels in each row
        assert np.count_nonzero(np.diff(np.concatenate([[0], row.astype(int), [0]]))) <= 2


def test_every_ray_enters_and_leaves_a_closed_mesh_once():
    vertices, faces = sphere()
    points = vertices * [13, 13, 1] + [20, 15, 4]  # the poles' edges meet pixel centres
    owned = [rasterize(points, face[None], HEIGHT, WIDTH, False).face == 0 for face in faces]
    front = [rasterize(points, face[None], HEIGHT, WIDTH, True).face == 0 for face in faces]
    assert set(np.unique(np.sum(owned, axis=0))) == {0, 2}
    np.testing.assert_array_equal(2 * np.sum(front, axis=0), np.sum(owned, axis=0))


def test_nothing_shines_through_the_body():
    points, _, body = posed_body()
    culled, full = (rasterize(points, body.faces, 256, 192, cull) for cull in (True, False))
    assert (culled.face >= 0).sum() > 5000
    np.testing.assert_array_equal(culled.face, full.face)


def test_the_front_of_a_facing_body_is_seen():
    points, vertices, body = posed_body()
    raster = rasterize(points, body.faces, 256, 192)
    seen = np.unique(raster.face[raster.face >= 0])
    a, b, c = (vertices[body.faces[seen, k]] for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0).all()  # turned towards the camera
    clockwise = rasterize(points, body.faces[:, ::-1], 256, 192)
    covered = raster.face >= 0
    np.testing.assert_array_equal(clockwise.face >= 0, covered)  # the inside of the far surface
    assert (clockwise.depth[covered] >= raster.depth[covered]).all()


def test_the_nearer_of_two_meshes_hides_the_other_in_either_order():
    vertices, faces = sphere()
    near, far = vertices * [6, 6, 1] + [16, 15, 3], vertices * [10, 10, 1] + [22, 15, 8]
    count = len(faces)
    for first, second, near_faces in ((near, far, range(count)), (far, near, range(count, 2 * count))):
        raster = rasterize(np.concatenate([first, second]), np.concatenate([faces, faces + len(vertices)]),
                           HEIGHT, WIDTH)
        mask = rasterize(near, faces, HEIGHT, WIDTH).face >= 0
        assert np.isin(raster.face[mask], near_faces).all()
        assert (~np.isin(raster.face[~mask], near_faces)).all() and (raster.face[~mask] >= 0).sum() > 100


def test_crossing_faces_meet_where_their_depths_are_equal():
    flat = np.array([[-50.0, -50, 2], [-50, 150, 2], [150, -50, 2]])
    focal = 20.0
    tilted_cam = np.array([[-1.0, -9, 1], [-1.0, 9, 1], [1.0, 0, 3]])  # z = x + 2 in camera space
    tilted = project_with_depth(tilted_cam, focal, [20.0, 15.0])
    raster = rasterize(np.concatenate([flat, tilted]), np.array([[0, 1, 2], [3, 4, 5]]), HEIGHT, WIDTH, False)
    np.testing.assert_array_equal(raster.face[15, 5:20], 1)  # x < 0: nearer than 2
    np.testing.assert_array_equal(raster.face[15, 21:], 0)
    column = np.arange(5, 20)
    np.testing.assert_allclose(raster.depth[15, 5:20], 2 / (1 - (column - 20) / focal), rtol=1e-6)


def test_interpolated_positions_project_to_their_pixel():
    points, vertices, body = posed_body()
    raster = rasterize(points, body.faces, 256, 192)
    covered = raster.face >= 0
    position = interpolate(raster, body.faces, vertices)
    rows, columns = np.nonzero(covered)
    pixels = project_points(position[covered], 1.5 * 256, [96, 128])
    np.testing.assert_allclose(pixels, np.column_stack([columns, rows]), atol=2e-3)
    np.testing.assert_allclose(position[covered][:, 2], raster.depth[covered], rtol=1e-5)
    np.testing.assert_allclose(raster.barycentric[covered].sum(axis=1), 1, atol=1e-6)
    assert raster.barycentric.min() == 0 and (position[~covered] == 0).all()


def test_texture_corners_may_differ_from_the_faces():
    vertices = np.array([[0.0, 0, 1], [0, 8, 1], [8, 0, 1]])
    raster = rasterize(vertices, np.array([[0, 1, 2]]), 8, 8)
    picture = interpolate(raster, np.array([[2, 0, 1]]), np.array([[10.0], [20.0], [30.0]]))
    np.testing.assert_allclose(picture[2, 4, 0], 0.25 * 30 + 0.25 * 10 + 0.5 * 20, rtol=1e-6)


def test_a_recorded_texture_picture_is_reproduced(shared):
    golden = np.load(shared / "golden/decomr/iuv_render.npz")
    mesh = read_obj(shared / "golden/decomr/template.obj")
    (height, width), (scale, x, y) = golden["render_hw"].tolist(), golden["render_cam"]
    vertices = golden["verts"] + [x, y, 2000 / (width * scale + 1e-9)]
    points = project_with_depth(vertices, 1000.0, [width / 2, height / 2])
    np.testing.assert_allclose(points[:, :2], golden["proj_xy"], atol=1e-3)
    raster = rasterize(points, mesh.faces, height, width, cull_backfaces=False)
    covered = golden["render_iuv"][..., 0] > 0
    np.testing.assert_array_equal(raster.face >= 0, covered)
    np.testing.assert_allclose(raster.depth[covered], golden["render_depth"][covered], rtol=1e-6)
    uv = interpolate(raster, mesh.uv_faces, mesh.uv)
    np.testing.assert_allclose(uv[covered], golden["render_uv"][covered], atol=1e-5)


def test_faces_across_the_border_are_cut_there():
    points, _, body = posed_body()
    whole = rasterize(points, body.faces, 256, 192)
    part = rasterize(points - [60, 90, 0], body.faces, 100, 70)
    assert (part.face >= 0).sum() > 2000
    np.testing.assert_array_equal(part.face, whole.face[90:190, 60:130])
    np.testing.assert_allclose(part.depth, whole.depth[90:190, 60:130], rtol=1e-6)


def test_a_face_over_the_whole_picture_fills_it():
    vertices = np.array([[-1e6, -1e6, 1.0], [-1e6, 3e6, 1.0], [3e6, -1e6, 1.0]])
    assert (rasterize(vertices, np.array([[0, 1, 2]]), HEIGHT, WIDTH).face == 0).all()


def test_faces_behind_the_camera_or_without_place_are_dropped():
    good = [[5.0, 5.0, 2.0], [5.0, 20.0, 2.0], [20.0, 5.0, 2.0]]
    bad = [[6.0, 6.0, 0.0], [6.0, 6.0, -1.0], [np.nan, 6.0, 1.0], [6.0, np.inf, 1.0], [6.0, 6.0, np.nan],
           [6.0, 6.0, np.inf], [-1e300, 6.0, 1.0], [12.0, 12.0, 1.0]]
    faces = [[0, 1, 2]] + [[0, 1, 3 + i] for i in range(7)] + [[0, 10, 10]]
    raster = rasterize(np.array(good + bad), np.array(faces), HEIGHT, WIDTH, cull_backfaces=False)
    alone = rasterize(np.array(good), np.array(faces[:1]), HEIGHT, WIDTH, cull_backfaces=False)
    assert set(np.unique(raster.face)) == {-1, 0}
    np.testing.assert_array_equal(raster.face >= 0, alone.face >= 0)


def test_of_equally_near_faces_the_first_wins():
    vertices = np.array([[0.0, 0, 2], [0, 9, 2], [9, 0, 2]])
    for count in (2, 5):
        raster = rasterize(vertices, np.array([[0, 1, 2]] * count), 10, 10)
        assert set(np.unique(raster.face)) == {-1, 0}


@pytest.mark.parametrize("chunk", [50, 1000])
def test_working_in_small_chunks_gives_the_same_picture(monkeypatch, chunk):
    points, _, body = posed_body()
    faces = np.concatenate([body.faces, body.faces])  # every depth twice
    whole = rasterize(points, faces, 256, 192)
    monkeypatch.setattr(module, "CHUNK_PIXELS", chunk)
    split = rasterize(points, faces, 256, 192)
    np.testing.assert_array_equal(split.face, whole.face)
    np.testing.assert_array_equal(split.depth, whole.depth)
    np.testing.assert_array_equal(split.barycentric, whole.barycentric)


def test_the_pixels_at_work_at_a_time_are_bounded(monkeypatch):
    vertices = np.array([[-1e6, -1e6, 1.0], [-1e6, 3e6, 1.0], [3e6, -1e6, 1.0]])
    faces = np.tile([0, 1, 2], (12, 1))
    expand, sizes = module._expand, []

    def counting(start, stop):
        interval, number = expand(start, stop)
        sizes.append(len(interval))
        return interval, number

    monkeypatch.setattr(module, "_expand", counting)
    monkeypatch.setattr(module, "CHUNK_PIXELS", 3 * HEIGHT * WIDTH)
    rasterize(vertices, faces, HEIGHT, WIDTH)
    assert max(sizes) <= 4 * HEIGHT * WIDTH and sum(sizes) >= 12 * HEIGHT * WIDTH


def test_an_empty_scene_is_empty():
    raster = rasterize(np.zeros((0, 3)), np.zeros((0, 3), int), 4, 5)
    assert (raster.face == -1).all() and np.isinf(raster.depth).all() and (raster.barycentric == 0).all()
    assert (shade(raster, np.zeros((0, 3), int), np.zeros((0, 3)), np.ones(3)) == 0).all()


def test_normals_of_a_sphere_are_its_directions():
    vertices, faces = sphere(24, 36)
    normals = vertex_normals(vertices, faces)
    assert np.einsum("ij,ij->i", normals, vertices).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)


def test_a_vertex_without_faces_has_no_normal():
    normals = vertex_normals(np.eye(4, 3), np.array([[0, 1, 2]]))
    np.testing.assert_allclose(normals[0], np.full(3, 3 ** -0.5), atol=1e-6)
    assert (normals[3] == 0).all()


def test_light_follows_lamberts_law():
    vertices, faces = np.array([[0.0, 0, 1], [0, 9, 1], [9, 0, 1]]), np.array([[0, 1, 2]])
    raster = rasterize(vertices, faces, 10, 10)
    facing = np.tile([0.0, 0, -1], (3, 1))
    color, lights = np.array([1.0, 0.5, 0.25]), (((0, -3, -4), 0.5),)
    picture = shade(raster, faces, facing, color, lights, ambient=0.2)
    np.testing.assert_allclose(picture[3, 3], 0.6 * color, rtol=1e-5)
    assert (picture[9, 9] == 0).all()
    behind = shade(raster, faces, facing, np.ones(3), lights=(((0, 0, 1), 0.5),), ambient=0.2)
    np.testing.assert_allclose(behind[3, 3], 0.2, rtol=1e-6)


def test_colours_of_vertices_are_interpolated_and_never_exceed_white():
    vertices, faces = np.array([[0.0, 0, 1], [0, 8, 1], [8, 0, 1]]), np.array([[0, 1, 2]])
    raster = rasterize(vertices, faces, 8, 8)
    normals = np.tile([0.0, 0, -1], (3, 1))
    picture = shade(raster, faces, normals, np.eye(3), lights=(), ambient=1.0)
    np.testing.assert_allclose(picture[2, 4], [0.25, 0.25, 0.5], rtol=1e-5)
    assert shade(raster, faces, normals, np.full(3, 9.0)).max() == 1


def test_surfaces_that_turn_away_get_a_rim():
    vertices, faces = sphere(24, 36)
    points = vertices * [13, 13, 1] + [20, 15, 4]
    raster = rasterize(points, faces, HEIGHT, WIDTH)
    picture = shade(raster, faces, vertices, np.ones(3), lights=(), ambient=0.3, rim=0.5)
    row = picture[15][raster.face[15] >= 0, 0]
    assert row[0] > 0.4 and row[-1] > 0.4 and row[len(row) // 2] == pytest.approx(0.3, abs=0.01)


def test_edges_next_to_pixel_centres_do_no_harm(rng):
    near = np.array([0.0, 1e-320, -1e-320, 1e-16, -1e-16, 8e-16, 1e-13])
    vertices = np.column_stack([rng.integers(-2, 12, 400) + rng.choice(near, 400),
                                rng.integers(-2, 12, 400) + rng.choice(near, 400), rng.uniform(1, 5, 400)])
    faces = rng.integers(0, 400, (300, 3))
    raster = rasterize(vertices, faces, 10, 10, cull_backfaces=False)
    covered = raster.face >= 0
    corners = vertices[faces[raster.face[covered]]]
    depth = raster.depth[covered]
    assert covered.sum() > 50
    assert (depth >= 0.999 * corners[..., 2].min(axis=1)).all()
    assert (depth <= 1.001 * corners[..., 2].max(axis=1)).all()
    rows, columns = np.nonzero(covered)
    for axis, pixel in ((0, columns), (1, rows)):
        assert (corners[..., axis].min(axis=1) <= pixel + 1e-9).all()
        assert (corners[..., axis].max(axis=1) >= pixel - 1e-9).all()
