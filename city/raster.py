"""Which of many polygons holds a point, for millions of points: a raster that knows its straight edges.

Rule: a point on an edge belongs to every polygon it touches; of all that hold a point the one of
lowest rank wins. The caller ranks (deepest area first, then lowest code). This is ST_Covers ordered by rank.

The plane is cut into small squares. A square that no polygon's edge touches has one answer for
all its points. A square crossed by exactly one straight edge, from side to side, has two answers, and
the sign of one cross product chooses. What is left (corners, two edges in one square, a point too close
to the line for floating point) is answered by GEOS. So two or three array look-ups answer nearly all points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY = -1
_COMPLEX = np.iinfo(np.int32).min
_SQUARES_PER_POLYGON = 1_024
_SIDE_MIN, _SIDE_MAX = 256, 4_096
_CHUNK = 1 << 16  # points worked on at once: their scratch arrays stay in the processor's cache
# Squares are widened by this share of their side when edges are drawn in, so that rounding never
# puts an edge into one square and a point on it into the next.
_SLACK = 1e-6
# Nearer to a line than this (degrees; about a tenth of a micrometre) GEOS decides.
_TOO_NEAR = 1e-12


@dataclass(slots=True)
class _Frame:
    x0: float
    y0: float
    per_x: float  # squares per degree
    per_y: float
    columns: int
    rows: int


class RasterIndex:
    """Built once from polygons in order of rank; `find` gives the winning polygon's number or NOBODY."""

    def __init__(self, polygons: NDArray[Any]) -> None:
        self.polygons = polygons
        self.tree = shapely.STRtree(polygons)
        shapely.prepare(polygons)
        if len(polygons) == 0:
            return
        x0, y0, x1, y1 = shapely.total_bounds(polygons)
        side = int(np.clip(np.sqrt(_SQUARES_PER_POLYGON * len(polygons)), _SIDE_MIN, _SIDE_MAX))
        columns = rows = side
        # One empty square all around, so that neighbours always exist and outside points find NOBODY.
        wide = max((x1 - x0) / (columns - 2), 1e-9)
        high = max((y1 - y0) / (rows - 2), 1e-9)
        self.frame = _Frame(x0 - wide, y0 - high, 1 / wide, 1 / high, columns, rows)
        self._build()

    # ------------------------------------------------------------ asking

    def find(self, lons: Floats, lats: Floats) -> NDArray[np.int32]:
        """For each point the number of the winning polygon, NOBODY where none holds it."""
        found = np.full(len(lons), NOBODY, dtype=np.int32)
        if len(self.polygons) == 0:
            return found
        for start in range(0, len(lons), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._find_chunk(lons[part], lats[part], found[part])
        return found

    def _find_chunk(self, lons: Floats, lats: Floats, out: NDArray[np.int32]) -> None:
        frame = self.frame
        u = (lons - frame.x0) * frame.per_x
        v = (lats - frame.y0) * frame.per_y
        # Points outside, and NaN (whose comparisons are false), go to the empty square in the corner.
        inside = (u >= 0) & (u < frame.columns) & (v >= 0) & (v < frame.rows)
        if not inside.all():
            u = np.where(inside, u, 0.0)
            v = np.where(inside, v, 0.0)
        square = v.astype(np.int32)
        square *= frame.columns
        square += u.astype(np.int32)
        answer = self.squares.take(square)
        crossed = np.flatnonzero(answer < NOBODY)
        if len(crossed):
            answer[crossed] = self._refine(lons.take(crossed), lats.take(crossed), answer.take(crossed))
        out[:] = answer

    def _refine(self, lons: Floats, lats: Floats, marks: NDArray[np.int32]) -> NDArray[np.int32]:
        line = -2 - marks  # the mark of line n is -2 - n
        hard = marks == _COMPLEX
        line[hard] = 0
        a, b, c = self.lines.take(line, axis=0).T
        # (a, b) is a unit normal: the value is the distance to the line in degrees.
        distance = a * (lons - self.origin[0]) + b * (lats - self.origin[1]) - c
        sides = self.line_sides.take(line, axis=0)
        answer = np.where(distance > 0, sides[:, 0], sides[:, 1])
        hard |= np.abs(distance) < _TOO_NEAR
        slow = np.flatnonzero(hard)
        if len(slow):
            answer[slow] = self.ask_geos(lons[slow], lats[slow])
        return answer

    def ask_geos(self, lons: Floats, lats: Floats) -> NDArray[np.int32]:
        """The plain, exact way: every polygon that the point touches, and of these the lowest rank."""
        answer = np.full(len(lons), len(self.polygons), dtype=np.int32)
        points, polygons = self.tree.query(shapely.points(lons, lats), predicate="intersects")
        np.minimum.at(answer, points, polygons.astype(np.int32))
        answer[answer == len(self.polygons)] = NOBODY
        return answer

    # ------------------------------------------------------------ building

    def _build(self) -> None:
        frame = self.frame
        edges = _unique_edges(self.polygons)
        self.origin = (frame.x0, frame.y0)
        edge_of, square_of = _squares_crossed(edges, frame)
        total = frame.columns * frame.rows
        touching = np.bincount(square_of, minlength=total)
        squares = self._answer_untouched(touching == 0)
        squares[touching > 0] = _COMPLEX  # until a line is laid through

        single = touching[square_of] == 1
        edge_of, square_of = edge_of[single], square_of[single]
        # An edge that ends inside the square divides it only in part.
        through = ~_ends_within(edges, edge_of, square_of, frame)
        self._lay_lines(squares, edges, edge_of[through], square_of[through])
        self.squares = squares

    def _answer_untouched(self, untouched: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Neighbouring untouched squares have the same answer: one question to GEOS for each patch."""
        frame = self.frame
        patches, count = ndimage.label(untouched.reshape(frame.rows, frame.columns))
        patches = patches.ravel()
        witness = np.zeros(count + 1, dtype=np.int64)
        witness[patches[::-1]] = np.arange(len(patches) - 1, -1, -1)
        rows, columns = np.divmod(witness[1:], frame.columns)
        answers = np.full(count + 1, NOBODY, dtype=np.int32)
        answers[1:] = self.ask_geos(
            frame.x0 + (columns + 0.5) / frame.per_x, frame.y0 + (rows + 0.5) / frame.per_y
        )
        return answers[patches]

    def _lay_lines(self, squares: NDArray[np.int32], edges: Floats, edge_of: Ints, square_of: Ints) -> None:
        """Give each square with one straight edge its line and the answers on both sides.

        The answer of a side is taken from an untouched square that shares a corner lying on that side.
        """
        frame = self.frame
        px, py = edges[:, 0] - frame.x0, edges[:, 1] - frame.y0
        dx, dy = edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]
        length = np.hypot(dx, dy)
        normal_x, normal_y = -dy / length, dx / length
        offset = normal_x * px + normal_y * py

        rows, columns = np.divmod(square_of, frame.columns)
        best = np.zeros((2, len(square_of)))
        side = np.full((2, len(square_of)), _COMPLEX, dtype=np.int32)
        for up in (0, 1):
            for right in (0, 1):
                x, y = (columns + right) / frame.per_x, (rows + up) / frame.per_y
                distance = normal_x[edge_of] * x + normal_y[edge_of] * y - offset[edge_of]
                answer = self._around_corner(squares, rows, columns, up, right)
                for which, reach in ((0, distance), (1, -distance)):
                    better = (answer != _COMPLEX) & (reach > best[which]) & (reach > 1e-3 / frame.per_x)
                    best[which][better] = reach[better]
                    side[which][better] = answer[better]
        known = (side != _COMPLEX).all(axis=0)
        edge_of, square_of, side = edge_of[known], square_of[known], side[:, known]
        if not len(edge_of):
            self.lines, self.line_sides = np.zeros((1, 3)), np.full((1, 2), NOBODY, np.int32)
            return
        keys, which_line = np.unique(
            np.stack([edge_of, side[0], side[1]], axis=1), axis=0, return_inverse=True
        )
        edge = keys[:, 0]
        self.lines = np.stack([normal_x[edge], normal_y[edge], offset[edge]], axis=1)
        self.line_sides = keys[:, 1:].astype(np.int32)
        squares[square_of] = -2 - which_line.ravel()

    def _around_corner(
        self, squares: NDArray[np.int32], rows: Ints, columns: Ints, up: int, right: int
    ) -> NDArray[np.int32]:
        """The answer of any untouched square among the three others that meet in this corner."""
        frame = self.frame
        answer = np.full(len(rows), _COMPLEX, dtype=np.int32)
        for step_row, step_column in ((up * 2 - 1, right * 2 - 1), (up * 2 - 1, 0), (0, right * 2 - 1)):
            row = np.clip(rows + step_row, 0, frame.rows - 1)
            column = np.clip(columns + step_column, 0, frame.columns - 1)
            there = squares[row * frame.columns + column]
            use = (answer == _COMPLEX) & (there != _COMPLEX)
            answer[use] = there[use]
        return answer


def _unique_edges(polygons: NDArray[Any]) -> Floats:
    """All edges as rows x0 y0 x1 y1; an edge that neighbours share is one."""
    rings = shapely.get_rings(shapely.get_parts(polygons))
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    joined = ring_of[1:] == ring_of[:-1]
    a, b = xy[:-1][joined], xy[1:][joined]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a[swap], b[swap] = b[swap], a[swap].copy()
    edges = np.concatenate([a, b], axis=1)
    edges = edges[(edges[:, 0] != edges[:, 2]) | (edges[:, 1] != edges[:, 3])]
    return np.unique(edges, axis=0)


def _squares_crossed(edges: Floats, frame: _Frame) -> tuple[Ints, Ints]:
    """Pairs (edge, square) for every square that an edge touches, squares widened a little."""
    x0, x1 = (edges[:, 0] - frame.x0) * frame.per_x, (edges[:, 2] - frame.x0) * frame.per_x
    y0, y1 = (edges[:, 1] - frame.y0) * frame.per_y, (edges[:, 3] - frame.y0) * frame.per_y
    low_row = np.floor(np.minimum(y0, y1) - _SLACK).astype(np.int64)
    high_row = np.floor(np.maximum(y0, y1) + _SLACK).astype(np.int64)
    edge, row = _expand(low_row, high_row)
    # Where the edge runs while it is inside this row of squares.
    rise = y1[edge] - y0[edge]
    with np.errstate(divide="ignore", invalid="ignore"):
        t_a = (row - _SLACK - y0[edge]) / rise
        t_b = (row + 1 + _SLACK - y0[edge]) / rise
    flat = np.abs(rise) < 1e-12
    t_low = np.where(flat, 0.0, np.clip(np.minimum(t_a, t_b), 0, 1))
    t_high = np.where(flat, 1.0, np.clip(np.maximum(t_a, t_b), 0, 1))
    run = x1[edge] - x0[edge]
    x_a, x_b = x0[edge] + t_low * run, x0[edge] + t_high * run
    low_column = np.floor(np.minimum(x_a, x_b) - _SLACK).astype(np.int64)
    high_column = np.floor(np.maximum(x_a, x_b) + _SLACK).astype(np.int64)
    span, column = _expand(low_column, high_column)
    return edge[span], row[span] * frame.columns + column


def _expand(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """For each i the numbers low[i]..high[i]: arrays (i, number)."""
    count = high - low + 1
    owner = np.repeat(np.arange(len(low)), count)
    starts = np.cumsum(count) - count
    return owner, np.arange(count.sum()) - starts[owner] + low[owner]


def _ends_within(edges: Floats, edge_of: Ints, square_of: Ints, frame: _Frame) -> NDArray[np.bool_]:
    rows, columns = np.divmod(square_of, frame.columns)
    ends = np.zeros(len(edge_of), dtype=bool)
    for x, y in ((0, 1), (2, 3)):
        u = (edges[edge_of, x] - frame.x0) * frame.per_x
        v = (edges[edge_of, y] - frame.y0) * frame.per_y
        ends |= (np.abs(u - columns - 0.5) <= 0.5 + 2 * _SLACK) & (np.abs(v - rows - 0.5) <= 0.5 + 2 * _SLACK)
    return ends
