"""Writes the IUV pictures of a training set: `python -m src.tools.prepare_iuv --data_path DATA --dataset h36m`.

The set's annotation file must have bodies (pose and shape), or --spin_fits takes them from DATA/spin_fits; its names of
the pictures are written back into it, with --spin_fits also how far each fit misses the joints.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_utils import entry

FITTED_JOINTS = 14  # of J24, those of LSP


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of all tools that write IUV pictures."""
    parser.add_argument("--data_path", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--assets", type=Path, help="folder of SMPL's files, regressors, templates and lists "
                                                    "(default: DATA/assets)")
    parser.add_argument("--uv_type", default="BF", help="atlas of the IUV pictures: BF or SMPL (default BF)")
    parser.add_argument("--uv_template", default="", help="OBJ file with the atlas (default: that of uv_type)")
    parser.add_argument("--body", default="smpl", help="smpl, or a body file in its format (default smpl)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads (default: one per core)")


def add_steps(parser: argparse.ArgumentParser) -> None:
    """Adds the switches of the tools that make annotation files as well."""
    for name, what in (("train_files", "the training annotation"), ("eval_files", "the test annotation"),
                       ("gt_iuv", "the IUV pictures of the training set")):
        parser.add_argument(f"--{name}", action="store_true", help=f"write {what}; without a switch all is written")


def chosen_steps(options: argparse.Namespace) -> list[str]:
    """Lists the steps to do: train, test, iuv."""
    asked = {"train": options.train_files, "test": options.eval_files, "iuv": options.gt_iuv}
    return [step for step, is_asked in asked.items() if is_asked or not any(asked.values())]


def asset_folder(options: argparse.Namespace) -> Path:
    """The folder of the assets."""
    return options.assets or options.data_path / "assets"


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.data.dense_sets import FITTED
    from src.errors import InputError

    parser = entry.ArgumentParser(prog="prepare_iuv", description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--dataset", required=True, help="training set, as the option dataset of train.py names it")
    parser.add_argument("--spin_fits", action="store_true", help="take the bodies from DATA/spin_fits")
    options = parser.parse_args(arguments)
    if options.spin_fits and options.dataset not in FITTED:
        raise InputError(f"--spin_fits: there are fits for {', '.join(FITTED)}, not for {options.dataset}")
    write_iuv(options.dataset, options, is_fitted=options.spin_fits)
    return 0


def write_iuv(name: str, options: argparse.Namespace, size: tuple[int, int] | None = None,
              is_fitted: bool = False) -> None:
    """Writes the IUV pictures of a training set and their names into its annotation file.

    Args:    size: height and width of all pictures, None = they differ. is_fitted: take the bodies of SPIN's fits.
    Raises:  InputError naming the file that is missing or broken.
    """
    from src.arrays import read_npz
    from src.body.j24 import mesh_regressors
    from src.body.template import load_bodies, load_template, posed_vertices
    from src.data.dense_annotation import write_dense_annotation
    from src.data.dense_sets import find_annotation, iuv_folder, read_training_sets
    from src.data.iuv_truth import fit_errors, write_iuv_pictures

    assets = asset_folder(options)
    bodies = load_bodies(options.body, assets)
    template = load_template(bodies[0], options.uv_template, options.uv_type, assets)
    records = read_training_sets(name, options.data_path, options.uv_type, is_fitted).records[0]
    regressors = mesh_regressors(bodies[0], assets)
    regressor, places = regressors.annotation[:FITTED_JOINTS], records.bodies.joints_2d[:, :FITTED_JOINTS]
    if records.keypoints_smpl[..., 2].any():
        regressor, places = regressors.smpl, records.keypoints_smpl

    def vertices_of(rows: np.ndarray) -> np.ndarray:
        return posed_vertices(bodies, records.gender[rows], records.bodies.pose[rows], records.bodies.shape[rows])

    path = find_annotation(name, options.data_path)
    columns = read_npz(path)
    image_names = columns["videoname" if "videoname" in columns else "imgname"].tolist()
    folder = iuv_folder(name, options.data_path, options.uv_type, is_fitted)
    columns["iuv_names"] = write_iuv_pictures(records, image_names, folder, template, vertices_of, regressor, places,
                                              size, options.workers)
    if is_fitted:
        columns["fit_errors"] = fit_errors(records, vertices_of, regressor, places)
    write_dense_annotation(path, columns)
    written = sum(map(bool, columns["iuv_names"]))
    print(f"{folder}: IUV pictures of {written} of {len(records)} persons, their names written to {path}")


if __name__ == "__main__":
    entry.run(main)
