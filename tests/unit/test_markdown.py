"""What is escaped: nothing that needs no care is touched, and what needs it is treated in full."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cds.hooks import markdown
from cds.hooks.markdown import escaped, plain_text

SIGNS = "ab1 .-+=)(/:@wW\\`*_[]#|~&<>\n%,é"


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(SIGNS, max_size=12), st.text(max_size=12)))
@example("www.x")
@example("3. of May")
@example("1) first")
@example("see http://x")
def test_the_short_cut_for_what_needs_no_care_changes_nothing(text: str) -> None:
    whole = markdown.AUTOLINK.sub(markdown._broken, plain_text(text)).translate(markdown.SAFE)
    whole = markdown.LINE_START.sub(markdown._escaped_start, markdown.DOMAIN.sub(r"\\.", whole))
    assert escaped(text) == whole
