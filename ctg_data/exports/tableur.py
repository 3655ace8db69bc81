"""Écrire une table en CSV pour un tableur français, sans formule active."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from numbers import Real

import numpy as np
import pandas as pd

from ctg_data.textes import absente

# Signes qui font d'une cellule une formule (leurs jumeaux pleine chasse s'y ramènent).
_FORMULE = frozenset("=+-@")
_COUPURES = frozenset("\t\r\n")
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
    if isinstance(valeur, bool | np.bool_):
        return "oui" if valeur else "non"
    if isinstance(valeur, Real):
        return _Decimal(float(valeur))
    return neutraliser(str(valeur))


def neutraliser(texte: str) -> str:
    """Rendre un texte inerte dans un tableur ; un nombre écrit reste tel quel.

    Les caractères de contrôle deviennent des espaces : un retour chariot isolé couperait la ligne.
    """
    propre = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in texte)
    debut = _sans_amorce(propre)
    signe = unicodedata.normalize("NFKC", debut[:1])
    if (signe in _FORMULE or texte[:1] in _COUPURES) and not _NOMBRE.fullmatch(debut):
        return "'" + propre
    return propre


def _sans_amorce(texte: str) -> str:
    """Ôter du début les blancs, invisibles et guillemets qu'un tableur peut sauter."""
    for rang, signe in enumerate(texte):
        if signe not in "\"'" and unicodedata.category(signe)[0] not in "ZC":
            return texte[rang:]
    return ""
