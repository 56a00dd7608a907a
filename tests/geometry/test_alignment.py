import numpy as np
import pytest

from src.geometry.alignment import align_similarity, similarity_transform


@pytest.fixture
def moved(rng):
    """Point sets, a similarity each, and where it brings them."""
    points = rng.normal(size=(5, 9, 3))
    rotation = np.linalg.qr(rng.normal(size=(5, 3, 3)))[0]
    rotation *= np.linalg.det(rotation)[:, None, None]
    scale, translation = rng.uniform(0.5, 3, 5), rng.normal(size=(5, 3))
    return points, (scale, rotation, translation), scale[:, None, None] * points @ rotation.swapaxes(1, 2) \
        + translation[:, None]


def test_a_known_similarity_is_found(moved):
    points, transform, target = moved
    for found, expected in zip(similarity_transform(points, target), transform):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(align_similarity(points, target), target, atol=1e-12)


def test_a_batch_is_its_single_sets(moved, rng):
    points, _, target = moved
    target = target + rng.normal(size=target.shape)
    single = [align_similarity(one, other) for one, other in zip(points, target)]
    np.testing.assert_allclose(align_similarity(points, target), single, atol=1e-12)


def test_several_sources_share_a_target(rng):
    points, target = rng.normal(size=(4, 3, 7, 3)), rng.normal(size=(4, 1, 7, 3))
    repeated = align_similarity(points, np.repeat(target, 3, 1))
    np.testing.assert_allclose(align_similarity(points, target), repeated, atol=1e-12)


def test_a_mirror_image_is_rotated_and_not_reflected(rng):
    points = rng.normal(size=(8, 3))
    rotation = similarity_transform(points, points * [-1, 1, 1])[1]
    np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
    assert np.abs(align_similarity(points, points * [-1, 1, 1]) - points * [-1, 1, 1]).max() > 0.1


def test_no_other_similarity_is_closer(moved, rng):
    points, _, target = moved
    target = target + rng.normal(size=target.shape)
    scale, rotation, translation = similarity_transform(points, target)

    def distance(scale, translation):
        placed = scale[:, None, None] * points @ rotation.swapaxes(1, 2) + translation[:, None]
        return np.square(placed - target).sum((1, 2))

    best = distance(scale, translation)
    assert (distance(scale * 1.01, translation) > best).all() and (distance(scale * 0.99, translation) > best).all()
    assert (distance(scale, translation + 0.01) > best).all()


def test_without_scale_the_size_stays(moved):
    points, (_, rotation, _), target = moved
    scale, found, _ = similarity_transform(points, target, with_scale=False)
    assert (scale == 1).all()
    np.testing.assert_allclose(found, rotation, atol=1e-12)


def test_points_in_one_place_go_to_the_mean_of_the_target(rng):
    target = rng.normal(size=(6, 3))
    np.testing.assert_allclose(align_similarity(np.ones((6, 3)), target), np.tile(target.mean(0), (6, 1)), atol=1e-12)


def test_recorded_alignments_are_reproduced(recorded):
    arrays = recorded("hmr/evaluation.npz")
    np.testing.assert_allclose(align_similarity(arrays["proc_s1"], arrays["proc_s2"]), arrays["proc_s1_hat"],
                               atol=1e-10)
    arrays = recorded("gmh_mdn/metrics.npz")
    target = arrays["gt"][:, None]
    np.testing.assert_allclose(align_similarity(arrays["pred"], target), arrays["aligned"], atol=1e-8)
    np.testing.assert_allclose(align_similarity(arrays["pred"], target, with_scale=False),
                               arrays["aligned_no_scale"], atol=1e-8)
