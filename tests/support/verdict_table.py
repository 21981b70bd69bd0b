# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of all cases in docs/verdicts.md and its translation; run as a program, it writes them (control node)."""

from __future__ import annotations

import pathlib
import re

from tests.cases.verdicts import CASES, SUBJECTS
from tests.cases.verdicts.form import Case

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- cases: begin -->", "<!-- cases: end -->"
LONGEST = 150

ENGLISH = {
    "head": "| case | statements of the migration | compatibility | online |",
    "total": "{} cases.",
    "yes": "yes",
    "stalls": "no, it stalls traffic",
    "no": "no",
    "sized": "tables of {} GB",
}
CHINESE = {
    "head": "| 用例 | 迁移的语句 | 兼容性 | 可在线 |",
    "total": "共 {} 个用例。",
    "yes": "是",
    "stalls": "否，会阻塞流量",
    "no": "否",
    "sized": "表大小 {} GB",
    "Columns": "列",
    "Types": "类型",
    "Unique and check constraints": "唯一约束和检查约束",
    "Foreign keys": "外键",
    "Tables": "表",
    "Indexes": "索引",
    "Locks": "锁",
    "Views, triggers, enums": "视图、触发器、枚举",
    "What proves nothing": "什么也证明不了的情况",
}
DOCUMENTS = {ROOT / "docs" / "verdicts.md": ENGLISH, ROOT / "docs" / "zh-CN" / "verdicts.md": CHINESE}


def render(words: dict[str, str]) -> str:
    """One table for each subject."""
    parts = [words["total"].format(len(CASES)), ""]
    for subject, cases in SUBJECTS.items():
        parts += [f"### {words.get(subject, subject)}", "", words["head"], "|---|---|---|---|"]
        parts += [_row(case, words) for case in cases] + [""]
    return "\n".join(parts)


def _row(case: Case, words: dict[str, str]) -> str:
    return f"| `{case.name}` | {_sql(case, words)} | `{case.expected}` | {_online(case, words)} |"


def _online(case: Case, words: dict[str, str]) -> str:
    if case.expected in ("blocking", "inconclusive"):
        return words["no"]
    return words["stalls"] if case.stalls else words["yes"]


def _sql(case: Case, words: dict[str, str]) -> str:
    """Statements of a transaction are parted by semicolons, transactions by a bar in the text."""
    transactions = ["; ".join(part) if isinstance(part, list) else part for part in case.migration]
    text = re.sub(r"\s+", " ", " / ".join(transactions)).replace("|", "\\|")
    text = text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …"
    largest = max(case.sizes.values(), default=0) // 1024**3
    return f"`{text}`" + (f" ({words['sized'].format(largest)})" if largest else "")


def with_tables(text: str, words: dict[str, str]) -> str:
    """A document with its tables as they should be."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{render(words)}\n{END}{after}"


def main() -> None:
    """Write the tables into both documents."""
    for path, words in DOCUMENTS.items():
        path.write_text(with_tables(path.read_text(encoding="utf-8"), words), encoding="utf-8")


if __name__ == "__main__":
    main()
