"""Quantiles learned from a table: boosted trees of one depth, on binned columns.

Friedman, Annals of Statistics 29(5), 2001, algorithm for the absolute and the quantile loss: a tree
follows the sign of what is still missing, and each of its leaves moves by the quantile of that. A split
is sought among the borders of bins (histogram boosting).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..fast import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bins = npt.NDArray[np.uint8]

BINS = 48
"""Values of a column are told apart into so many bins of equal count."""
DEPTH = 5
TREES = 120
RATE = 0.1
LEAST = 60
"""No leaf stands on fewer rows."""
ROWS, COLUMNS = 0.7, 0.5
"""Each tree sees this share of the rows and of the columns."""


@dataclass(frozen=True)
class Tree:
    """`column`, `bin`: of node n on level l at index 2^l − 1 + n; right is above the bin. `leaf`: 2^DEPTH."""

    column: Ints
    bin: Ints
    leaf: Floats


@dataclass(frozen=True)
class Forest:
    """A learned quantile. `cuts`: borders of the bins, one array a column."""

    cuts: tuple[Floats, ...]
    start: float
    trees: tuple[Tree, ...]

    def at(self, table: Floats) -> Floats:
        """The quantile for each row of `table`, which has the columns that were learned from."""
        rows = _binned(table, self.cuts)
        total = np.full(len(table), self.start)
        for tree in self.trees:
            total += tree.leaf[_leaves(tree, rows)]
        return total


def grow(table: Floats, wanted: Floats, share: float, chance: np.random.Generator) -> Forest:
    """The `share` quantile (0…1) of `wanted`, n values, given the n rows of `table`. At least one row."""
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    cuts = tuple(np.unique(np.quantile(column, inner)) for column in table.T)
    rows = _binned(table, cuts)
    start = float(np.quantile(wanted, share))
    reached, trees = np.full(len(wanted), start), []
    for _ in range(TREES):
        some = np.flatnonzero(chance.random(len(wanted)) < ROWS)
        if not len(some):
            continue
        columns = chance.permutation(len(rows))[: max(1, int(COLUMNS * len(rows)))]
        tree = _grown(rows[:, some], (wanted - reached)[some], share, columns)
        reached += tree.leaf[_leaves(tree, rows)]
        trees.append(tree)
    return Forest(cuts, start, tuple(trees))


def _binned(table: Floats, cuts: tuple[Floats, ...]) -> Bins:
    """Columns × rows: the bin of each value."""
    pairs = zip(cuts, table.T, strict=True)
    return np.stack([np.searchsorted(c, x).astype(np.uint8) for c, x in pairs])


def _grown(rows: Bins, missing: Floats, share: float, columns: Ints) -> Tree:
    pull = np.where(missing > 0, share, share - 1.0)
    node = np.zeros(len(missing), np.int64)
    asked, borders = [], []
    for level in range(DEPTH):
        column, border = _best_splits(rows, pull, node, columns, 2**level)
        asked.append(column)
        borders.append(border)
        node = _below(rows, node, column, border)
    leaf = np.zeros(2**DEPTH)
    order = np.argsort(node, kind="stable")
    ends = np.searchsorted(node[order], np.arange(2**DEPTH + 1))
    for n in np.flatnonzero(np.diff(ends)):
        leaf[n] = RATE * np.quantile(missing[order[ends[n] : ends[n + 1]]], share)
    return Tree(np.concatenate(asked), np.concatenate(borders), leaf)


@compiled
def _best_splits(
    rows: Bins, pull: Floats, node: Ints, columns: Ints, nodes: int
) -> tuple[Ints, Ints]:
    """For each node, the column and the bin whose two sides pull apart the most; all left where none do."""
    best = np.full(nodes, -np.inf)
    chosen, border = np.zeros(nodes, np.int64), np.full(nodes, BINS)
    for column in columns:
        pulls, counts = np.zeros((nodes, BINS)), np.zeros((nodes, BINS))
        for row in range(len(node)):
            pulls[node[row], rows[column, row]] += pull[row]
            counts[node[row], rows[column, row]] += 1
        for n in range(nodes):
            total, count = pulls[n].sum(), counts[n].sum()
            left = held = 0.0
            for value in range(BINS):
                left += pulls[n, value]
                held += counts[n, value]
                if held < LEAST or count - held < LEAST:
                    continue
                gain = left**2 / held + (total - left) ** 2 / (count - held)
                if gain > best[n]:
                    best[n], chosen[n], border[n] = gain, column, value
    return chosen, border


def _below(rows: Bins, node: Ints, column: Ints, border: Ints) -> Ints:
    right = rows[column[node], np.arange(len(node))] > border[node]
    return 2 * node + right


def _leaves(tree: Tree, rows: Bins) -> Ints:
    node = np.zeros(rows.shape[1], np.int64)
    for level in range(DEPTH):
        first, end = 2**level - 1, 2 ** (level + 1) - 1
        node = _below(rows, node, tree.column[first:end], tree.bin[first:end])
    return node
