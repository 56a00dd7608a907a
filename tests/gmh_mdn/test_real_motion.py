"""The proof on real motion, which takes minutes."""

import mindspore as ms
import pytest

from benchmarks import gmh_mdn_cmu
from src.data.cmu import Variation


def arguments(shared, folder, *more):
    data = shared / "data"
    return ["--data", str(data / "cmu_mocap"), "--cameras", str(data / "h36m" / "cameras.pkl"), "--pack",
            str(folder / "views.npz"), *more]


def test_the_views_have_the_described_baselines(shared, tmp_path):
    ms.set_context(mode=ms.GRAPH_MODE)
    options = gmh_mdn_cmu.make_parser().parse_args(arguments(shared, tmp_path, "--linear_size", "16", "--epochs", "1",
                                                             "--batch_size", "4096", "--train_every", "5"))
    data = gmh_mdn_cmu.prepare(options.data, options.cameras, options.pack, options.train_every, Variation())
    network, _, steps = gmh_mdn_cmu.train(data, True, options)
    assert steps == 72_080 // 4096
    metrics = gmh_mdn_cmu.score_mixture(data, network, 1e-15)
    # the description of the data: mean pose 196 mm, linear regression 91 mm
    assert metrics["mean_pose_mpjpe_mm"] == pytest.approx(196, abs=1)
    assert metrics["linear_regression_mpjpe_mm"] == pytest.approx(91, abs=1)
    assert len(data.test_rows(data.measure())) == 11_648


@pytest.mark.slow
def test_five_hypotheses_are_closer_than_one_regression(shared, tmp_path):
    results = gmh_mdn_cmu.prove(gmh_mdn_cmu.make_parser().parse_args(arguments(shared, tmp_path)))
    mixture, regression = results["mixture"], results["regression"]
    assert mixture["best_of_5_mpjpe_mm"] < 45 and mixture["most_likely_mpjpe_mm"] < 62
    assert mixture["best_of_5_mpjpe_mm"] < regression["mpjpe_mm"]
