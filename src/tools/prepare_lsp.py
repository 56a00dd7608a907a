"""Writes the test annotation of LSP with its label pictures: `python -m src.tools.prepare_lsp --data_path DATA`.

DATA/lsp holds joints.mat and images/im1001.jpg to im2000.jpg as published, and the folder data of UPI-S1H with
data/lsp/imNNNN_segmentation.png and imNNNN_part_segmentation.png.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model_utils import entry

NAME = "lsp"


def main(arguments: Sequence[str]) -> int:
    """Runs the tool; returns the exit status."""
    from src.data.dense_annotation import write_dense_annotation
    from src.data.dense_sets import SETS, annotation_file
    from src.data.lsp_labels import labelled_columns

    parser = entry.ArgumentParser(prog="prepare_lsp", description=__doc__.splitlines()[0])
    parser.add_argument("--data_path", type=Path, required=True, help="folder of the data sets")
    options = parser.parse_args(arguments)
    columns = labelled_columns(options.data_path / SETS[NAME].folder)
    path = annotation_file(options.data_path, SETS[NAME].test[0])
    write_dense_annotation(path, columns)
    print(f"{path}: {len(columns['imgname'])} persons written")
    return 0


if __name__ == "__main__":
    entry.run(main)
