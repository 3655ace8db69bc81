"""Lire un classeur par calamine dans un processus à part : abîmé, il peut tourner sans fin.

Lancé comme un script par `anciens_classeurs` : n'importe rien du projet, pour partir vite. Lit le
classeur sur l'entrée standard, rend ses feuilles visibles en JSON sur la sortie.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import sys
from typing import Any

import python_calamine as calamine

MEMOIRE_MAX = 1 << 30


def borner_la_memoire() -> None:
    """Borner la mémoire du processus, là où le système le permet."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMOIRE_MAX, MEMOIRE_MAX))


def ecrire_date(valeur: object) -> str:
    """Écrire une date ou une durée de tableur : AAAA-MM-JJ, avec l'heure si elle compte."""
    if isinstance(valeur, dt.datetime):
        minuit = valeur.time() == dt.time()
        return valeur.date().isoformat() if minuit else valeur.isoformat(" ", "seconds")
    return str(valeur)


def feuilles(octets: bytes, cellules_max: int) -> list[tuple[str, Any]]:
    """Rendre le nom et les lignes des feuilles visibles ; lève ValueError si l'une est géante."""
    classeur = calamine.CalamineWorkbook.from_filelike(io.BytesIO(octets))
    visible = calamine.SheetVisibleEnum.Visible
    noms = [m.name for m in classeur.sheets_metadata if m.visible == visible]
    lues = []
    for nom in noms or classeur.sheet_names:
        feuille = classeur.get_sheet_by_name(nom)
        if feuille.width * feuille.height > cellules_max:
            raise ValueError("feuille trop grande")
        lues.append((nom, feuille.to_python(skip_empty_area=False)))
    return lues


def main() -> None:
    """Lire l'entrée standard et écrire le JSON ; sort en 1 si le classeur ne se lit pas."""
    borner_la_memoire()
    try:
        lues = feuilles(sys.stdin.buffer.read(), int(sys.argv[1]))
    except Exception:  # calamine a ses propres erreurs, une par format.
        sys.exit(1)
    sys.stdout.buffer.write(json.dumps(lues, default=ecrire_date).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
