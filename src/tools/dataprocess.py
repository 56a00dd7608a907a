"""Makes annot.h5 of Human3.6M and MPI-INF-3DHP: `python -m src.tools.dataprocess --data_path HMR_DATA`.

Reads the packaged annots.npz of each folder that has one and writes what training and evaluation read.
"""

from __future__ import annotations

from pathlib import Path

from model_utils import entry
from src.errors import InputError


def main(arguments):
    """Converts every annots.npz below the folder; returns the exit status."""
    from src.data.hmr_sets import RAW_SETS
    from src.data.romp import convert_h36m, convert_mpi_inf

    parser = entry.ArgumentParser(prog="dataprocess", description=__doc__.splitlines()[0])
    parser.add_argument("--data_path", type=Path, required=True, help="folder with human3.6 and mpii_3d in it")
    parser.add_argument("--overwrite", action="store_true", help="write annot.h5 again where there is one")
    options = parser.parse_args(arguments)
    done = 0
    for name, convert in (("hum3.6m", convert_h36m), ("mpi-inf-3dhp", convert_mpi_inf)):
        for folder in (options.data_path / spelling for spelling in RAW_SETS[name].folders):
            source, target = folder / "annots.npz", folder / "annot.h5"
            if not source.is_file():
                continue
            done += 1
            if target.is_file() and not options.overwrite:
                print(f"{target}: is there already, nothing written (--overwrite writes it again)")
            else:
                print(f"{target}: {convert(source, target)} persons written")
    if not done:
        places = ", ".join(f"{folder}/annots.npz" for name in ("hum3.6m", "mpi-inf-3dhp")
                           for folder in RAW_SETS[name].folders)
        raise InputError(f"{options.data_path}: no annotations found, expected {places}")
    return 0


if __name__ == "__main__":
    entry.run(main)
