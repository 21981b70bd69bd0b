<%!
import re

OPERATIONS = (
    "add_column", "batch_alter_table", "create_foreign_key", "create_index", "create_table", "create_unique_constraint",
    "drop_column", "drop_constraint", "drop_index", "drop_table", "execute",
)

def safe(text):
    """What autogenerate has written, with the operations that may run again."""
    return re.sub(r"\bop\.(%s)\(" % "|".join(OPERATIONS), r"safe_\1(", text or "pass")

def helpers(text):
    """Those that it uses; all of them where a person is going to write it."""
    return sorted(set(re.findall(r"\bsafe_\w+", text))) or ["safe_" + name for name in OPERATIONS]
%>\
<%
up, down = safe(context.get("upgrades")), safe(context.get("downgrades"))
%>\
"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

"""
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

# migration_helpers.py lies in a folder above this file, which is on no path of its own.
for folder in Path(__file__).resolve().parents:
    if (folder / "migration_helpers.py").is_file() and str(folder) not in sys.path:
        sys.path.append(str(folder))

from migration_helpers import (  # noqa: E402
% for name in helpers(up + down):
    ${name},
% endfor
)

# revision identifiers, used by Alembic.
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${up}


def downgrade():
    ${down}
