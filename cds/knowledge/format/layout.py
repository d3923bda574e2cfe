"""The text of a rule file as the formatter lays it out: the space between its words, and never a word or a comment.

It stands on the tokens of the YAML reader, so line breaks that an author chose within a list or a text stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cds.knowledge.format.key_order import in_order
from cds.knowledge.format.lines import LayoutLine, filled
from cds.knowledge.position import Position
from cds.knowledge.problems import Problems
from cds.knowledge.yaml_text import Items, Loader, Node, Pairs, Scalar, read

STEP = 2
BREAK = re.compile(r"\r\n|\r|\n")
NO_SPACE_BEFORE = (yaml.ValueToken, yaml.FlowEntryToken, yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
NO_SPACE_AFTER = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
OPENS = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
BLOCKS = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken)


@dataclass(frozen=True, slots=True)
class Level:
    """A mapping or a list written line by line: the column where it stood, and the one where it shall stand."""

    was: int
    now: int
    listed: bool
    borrowed: bool = False
    """A list that stood at the column of its own key; no token ends it."""


def formatted(file: str, content: bytes, problems: Problems) -> bytes | None:
    """The content of a rule file as it should be laid out; None where it can't be, and the problems tell why.

    Two spaces a level, one between words, one blank line at most, keys in their order, long lists over several lines.
    """
    before = len(problems.found)
    document = read(file, content, problems)
    if document is None or len(problems.found) > before:
        return None
    text = BREAK.sub("\n", content.decode())
    made = _laid_out(in_order(text))
    again = read(file, made.encode(), Problems())
    if _said(document) != _said(again) or sorted(_comments(text)) != sorted(_comments(made)) or _laid_out(in_order(made)) != made:
        seen, expected = "this file can't be laid out without changing what it says.", "It was left as it is."
        problems.add("RULE153", Position(file), seen, expected, "Write it more simply: plain keys, lists and texts.")
        return None
    return made.encode()


def _laid_out(text: str) -> str:
    return "".join(f"{line}\n" for line in filled(_spaced(_Layout(text).lines())))


def _said(node: Node | None) -> Any:
    """What a document says, wherever in the text it says it."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Items):
        return [_said(item) for item in node.items]
    return {key.text: _said(value) for key, value in node.pairs} if isinstance(node, Pairs) else None


def _comments(text: str) -> list[str]:
    return [line.comment for line in _Layout(text).lines() if line.comment]


def _spaced(lines: Iterable[LayoutLine]) -> Iterator[LayoutLine]:
    """The lines without blank ones at either end, and never two of these together; those within a text stay."""
    blank: LayoutLine | None = None
    begun = False
    for line in lines:
        if line.blank:
            blank = line if begun else None
            continue
        if blank is not None:
            yield blank
        blank, begun = None, True
        yield line


@dataclass
class _Layout:
    """Goes through the tokens of one text, and draws up its lines."""

    text: str
    levels: list[Level] = field(default_factory=list)
    flow: int = 0
    base: int = 0
    key: bool = False

    def lines(self) -> Iterator[LayoutLine]:
        self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        self._line: LayoutLine | None = None
        done, row = 0, -1
        before: Any = None
        chain: list[Level] = []
        for token in yaml.scan(self.text, Loader=Loader):
            start, end = self._at(token.start_mark), self._at(token.end_mark)
            self._structure(token)
            if start == end:
                continue
            gap = self.text[done:start]
            if before is None or "\n" in gap or token.start_mark.line != row:
                yield from self._ended(gap, chain, token)
                self._line = LayoutLine(self._indent(token), listed=self.flow > 0)
            else:
                assert self._line is not None
                self._line.add(" " if _apart(before, token) else "")
            yield from self._word(token, self.text[start:end])
            done, row, before = self._end(token, end), token.end_mark.line, token
            chain = list(self.levels)
        yield from self._ended(self.text[done:], chain, None)

    def _at(self, mark: Any) -> int:
        return int(self._starts[mark.line] + mark.column) if mark.line < len(self._starts) else len(self.text)

    def _structure(self, token: Any) -> None:
        """Follows the levels of mappings and lists."""
        if self.flow:
            return
        top = self.levels[-1] if self.levels else None
        inner = top.now + STEP if top else 0
        if isinstance(token, BLOCKS):
            self.levels.append(Level(token.start_mark.column, inner, isinstance(token, yaml.BlockSequenceStartToken)))
        elif isinstance(token, yaml.BlockEntryToken) and top is not None and not top.listed:
            self.levels.append(Level(token.start_mark.column, inner, listed=True, borrowed=True))
        elif isinstance(token, (yaml.KeyToken, yaml.BlockEndToken)) and top is not None and top.borrowed:
            self.levels.pop()
        if isinstance(token, yaml.BlockEndToken):
            self.levels.pop()
        if isinstance(token, yaml.KeyToken):
            self.key = True

    def _indent(self, token: Any) -> int:
        """The column at which a line begins whose first word the token is."""
        if self.flow:
            closes = isinstance(token, CLOSES) and self.flow == 1
            return self.base if closes else self.base + STEP
        if not self.levels:
            return 0
        own = self.key or isinstance(token, (yaml.BlockEntryToken, yaml.KeyToken, yaml.ValueToken))
        return self.levels[-1].now + (0 if own else STEP)

    def _word(self, token: Any, text: str) -> Iterator[LayoutLine]:
        """Adds a word to the line; the lines before its last one are ended by it."""
        assert self._line is not None
        line = self._line
        if isinstance(token, OPENS):
            if not self.flow:
                inside = self.levels[-1].now if self.levels else 0
                self.base = max(inside, line.indent) if not line.text else inside
            self.flow += 1
        elif isinstance(token, CLOSES):
            self.flow -= 1
        self.key = False
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            yield from self._block(text)
            return
        first, *more = _quoted(token, text).split("\n")
        line.add(first.rstrip() if more else first)
        after = (self.base if self.flow else self.levels[-1].now if self.levels else 0) + STEP
        for number, said in enumerate(more, start=1):
            yield self._line
            said = said.strip() if number < len(more) else said.lstrip()
            self._line = LayoutLine(after if said else 0, said, kept=not said)
        if isinstance(token, yaml.FlowEntryToken):
            self._line.may_break(self.flow, self.base + STEP)

    def _block(self, text: str) -> Iterator[LayoutLine]:
        """The lines of a text that was written with | or >, below its key."""
        assert self._line is not None
        head, *body = _without_blank_end(text).split("\n")
        head, _, comment = head.partition("#")
        self._line.add(head.rstrip())
        self._line.comment = f"#{comment}".rstrip() if comment else ""
        was = _far_in(body)
        now = (self.levels[-1].now if self.levels else 0) + STEP
        for line in body:
            yield self._line
            self._line = LayoutLine(now if line[was:] else 0, line[was:], kept=True)

    def _end(self, token: Any, end: int) -> int:
        """Where a word ends; the blank lines that a block of text takes with it belong to what follows."""
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            start = self._at(token.start_mark)
            return start + len(_without_blank_end(self.text[start:end]))
        return end

    def _ended(self, gap: str, chain: list[Level], token: Any) -> Iterator[LayoutLine]:
        """The line that a gap ends, then the comments and blank lines in the gap."""
        first, *between = gap.split("\n")
        if self._line is not None:
            if first.strip():
                self._line.comment = first.strip()
            yield self._line
        elif first.strip():
            between.insert(0, first)
        last = between.pop() if between and token is not None else ""
        for line in between if not last.strip() else [*between, last]:
            said = line.strip()
            yield LayoutLine(self._level(line, chain, token) if said else 0, comment=said)

    def _level(self, line: str, chain: list[Level], token: Any) -> int:
        """Where a comment shall stand: with what it stood with, of what is above and below it."""
        if self.flow:
            return self.base + STEP
        column = len(line) - len(line.lstrip())
        places = [(level.was, level.now) for level in chain]
        if token is not None:
            places.append((token.start_mark.column, self._indent(token)))
        fitting = [place for place in places if place[0] <= column] or [min(places, default=(0, 0))]
        return max(reversed(fitting), key=lambda place: place[0])[1]


def _without_blank_end(text: str) -> str:
    """A text written with | or > without the blank lines at its end; spaces that go further in than its words are words."""
    head, *body = text.split("\n")
    far = _far_in(body)
    while body and len(body[-1]) <= far and not body[-1].strip(" "):
        body.pop()
    return "\n".join([head, *body])


def _far_in(body: Iterable[str]) -> int:
    """How far in the words of a text begin."""
    return min((len(line) - len(line.lstrip(" ")) for line in body if line.strip()), default=0)


def _apart(before: Any, token: Any) -> bool:
    """Whether a space stands between two words of a line."""
    return not isinstance(token, NO_SPACE_BEFORE) and not isinstance(before, NO_SPACE_AFTER)


def _quoted(token: Any, text: str) -> str:
    """The word, in double quotes where it was in single ones and nothing in it would have to be marked."""
    if isinstance(token, yaml.ScalarToken) and token.style == "'" and not re.search(r'["\\]', text):
        return '"' + text[1:-1].replace("''", "'") + '"'
    return text
