# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a column of one type serves a release that was written for another. Pure; target; PRIVATE to the collection."""

from __future__ import annotations

import re
import typing as t

ALIASES = {
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "smallserial": "smallint",
    "serial": "integer",
    "bigserial": "bigint",
    "bool": "boolean",
    "float": "double precision",
    "float4": "real",
    "float8": "double precision",
    "double": "double precision",
    "decimal": "numeric",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "datetime": "timestamp without time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "blob": "bytea",
}
FAMILIES = {
    "text": "string",
    "character varying": "string",
    "character": "string",
    "citext": "string",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "decimal",
    "real": "float",
    "double precision": "float",
    "date": "moment",
    "timestamp without time zone": "moment",
    "timestamp with time zone": "moment",
    "time without time zone": "time",
    "time with time zone": "time",
    "interval": "interval",
    "boolean": "boolean",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
    "bytea": "bytes",
    "inet": "address",
    "cidr": "address",
}
WIDTHS = {"smallint": 2, "integer": 4, "bigint": 8, "real": 4, "double precision": 8}
NUMBERS = ("integer", "decimal", "float")


class Misfit(t.NamedTuple):
    """certain: the release's statements fail. Otherwise it depends on the driver and on the values, and nothing is proven."""

    reason: str
    certain: bool


class _Type(t.NamedTuple):
    name: str
    modifiers: t.Tuple[int, ...]
    array: bool

    @property
    def family(self) -> str:
        return FAMILIES.get(self.name, "")


def normal(text: str) -> _Type:
    """A type as format_type() writes it, or as a framework does: varchar(20) is character varying(20)."""
    text = re.sub(r"\s+", " ", text.strip().lower().replace('"', ""))
    array = text.endswith("[]")
    text = text.replace("[]", "").strip()
    found = re.search(r"\(([\d, -]+)\)", text)
    modifiers = tuple(int(part) for part in found.group(1).split(",")) if found else ()
    name = re.sub(r"\s*\([^)]*\)", "", text).rpartition(".")[2].strip()
    name = ALIASES.get(name, name)
    if name == "character" and not modifiers:
        modifiers = (1,)
    if name == "numeric" and len(modifiers) == 1:
        modifiers = (modifiers[0], 0)
    return _Type(name, modifiers, array)


def misfit(wanted: str, actual: str) -> t.Optional[Misfit]:
    """Why a column of type `actual` does not serve a release that wants `wanted`; None where it does."""
    want, have = normal(wanted), normal(actual)
    if not wanted or want == have:
        return None
    if want.array != have.array:
        return Misfit(f"it works with {wanted} and the column is {actual}", True)
    if want.family != have.family or not want.family:
        return _between_families(want, have, wanted, actual)
    return _IN_FAMILY.get(want.family, _unproven)(want, have, wanted, actual)


def _between_families(want: _Type, have: _Type, wanted: str, actual: str) -> Misfit:
    if want.family in NUMBERS and have.family in NUMBERS:
        return _unproven(want, have, wanted, actual)
    # An enum takes the strings that are among its labels; a domain may take anything.
    certain = bool(want.family and have.family)
    return Misfit(f"it works with {wanted} and the column is {actual}", certain)


def _unproven(_want: _Type, _have: _Type, wanted: str, actual: str) -> Misfit:
    return Misfit(f"it works with {wanted}, and what the driver makes of {actual} is not known", False)


def _strings(want: _Type, have: _Type, wanted: str, actual: str) -> t.Optional[Misfit]:
    if want.name == "citext":
        return Misfit(f"it compares without regard to case and the column is {actual}", True)
    if have.name == "character":
        return Misfit(f"it works with {wanted} and the column is {actual}, which fills values up with blanks", True)
    if have.modifiers and (not want.modifiers or want.modifiers[0] > have.modifiers[0]):
        longest = f"up to {want.modifiers[0]} characters" if want.modifiers else "of any length"
        return Misfit(f"it writes values {longest} and the column takes {have.modifiers[0]}", True)
    return None


def _widths(want: _Type, have: _Type, wanted: str, actual: str) -> t.Optional[Misfit]:
    if WIDTHS[want.name] > WIDTHS[have.name]:
        return Misfit(f"it writes {wanted} values and the column is {actual}", True)
    return None


def _decimals(want: _Type, have: _Type, wanted: str, actual: str) -> t.Optional[Misfit]:
    if not have.modifiers:
        return None
    if not want.modifiers:
        return Misfit(f"it writes {wanted} values and the column is {actual}", True)
    whole, places = want.modifiers[0] - want.modifiers[1], want.modifiers[1]
    if whole > have.modifiers[0] - have.modifiers[1]:
        return Misfit(f"it writes up to {whole} digits before the point and the column is {actual}", True)
    if places > have.modifiers[1]:
        return Misfit(f"it writes {places} decimal places and the column rounds to {have.modifiers[1]}", False)
    return None


def _documents(want: _Type, have: _Type, wanted: str, actual: str) -> t.Optional[Misfit]:
    if want.name == "jsonb":
        return Misfit(f"it uses operators of jsonb and the column is {actual}", True)
    return None


_IN_FAMILY: t.Dict[str, t.Callable[..., t.Optional[Misfit]]] = {
    "string": _strings,
    "integer": _widths,
    "float": _widths,
    "decimal": _decimals,
    "json": _documents,
}
