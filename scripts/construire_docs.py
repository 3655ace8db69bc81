"""Écrire docs/dictionnaire.md, engendré par les schémas déclarés des tables.

Usage : PYTHONPATH=. python scripts/construire_docs.py
"""

from __future__ import annotations

from pathlib import Path

from ctg_data.schema import dictionnaire_markdown

CIBLE = Path(__file__).resolve().parent.parent / "docs" / "dictionnaire.md"


def main() -> None:
    """Récrire la page, en UTF-8 et fins de ligne Unix sur tous les systèmes."""
    CIBLE.write_text(dictionnaire_markdown(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
