"""Writes the annotation files and IUV pictures of SURREAL: `python -m src.tools.prepare_surreal --data_path DATA`.

DATA/surreal holds the published folders data/cmu/train and data/cmu/val (or cmu/train and cmu/val), the assets folder
namescmu.txt, valid_list.txt and what IUV pictures need: SMPL's files and the template.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_utils import entry
from src.tools.prepare_iuv import add_options, add_steps, asset_folder, chosen_steps, write_iuv

NAME = "surreal"


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.data.dense_annotation import write_dense_annotation
    from src.data.dense_sets import SETS, annotation_file
    from src.data.surreal import HEIGHT, WIDTH, split_folder, training_columns, validation_columns

    parser = entry.ArgumentParser(prog="prepare_surreal", description=__doc__.splitlines()[0])
    add_options(parser)
    add_steps(parser)
    options = parser.parse_args(arguments)
    steps, root, assets = chosen_steps(options), options.data_path / SETS[NAME].folder, asset_folder(options)
    for step, split, file in (("train", "train", SETS[NAME].train[0]), ("test", "val", SETS[NAME].test[0])):
        if step not in steps:
            continue
        folder = split_folder(root, split)
        columns = training_columns(folder) if step == "train" else validation_columns(
            folder, assets / "namescmu.txt", assets / "valid_list.txt")
        path = annotation_file(options.data_path, file)
        write_dense_annotation(path, columns)
        print(f"{path}: {len(columns['pose'])} persons written")
    if "iuv" in steps:
        write_iuv(NAME, options, (HEIGHT, WIDTH))
    return 0


if __name__ == "__main__":
    entry.run(main)
