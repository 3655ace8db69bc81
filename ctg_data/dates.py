"""Lire les dates sous toutes leurs formes françaises : le jour vient toujours avant le mois."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from ctg_data.textes import cle_de_tri

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})([t ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?z?)?")
_COURTE = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})( \d{1,2}:\d{2}(:\d{2})?)?")
_LONGUE = re.compile(r"(?:[a-z]+ )?(\d{1,2})(?:er)?[ -]([a-z]+)\.?[ -](\d{4}|\d{2})")
_COMPACTE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIE = re.compile(r"\d{5}(\.\d+)?")
_MOIS = (
    *("janvier", "fevrier", "mars", "avril", "mai", "juin"),
    *("juillet", "aout", "septembre", "octobre", "novembre", "decembre"),
)
_ORIGINE_EXCEL = dt.date.fromisoformat("1899-12-30")
# Pivot des années à deux chiffres, celui de POSIX : 69 à 99 sont du siècle passé.
_PIVOT, _SIECLE = 69, 100
PAS_UNE_DATE = "ce n'est pas une date (AAAA-MM-JJ ou JJ/MM/AAAA)"


@dataclass(frozen=True)
class Date:
    """Porter une date lue et la forme qu'elle avait : iso, courte, longue, deux chiffres, série."""

    valeur: dt.date
    forme: str


def lire_date(texte: str) -> Date:
    """Lire une date écrite ; lève ValueError, avec la règle enfreinte, si elle n'existe pas."""
    ecrit = cle_de_tri(" ".join(texte.split()))
    try:
        for lire in (_iso, _courte, _longue, _compacte, _serie):
            lue = lire(ecrit)
            if lue is not None:
                return lue
    except (ValueError, OverflowError):
        raise ValueError(PAS_UNE_DATE) from None
    raise ValueError(PAS_UNE_DATE)


def a_la_forme_d_une_date(texte: str) -> bool:
    """Dire si un texte a la forme d'une date écrite en chiffres, vraie ou impossible."""
    ecrit = texte.strip().lower()
    return bool(_ISO.fullmatch(ecrit) or _COURTE.fullmatch(ecrit))


def _iso(ecrit: str) -> Date | None:
    trouve = _ISO.fullmatch(ecrit)
    if trouve is None:
        return None
    return Date(dt.date(*map(int, trouve.group(1, 2, 3))), "iso")


def _courte(ecrit: str) -> Date | None:
    trouve = _COURTE.fullmatch(ecrit)
    if trouve is None:
        return None
    jour, mois, annee = trouve.group(1, 2, 3)
    forme = "courte" if len(annee) == 4 else "deux chiffres"
    return Date(dt.date(_annee(annee), int(mois), int(jour)), forme)


def _longue(ecrit: str) -> Date | None:
    trouve = _LONGUE.fullmatch(ecrit)
    if trouve is None:
        return None
    jour, nom, annee = trouve.group(1, 2, 3)
    mois = [i for i, m in enumerate(_MOIS, 1) if len(nom) > 2 and m.startswith(nom)]
    if len(mois) != 1:
        raise ValueError(PAS_UNE_DATE)
    return Date(dt.date(_annee(annee), mois[0], int(jour)), "longue")


def _compacte(ecrit: str) -> Date | None:
    trouve = _COMPACTE.fullmatch(ecrit)
    return Date(dt.date(*map(int, trouve.groups())), "iso") if trouve else None


def _serie(ecrit: str) -> Date | None:
    """Lire un numéro de jour d'Excel (45536) : un format de date perdu."""
    if not _SERIE.fullmatch(ecrit):
        return None
    return Date(_ORIGINE_EXCEL + dt.timedelta(days=int(float(ecrit))), "série")


def _annee(ecrite: str) -> int:
    if len(ecrite) == 4:
        return int(ecrite)
    court = int(ecrite)
    return (19 if court >= _PIVOT else 20) * _SIECLE + court
