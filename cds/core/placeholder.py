"""How a text of the rule book names what is put in its place: `{{ agent }}`."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
"""One name: of a fact, or with a dot of a text, a parameter or a parameter's source."""
