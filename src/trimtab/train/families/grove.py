"""A scikit-learn forest as an ONNX graph, from its arrays at once: the general converter takes seconds for it."""

from typing import Any

import numpy as np

OPSETS = {"": 22, "ai.onnx.ml": 1}
"""The sets of operators and, below, the format of files that onnxruntime reads."""
_FORMAT = 10


def write_trees(forest: Any, width: int, *, regression: bool, name: str) -> bytes:
    """Return the graph over doubles 'X': (n, 1) numbers, or (n, classes seen) probabilities."""
    from onnx import TensorProto, helper  # heavy, and only training needs it

    outputs = 1 if regression else len(forest.classes_)
    attributes = {**_nodes(forest), **_leaves(forest, regression=regression)}
    kind, out = ("Regressor", ["answers"]) if regression else ("Classifier", ["label", "answers"])
    node = helper.make_node(f"TreeEnsemble{kind}", ["X"], out, domain="ai.onnx.ml", **attributes)
    read = helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, width])
    given = helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None, outputs])
    graph = helper.make_graph([node], name, [read], [given])
    imports = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=_FORMAT, producer_name="trimtab")
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _nodes(forest: Any) -> dict[str, Any]:
    """Return where each node of each tree stands, what it asks, and where it leads."""
    trees = [one.tree_ for one in forest.estimators_]
    left, right = (np.concatenate([getattr(tree, f"children_{side}") for tree in trees]) for side in ("left", "right"))
    leaf, asked = left < 0, np.concatenate([tree.threshold for tree in trees])
    places = np.concatenate([np.arange(tree.node_count) for tree in trees])
    return {
        "nodes_treeids": np.repeat(np.arange(len(trees)), [tree.node_count for tree in trees]).tolist(),
        "nodes_nodeids": places.tolist(),
        "nodes_featureids": np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values": np.where(leaf, 0.0, _round_down(asked)).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, right).tolist(),
    }


def _leaves(forest: Any, *, regression: bool) -> dict[str, Any]:
    """Return each leaf's share in the answer; of two classes only the second's, whose rest is the first's."""
    trees = [one.tree_ for one in forest.estimators_]
    which = np.repeat(np.arange(len(trees)), [tree.node_count for tree in trees])
    places = np.concatenate([np.arange(tree.node_count) for tree in trees])
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    shares = np.concatenate([tree.value[:, 0, :] for tree in trees])[leaf] / len(trees)
    shares = shares[:, 1:] if shares.shape[1] == 2 else shares
    kind, outputs = "target" if regression else "class", shares.shape[1]
    found = {
        f"{kind}_treeids": np.repeat(which[leaf], outputs).tolist(),
        f"{kind}_nodeids": np.repeat(places[leaf], outputs).tolist(),
        f"{kind}_ids": np.tile(np.arange(outputs), int(leaf.sum())).tolist(),
        f"{kind}_weights": shares.ravel().tolist(),
    }
    labels = {"n_targets": 1} if regression else {"classlabels_int64s": list(map(int, forest.classes_))}
    return {**found, **labels, "post_transform": "NONE"}


def _round_down(numbers: np.ndarray) -> np.ndarray:
    """Return the greatest single-precision numbers that are not above these: rows in single precision turn alike."""
    rounded = numbers.astype(np.float32)
    lower: np.ndarray = np.where(rounded > numbers, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return lower
