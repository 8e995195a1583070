"""A page for the board: one file that needs nothing but itself, and that runs no script."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.publish.pictures import inline


def render_board_page(template: str, *sheets: str, invented: bool, **values: Any) -> str:
    """``template`` (which extends ``board_page.j2``) with the style of ``sheets`` besides that of every page."""
    environment = Environment(
        loader=PackageLoader("flows.publish"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    folder = files("flows.publish")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("style.css", "training_report.css", *sheets))
    return environment.get_template(template).render(
        invented=invented,
        style=Markup(style),  # noqa: S704  our own file, not data
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        pictured=lambda svg: Markup(inline(svg)),  # noqa: S704  our own drawing
        **values,
    )
