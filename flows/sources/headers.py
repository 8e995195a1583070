"""Names of tables and columns, brought from what arrives to what the contract calls them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from validation.errors import ContractError
from validation.tables.catalogue import TABLES


def clean_name(name: str) -> str:
    """The name in lower case, without surrounding blanks or a byte order mark."""
    return name.strip("\ufeff \t\r\n\u00a0").lower()


def name_columns(table: str, names: Sequence[str]) -> list[str]:
    """The contract's names for the columns of ``table`` as they arrived, in the same order.

    Blanks, case and byte order mark are ignored and aliases of the contract are replaced. Raises ``ContractError``
    when a column has no name or when two columns come out with the same one.
    """
    aliases = {alias: column.name for column in TABLES[table].columns for alias in column.aliases} if (table in TABLES) else {}
    cleaned = [clean_name(name) for name in names]
    if "" in cleaned:
        raise ContractError(f"A column of '{table}' has no name. Every column needs one: name it or remove it.")
    named = [aliases.get(name, name) for name in cleaned]
    known = {column.name for column in TABLES[table].columns} if table in TABLES else set()
    repeated = [name for name in named if named.count(name) > 1]
    refuse_repeats(
        [name if name in known else "(not of the contract)" for name in repeated],  # without a header it is a child's value
        f"Column '{{}}' of '{table}' arrived more than once (case and aliases do not tell columns apart). Keep one of them.",
    )
    return named


def refuse_repeats(names: Iterable[str], message: str) -> None:
    """Raise ``ContractError`` with ``message`` (the name goes into its braces) when a name occurs twice."""
    for name, times in Counter(names).items():
        if times > 1:
            raise ContractError(message.format(name))
