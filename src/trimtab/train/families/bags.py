"""Several LightGBM texts as one whose raw score is the mean of theirs: the trees of all, each leaf divided by how many.

The first tree of each text carries the starting score in its leaves, so the mean is exact but for rounding.
"""

import re

from trimtab.errors import VersionError

_TREES = re.compile(rb"\n(?=Tree=\d+\n)")
_END = b"\nend of trees"
_SCALED = (b"leaf_value=", b"internal_value=")


def average_trees(texts: list[bytes]) -> bytes:
    """Return the text of the averaged model. Raises VersionError where the texts do not belong together."""
    cut = [_cut(text) for text in texts]
    heads = {_without_sizes(head) for head, _, _ in cut}
    if len(heads) > 1:
        raise VersionError("Models of different shapes cannot be averaged.")
    trees = [_scale(tree, len(texts)) for _, trees, _ in cut for tree in trees]
    numbered = [b"Tree=%d" % place + tree[tree.index(b"\n") :] for place, tree in enumerate(trees)]
    sizes = b" ".join(b"%d" % (len(tree) + 1) for tree in numbered)
    head = re.sub(rb"(?m)^tree_sizes=.*$", b"tree_sizes=" + sizes, cut[0][0])
    return head + b"\n" + b"\n".join(numbered) + cut[0][2]


def _cut(text: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return what stands before the trees, the trees, and what stands after them."""
    end = text.index(_END)
    head, *trees = _TREES.split(text[:end])
    return head, trees, text[end:]


def _without_sizes(head: bytes) -> bytes:
    """Return the head without what belongs to one fit: how long its trees are."""
    return re.sub(rb"(?m)^(tree_sizes|feature_infos)=.*$", b"", head)


def _scale(tree: bytes, parts: int) -> bytes:
    return b"\n".join(_divide(line, parts) if line.startswith(_SCALED) else line for line in tree.split(b"\n"))


def _divide(line: bytes, parts: int) -> bytes:
    name, _, numbers = line.partition(b"=")
    return name + b"=" + b" ".join(repr(float(number) / parts).encode() for number in numbers.split())
