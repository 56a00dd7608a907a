"""Writes the annotation files and IUV pictures of UP-3D: `python -m src.tools.prepare_up3d --data_path DATA`.

DATA/up-3d holds the published files (NNNNN_image.png, _joints.npy, _body.pkl, _render_light.png, trainval.txt), the
assets folder namesUPlsp.txt and what IUV pictures need: SMPL's files, J_regressor_extra.npy and the template.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_utils import entry
from src.tools.prepare_iuv import add_options, add_steps, asset_folder, chosen_steps, write_iuv

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
        write_dense_annotation(path, annotation_columns(folder, names, options.workers))
        print(f"{path}: {len(names)} persons written")
    if "iuv" in steps:
        write_iuv(NAME, options)
    return 0


if __name__ == "__main__":
    entry.run(main)
