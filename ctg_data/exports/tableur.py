"""Écrire une table en CSV pour un tableur français, sans formule active."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pandas as pd

from ctg_data.textes import absente

# Signes qui font d'une cellule une formule, et leurs jumeaux pleine chasse.
_FORMULE = frozenset("=+-@\t\r\n＝＋－＠")
_INVISIBLES = "\u00a0\u202f\ufeff\u200b\u200c\u200d\u2060 \"'"
_NOMBRE = re.compile(r"[-+−]?\d[\d \u00a0\u202f]*([.,]\d+)?")


def csv_octets(table: pd.DataFrame) -> bytes:
    """Écrire une table en CSV : UTF-8 avec BOM, point-virgule, virgule décimale, CRLF.

    Les textes sont entre guillemets ; ceux qui seraient lus comme une formule sont précédés d'une
    apostrophe ; les nombres ne sont jamais touchés ; une valeur absente reste vide.
    """
    sortie = io.StringIO(newline="")
    plume = csv.writer(sortie, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    plume.writerow([neutraliser(str(c)) for c in table.columns])
    for ligne in table.itertuples(index=False, name=None):
        plume.writerow([_cellule(v) for v in ligne])
    return ("\ufeff" + sortie.getvalue()).encode("utf-8")


class _Decimal(float):
    """Un nombre que csv écrit avec une virgule, sans guillemets."""

    def __str__(self) -> str:
        texte = repr(float(self))
        return texte.removesuffix(".0").replace(".", ",")

    __repr__ = __str__


def _cellule(valeur: object) -> object:
    if absente(valeur):
        return ""
    if isinstance(valeur, bool):
        return "oui" if valeur else "non"
    if isinstance(valeur, int | float):
        return _Decimal(valeur)
    return neutraliser(str(valeur))


def neutraliser(texte: str) -> str:
    """Rendre un texte inerte dans un tableur ; un nombre écrit reste tel quel.

    Les caractères de contrôle deviennent des espaces : un retour chariot isolé couperait la ligne.
    """
    propre = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in texte)
    debut = propre.lstrip(_INVISIBLES)
    if (texte[:1] in _FORMULE or debut[:1] in _FORMULE) and not _NOMBRE.fullmatch(debut):
        return "'" + propre
    return propre
