"""The power fails at any system call: what was acknowledged before is in the lake afterwards, and there once.

    python tests/faults/power_battery.py SYNCHRONOUS [POINTS]        (FULL, or OFF as the control)

A process spools, seals and forwards under strace, which notes each call with its data. The calls are then carried out
on a model of a disk with a volatile cache: data are durable after fsync or fdatasync of their file, a name (made,
renamed, removed) after fsync of its folder. At each of so many points the durable state is laid out as files, the
spool is forwarded as after a restart, and the ids are compared with those acknowledged by then. Of what was not synced
nothing is kept, or at every second point a random part: a disk may write in any order. Prints one JSON object.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kill_battery import forward_all  # type: ignore[import-not-found]  # this script's own folder

from trimtab.store.lake import Lake
from trimtab.store.spool import Spool

WATCHED = (
    "openat,creat,write,pwrite64,lseek,ftruncate,truncate,rename,renameat,renameat2,link,linkat,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync"
)
ACKNOWLEDGED = b"kept "
CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<.*>)?(?: .*)?$", re.DOTALL)
HALF = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
REST = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
HANDLE = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def work(home: Path, synchronous: str) -> None:
    """Put records and say which are kept; forward now and then."""
    for turn in range(6):
        spool = Spool(home / "spool", "w0", synchronous=synchronous)
        for number in range(12):
            ids = [f"{turn}-{number}-{part}" for part in range(3)]
            spool.put([("prediction", one, b'{"filler":"' + b"x" * 300 + b'"}') for one in ids]).result()
            os.write(1, ACKNOWLEDGED + " ".join(ids).encode() + b"\n")
        spool.close()
        if turn % 2:
            forward_all(home / "spool", home / "lake")


@dataclass
class Node:
    """A file: what the cache holds, what is on the disk, and the writes between the two."""

    cached: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    loose: list[tuple[int, bytes]] = field(default_factory=list)


class Disk:
    """Files by path, in the cache and on the platter."""

    def __init__(self) -> None:
        self.cached: dict[str, Node] = {}
        self.durable: dict[str, Node] = {}
        self.offsets: dict[tuple[str, str], int] = {}
        self.acknowledged: list[str] = []

    def carry_out(self, name: str, words: str, result: int) -> None:
        """Do one call."""
        texts = [bytes.fromhex(one.replace("\\x", "")) for one in TEXT.findall(words)]
        handle = HANDLE.match(words)
        path = _plain(handle[1]) if handle else ""
        number = words.partition("<")[0]
        if name == "write" and texts and texts[0].startswith(ACKNOWLEDGED):
            self.acknowledged += texts[0].decode().split()[1:]
        elif name in {"write", "pwrite64"}:
            self._write(path, number, texts[0], int(words.rpartition(",")[2]) if name == "pwrite64" else None)
        elif name == "lseek":
            self.offsets[number, path] = result
        elif name == "ftruncate" and path in self.cached:
            self._truncate(self.cached[path], int(words.rpartition(",")[2]))
        elif name in {"fsync", "fdatasync"}:
            self._sync(path)
        else:
            self._rename(name, words, texts, result)

    def _write(self, path: str, number: str, data: bytes, offset: int | None) -> None:
        node = self.cached.get(path)
        if node is None:
            return
        at = self.offsets.get((number, path), 0) if offset is None else offset
        node.cached.extend(bytes(max(0, at - len(node.cached))))
        node.cached[at : at + len(data)] = data
        node.loose.append((at, data))
        if offset is None:
            self.offsets[number, path] = at + len(data)

    def _truncate(self, node: Node, size: int) -> None:
        del node.cached[size:]
        node.cached.extend(bytes(size - len(node.cached)))
        node.loose.append((size, b""))

    def _sync(self, path: str) -> None:
        node = self.cached.get(path)
        if node is not None:
            node.durable, node.loose = bytes(node.cached), []
            return
        inside = f"{path}/"
        for known in [one for one in self.durable if one.startswith(inside) and "/" not in one[len(inside) :]]:
            del self.durable[known]
        for known, one in self.cached.items():
            if known.startswith(inside) and "/" not in known[len(inside) :]:
                self.durable[known] = one

    def _rename(self, name: str, words: str, texts: list[bytes], result: int) -> None:
        paths = [one.decode() for one in texts]
        if name in {"openat", "creat"} and "O_CREAT" in words + "O_CREAT" * (name == "creat"):
            self.cached.setdefault(paths[0], Node())
            if "O_TRUNC" in words:
                self._truncate(self.cached[paths[0]], 0)
        if name in {"openat", "creat"}:
            start = len(self.cached[paths[0]].cached) if "O_APPEND" in words and paths[0] in self.cached else 0
            self.offsets[str(result), paths[0]] = start
        elif name.startswith("rename") and paths[0] in self.cached:
            self.cached[paths[1]] = self.cached.pop(paths[0])
        elif name.startswith("link") and paths[0] in self.cached:
            self.cached[paths[1]] = self.cached[paths[0]]
        elif name.startswith("unlink"):
            self.cached.pop(paths[0], None)

    def lay_out(self, old: Path, new: Path, chance: random.Random | None) -> None:
        """Write the durable files under another folder; with `chance` some of what was not synced, too."""
        for path, node in self.durable.items():
            if not path.startswith(f"{old}/"):
                continue
            content = bytearray(node.durable)
            for at, data in node.loose if chance else ():
                if chance and data and chance.random() < 0.5:
                    content.extend(bytes(max(0, at - len(content))))
                    content[at : at + len(data)] = data
            target = new / Path(path).relative_to(old)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def record(home: Path, synchronous: str) -> list[tuple[str, str, int]]:
    """Return the successful calls of a process that works in `home`, in the order in which they ended."""
    log = home.with_name("trace")
    strace = ["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={WATCHED}"]
    subprocess.run(
        [*strace, sys.executable, __file__, "child", str(home), synchronous], check=True, capture_output=True
    )
    calls = (CALL.match(line) for line in whole_lines(log))
    return [(call[2], call[3], int(call[4])) for call in calls if call and int(call[4]) >= 0]


def whole_lines(log: Path) -> Iterator[str]:
    """Yield each call as one line, also where another thread's came between its beginning and its end."""
    begun: dict[str, str] = {}
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if half := HALF.match(line):
                begun[half[1]] = half[2]
            elif rest := REST.match(line):
                yield f"{rest[1]} {begun.pop(rest[1], '')}{rest[2]}"
            else:
                yield line.rstrip("\n")


def _plain(path: str) -> str:
    """Return a path that strace may have written in hexadecimal."""
    return bytes.fromhex(path.replace("\\x", "")).decode() if "\\x" in path else path


def after_the_cut(disk: Disk, home: Path, chance: random.Random | None) -> tuple[int, int]:
    """Return how many acknowledged records are lost, and how many came twice, when all is forwarded again."""
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder)
        disk.lay_out(home, new, chance)
        forward_all(new / "spool", new / "lake")
        kept = Lake(new / "lake").read("predictions").collect()
        ids = kept["id"].to_list() if "id" in kept.columns else []
    return len(set(disk.acknowledged) - set(ids)), len(ids) - len(set(ids))


def run(synchronous: str, points: int) -> dict[str, object]:
    home = Path(tempfile.mkdtemp()) / "home"
    home.mkdir()
    chance, lost, repeated, cuts = random.Random(7), 0, 0, 0
    try:
        calls = record(home, synchronous)
        chosen = set(chance.sample(range(len(calls)), min(points, len(calls))))
        disk = Disk()
        for number, call in enumerate(calls):
            disk.carry_out(*call)
            if number in chosen:
                gone, twice = after_the_cut(disk, home, chance if cuts % 2 else None)
                lost, repeated, cuts = lost + gone, repeated + twice, cuts + 1
    finally:
        shutil.rmtree(home.parent)
    return {
        "points": cuts,
        "calls": len(calls),
        "acknowledged": len(disk.acknowledged),
        "lost": lost,
        "repeated": repeated,
    }


def main(mode: str, *rest: str) -> None:
    if mode == "child":
        work(Path(rest[0]), rest[1])
        return
    sys.stdout.write(json.dumps(run(mode, int(rest[0]) if rest else 500)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
