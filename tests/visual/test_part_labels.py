"""Parts from texture colours: corners and middles of faces, the published texture, missing files."""

import numpy as np
import pytest

from src.errors import InputError
from src.visual.part_labels import TABLE_FILE, TEXTURE_FILE, PartTexture, part_labels, read_part_texture
from src.visual.raster import Raster


def raster_of(weights):
    """A picture of one row whose pixels show face 0 with these weights, and one empty pixel."""
    weights = np.array(weights, np.float32)
    face = np.zeros((1, len(weights) + 1), np.int32)
    face[0, -1] = -1
    return Raster(np.ones(face.shape, np.float32), face, np.concatenate([weights, np.zeros((1, 3))])[None])


def test_weights_choose_the_corner_of_the_colour_cube():
    colours = np.zeros((1, 2, 2, 2, 3), np.float32)
    for place, red in (((1, 0, 0), 0.105), ((0, 1, 0), 0.205), ((0, 0, 1), 0.305)):
        colours[(0, *place)] = [red, 0, 0]
    table = np.zeros((100, 92, 17))
    table[[10, 20, 30], 0, 0] = [1, 2, 3]
    table[5, 0, 0] = 4  # half way between the cube's zero and the first corner
    labels = part_labels(raster_of([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0]]), PartTexture(colours, table))
    assert labels.tolist() == [[1, 2, 3, 4, 0]]


def test_colours_beyond_the_table_stay_in_it():
    table = np.zeros((100, 92, 17))
    table[-1, -1, -1] = 6
    labels = part_labels(raster_of([[1, 0, 0]]), PartTexture(np.ones((1, 2, 2, 2, 3), np.float32), table))
    assert labels.tolist() == [[6, 0]]


def test_the_published_texture_is_read(tmp_path, shared):
    assert read_part_texture(shared / "data/graphcmr", 13776) is None  # the table is not among the shared files
    (tmp_path / TEXTURE_FILE).write_bytes((shared / "data/graphcmr" / TEXTURE_FILE).read_bytes())
    np.save(tmp_path / TABLE_FILE, np.ones((100, 92, 17)))
    texture = read_part_texture(tmp_path, 13776)
    assert texture.colours.shape == (13776, 2, 2, 2, 3) and 0 < texture.colours.min() < texture.colours.max() < 1
    with pytest.raises(InputError, match=TEXTURE_FILE):
        read_part_texture(tmp_path, 13775)
