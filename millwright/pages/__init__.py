"""HTML pages, rendered from the templates beside this module."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """Renders a template with some values. Every value is escaped.

    Args:
        template: its file under `templates/`.
        values: the values of the template's names.

    Raises:
        jinja2.UndefinedError: the template names a value, an attribute or a key that is missing.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("millwright.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = _words
    return environment


def _words(name: str) -> str:
    """A name of ours as words: `work_order` is "work order"."""
    return name.replace("_", " ")
