"""From heatmaps to keypoints: flip test, peak with quarter-pixel refinement, way back to the picture.

Convention: a heatmap value stands at integer column and row; the box centre is at (W/2, H/2).
Source: the authors' PyTorch code of "Simple Baselines for Human Pose Estimation and Tracking".
"""

from __future__ import annotations

import numpy as np

PIXEL_STD = 200.0  # px per unit of scale, the MPII annotation unit
ACCURACY_THRESHOLD = 0.5  # of a tenth of the heatmap's size


def flip_back(heatmaps: np.ndarray, flip: np.ndarray, is_shifted: bool = True) -> np.ndarray:
    """Turns heatmaps of mirrored crops into heatmaps of the crops themselves.

    Args:
        heatmaps: (..., J, H, W). flip: (J,) joint that takes each joint's place in the mirror.
        is_shifted: moves the result one column right (column 0 stays), as the mirrored crop of even
            width is off by one heatmap pixel.
    Returns: (..., J, H, W), same type.
    """
    mirrored = np.take(heatmaps, flip, axis=-3)[..., ::-1]
    if not is_shifted:
        return np.ascontiguousarray(mirrored)
    result = np.empty_like(heatmaps)
    result[..., 0] = mirrored[..., 0]
    result[..., 1:] = mirrored[..., :-1]
    return result


def average_flipped(
    heatmaps: np.ndarray, mirrored_heatmaps: np.ndarray, flip: np.ndarray, is_shifted: bool = True
) -> np.ndarray:
    """Averages the heatmaps of crops and of their mirror images, the flip test.

    Args:
        heatmaps, mirrored_heatmaps: (B, J, H, W) float32. flip: (J,). is_shifted: see `flip_back`.
    Returns: (B, J, H, W) float32.
    """
    result = np.empty_like(heatmaps)
    # Sample by sample, so that the copies stay in the processor's cache.
    for average, plain, mirrored in zip(result, heatmaps, mirrored_heatmaps):
        np.add(plain, flip_back(mirrored, flip, is_shifted), out=average)
        average *= 0.5
    return result


def find_peaks(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the first maximum of each map; (0, 0) where no value is positive.

    Args: heatmaps: (B, J, H, W).
    Returns:
        peaks: (B, J, 2) float32 heatmap px, x first. values: (B, J) float32, the maxima.
    """
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(batch, joints, height * width)
    index = flat.argmax(axis=2)
    values = np.take_along_axis(flat, index[:, :, None], axis=2)[:, :, 0]
    index = np.where(values > 0, index, 0)
    peaks = np.stack([index % width, index // width], axis=2).astype(np.float32)
    return peaks, values.astype(np.float32)


def refine_peaks(heatmaps: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Moves peaks a quarter pixel toward the larger neighbour in x and in y.

    Peaks in the two first or the last columns or rows stay, both coordinates.

    Args: heatmaps: (B, J, H, W). peaks: (B, J, 2) whole heatmap px.
    Returns: (B, J, 2) float32.
    """
    height, width = heatmaps.shape[2:]
    x, y = peaks[..., 0].astype(np.int64), peaks[..., 1].astype(np.int64)
    rows = np.nonzero((x > 1) & (x < width - 1) & (y > 1) & (y < height - 1))
    x, y = x[rows], y[rows]
    refined = peaks.astype(np.float32)
    for axis, (dx, dy) in enumerate(((1, 0), (0, 1))):
        slope = heatmaps[rows + (y + dy, x + dx)] - heatmaps[rows + (y - dy, x - dx)]
        refined[rows + (np.full(len(x), axis),)] += 0.25 * np.sign(slope)
    return refined


def heatmap_to_image(
    points: np.ndarray, center: np.ndarray, scale: np.ndarray, heatmap_size: tuple[int, int]
) -> np.ndarray:
    """Maps heatmap positions of unrotated crops to the picture.

    Args:
        points: (B, J, 2) heatmap px. center: (B, 2) px. scale: (B, 2), over 200 px.
        heatmap_size: width and height.
    Returns: (B, J, 2) float32 px of the picture.
    """
    zoom = PIXEL_STD * np.asarray(scale, np.float64)[:, None, :1] / heatmap_size[0]
    offset = points - 0.5 * np.asarray(heatmap_size, np.float64)
    return (offset * zoom + np.asarray(center)[:, None]).astype(np.float32)


def decode_heatmaps(
    heatmaps: np.ndarray, center: np.ndarray, scale: np.ndarray, is_refined: bool = True
) -> np.ndarray:
    """Reads keypoints out of heatmaps.

    Args:
        heatmaps: (B, J, H, W) float32. center: (B, 2) px. scale: (B, 2), over 200 px.
        is_refined: with the quarter-pixel offset.
    Returns: (B, J, 3) float32, x and y in px of the picture, height of the peak.
    """
    peaks, values = find_peaks(heatmaps)
    if is_refined:
        peaks = refine_peaks(heatmaps, peaks)
    height, width = heatmaps.shape[2:]
    points = heatmap_to_image(peaks, center, scale, (width, height))
    return np.concatenate([points, values[:, :, None]], axis=2)


def heatmap_accuracy(output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float | None]:
    """Measures how many peaks lie near the target's, the console figure of training.

    Joints count where the target's peak is beyond column and row 1. Distances are in tenths of the
    map with x over its height and y over its width, as in the authors' code.

    Args: output, target: (B, J, H, W).
    Returns:
        per_joint: (J,) shares, NaN where no sample counts. average: over the other joints, None if
            there are none.
    """
    height, width = target.shape[2:]
    found, wanted = find_peaks(output)[0], find_peaks(target)[0]
    distance = np.linalg.norm((found - wanted) / (np.array([height, width]) / 10), axis=2)
    is_counted = (wanted > 1).all(axis=2)
    count = is_counted.sum(axis=0)
    is_near = (distance < ACCURACY_THRESHOLD) & is_counted
    per_joint = np.where(count > 0, is_near.sum(axis=0) / np.maximum(count, 1), np.nan)
    return per_joint, float(per_joint[count > 0].mean()) if count.any() else None
