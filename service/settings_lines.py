"""Where in a TOML text each key stands, so that a mistake can be reported with its line.

`tomllib` gives values without positions, and `tomlkit` keeps the layout but no stable line numbers. So this small
scanner walks a text that `tomllib` has already accepted: it need not judge, only find. A key is a path of names and
list indices, as pydantic reports it: `("line", 2, "rings", 0, "need")`.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_SPACE: Final = " \t"
_BLANK: Final = " \t\r\n"
_BARE_END: Final = ",]}#\r\n"


def key_lines(text: str) -> dict[Path, int]:
    """Line (from 1) of every table, key and list item of a TOML text that `tomllib.loads` accepts.

    A list of tables has the line of its first header, and each of its items that of its own.
    """
    return _Scanner(text).scan()


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of a path, or of the nearest table around it: a missing key is reported where its table begins."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.items: dict[Path, int] = {}  # lists of tables: how many so far
        self.newlines = [i for i, letter in enumerate(text) if letter == "\n"]

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._assignment(table)
        return self.lines

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, bisect_right(self.newlines, at - 1) + 1)

    def _skip(self, letters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in letters:
            self.at += 1

    def _skip_blank(self) -> bool:
        """Over white space and comments; False at the end of the text."""
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text) or self.text[self.at] != "#":
                return self.at < len(self.text)
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def _header(self) -> Path:
        start = self.at
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        *parents, last = self._key()
        self._skip(_SPACE)
        self.at += 2 if is_list else 1
        path = (*self._inside(parents), last)
        if is_list:
            self._note(path, start)
            self.items[path] = self.items.get(path, 0) + 1
            path += (self.items[path] - 1,)
        self._note(path, start)
        return path

    def _inside(self, names: list[str]) -> Path:
        """The path of a header's parents; a list of tables on the way means its last item so far."""
        path: Path = ()
        for name in names:
            path += (name,)
            if path in self.items:
                path += (self.items[path] - 1,)
        return path

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACE)
            names.append(self._name())
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return names
            self.at += 1

    def _name(self) -> str:
        start = self.at
        if self.text[self.at] in "\"'":
            self._string()
            raw = self.text[start : self.at]
            return str(tomllib.loads(f"x={raw}")["x"])
        while self.text[self.at] not in " \t.=]":
            self.at += 1
        return self.text[start : self.at]

    def _assignment(self, table: Path) -> None:
        start = self.at
        path = table
        for name in self._key():
            path += (name,)
            self._note(path, start)
        self.at += 1  # the "="
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        match self.text[self.at]:
            case '"' | "'":
                self._string()
            case "[":
                self._list(path)
            case "{":
                self._inline_table(path)
            case _:
                while self.at < len(self.text) and self.text[self.at] not in _BARE_END:
                    self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        if len(fence) == 3:  # up to two quotes may stand before the closing fence
            self._skip(quote)

    def _list(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._note((*path, index), self.at)
            self._value((*path, index))
            index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._assignment(path)
        self.at += 1
