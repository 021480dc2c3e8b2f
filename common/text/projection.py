"""Many-dimensional points on a plane: principal components, and planes that stay comparable from layer to layer.

Pure functions on arrays; knows nothing about models. A plane keeps two of hundreds of directions: points that are close
on it need not be close in truth, which is why each comes with the share of the spread that it shows.

Source: Pearson 1901, *On lines and planes of closest fit to systems of points in space*; Schönemann 1966, *A
generalized solution of the orthogonal Procrustes problem*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def plane(points: Floats) -> tuple[NDArray[np.float64], float]:
    """The two directions in which points differ most: coordinates (N, 2), and the share of the spread they show.

    Args:
        points: (N, d).
    """
    centred = np.asarray(points, np.float64) - np.mean(points, axis=0, dtype=np.float64)
    # Left singular vectors and values from the Gram matrix (N, N): N is a text's length, small beside d or like it.
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values = np.maximum(values[::-1], 0.0)
    flat = np.zeros((len(points), 2))
    kept = min(2, len(points))
    flat[:, :kept] = vectors[:, ::-1][:, :kept] * np.sqrt(values[:kept])
    total = float(np.square(centred).sum())
    return flat, min(float(values[:kept].sum()) / total, 1.0) if total > 0 else 1.0


def turned_to(flat: Floats, before: Floats) -> NDArray[np.float64]:
    """The same picture, turned or mirrored so that its points lie as near as possible to where they were: (N, 2)."""
    left, _, right = np.linalg.svd(np.asarray(flat, np.float64).T @ before)
    return np.asarray(flat @ (left @ right))


def planes(states: Floats) -> tuple[NDArray[np.float64], list[float]]:
    """A plane for every layer: coordinates (layers, T, 2), and the share of the spread shown in each.

    Directions are compared, not lengths: every state is scaled to length 1 first. The first token of a text is often a
    hundred times as long as the others, and would push them all into one spot. Every layer's picture is turned to the
    one before it, so that what moves from layer to layer is a change of the states and not of the point of view.

    Args:
        states: (layers, T, d).
    """
    pictures: list[NDArray[np.float64]] = []
    shares: list[float] = []
    for layer in states:
        lengths = np.linalg.norm(layer, axis=-1, keepdims=True)
        flat, share = plane(layer / np.where(lengths > 0, lengths, 1.0))
        pictures.append(turned_to(flat, pictures[-1]) if pictures else flat)
        shares.append(share)
    return np.stack(pictures), shares
