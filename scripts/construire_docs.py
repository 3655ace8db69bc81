"""Écrire docs/dictionnaire.md, engendré par les schémas déclarés des tables.

Usage : python scripts/construire_docs.py
"""

from __future__ import annotations

import sys
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RACINE))

from ctg_data.schema import dictionnaire_markdown  # noqa: E402

CIBLE = RACINE / "docs" / "dictionnaire.md"


def main() -> None:
    """Récrire la page, en UTF-8 et fins de ligne Unix sur tous les systèmes."""
    CIBLE.write_text(dictionnaire_markdown(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
