"""Writes the annotation files and IUV pictures of UP-3D: `python -m src.tools.prepare_up3d --data_path DATA`.

DATA/up-3d holds the published files (NNNNN_image.png, _joints.npy, _body.pkl, _render_light.png, trainval.txt), the
assets folder namesUPlsp.txt and what IUV pictures need: SMPL's files, J_regressor_extra.npy and the template.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from model_utils import entry
from src.tools.prepare_iuv import FITTED_JOINTS, add_options, add_steps, asset_folder, chosen_steps, write_iuv

NAME = "up-3d"
TEST_LIST = "namesUPlsp.txt"


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.data.dense_annotation import write_dense_annotation
    from src.data.dense_sets import SETS, annotation_file
    from src.data.up3d import annotation_columns, read_list

    parser = entry.ArgumentParser(prog="prepare_up3d", description=__doc__.splitlines()[0])
    add_options(parser)
    add_steps(parser)
    parser.add_argument("--train_list", default="trainval", help="DATA/up-3d/<this>.txt lists the training pictures")
    options = parser.parse_args(arguments)
    steps, folder = chosen_steps(options), options.data_path / SETS[NAME].folder
    test_list = asset_folder(options) / TEST_LIST
    test_names = read_list(test_list) if "test" in steps or test_list.is_file() else []
    for step, file in (("train", SETS[NAME].train[0]), ("test", SETS[NAME].test[0])):
        if step not in steps:
            continue
        names = test_names
        if step == "train":
            listed = read_list(folder / f"{options.train_list}.txt")
            names = [name for name in listed if name not in set(test_names)]
            if len(names) < len(listed):
                print(f"{len(listed) - len(names)} pictures of the test set are left out of training")
        path = annotation_file(options.data_path, file)
        write_dense_annotation(path, annotation_columns(folder, names, box_finder(options), options.workers))
        print(f"{path}: {len(names)} persons written")
    if "iuv" in steps:
        write_iuv(NAME, options)
    return 0


def box_finder(options):
    """Gives the function that finds the box of a body for `annotation_columns`; SMPL's files are read when it is first
    needed."""
    from src.body.j24 import mesh_regressors
    from src.body.template import load_bodies, posed_vertices
    from src.data.iuv_truth import body_box

    @cache
    def load():
        bodies = load_bodies(options.body, asset_folder(options))
        return bodies, mesh_regressors(bodies[0], asset_folder(options)).annotation[:FITTED_JOINTS]

    def find(pose, shape, joints):
        bodies, regressor = load()
        vertices = posed_vertices(bodies, np.zeros(1, int), pose.reshape(1, -1, 3), shape[None])[0]
        return body_box(vertices, regressor @ vertices, joints)

    return find


if __name__ == "__main__":
    entry.run(main)
