"""Lire les nombres d'un producteur : décimale, milliers, marques de secret et d'absence."""

from __future__ import annotations

import re

import pandas as pd

from ctg_data.conversion import est_secret, est_vide
from ctg_data.lecture.familles.modele import Famille
from ctg_data.nombres import lire_nombre

# L'autre marque que la décimale de la famille, devant trois chiffres.
_AMBIGU = {
    ",": re.compile(r"[-−]?[1-9]\d{0,2}\.\d{3}"),
    ".": re.compile(r"[-−]?[1-9]\d{0,2},\d{3}"),
}


def lire(textes: pd.Series, famille: Famille) -> pd.DataFrame:
    """Lire des cellules : colonnes valeur (NaN si vide), statut, et faute (vide si la case se lit).

    Un secret n'est jamais zéro, une absence non plus. La décimale est celle de la famille ; l'autre
    est comprise aussi (un tableur l'a réécrite), sauf devant trois chiffres, où elle peut séparer
    des milliers : la case est alors refusée.
    """
    uniques = pd.Index(textes.unique())
    lus = [_cellule(str(t).strip(), famille) for t in uniques]
    table = pd.DataFrame(lus, index=uniques, columns=["valeur", "statut", "faute"])
    return table.reindex(textes.to_numpy()).set_axis(textes.index)


def _cellule(texte: str, famille: Famille) -> tuple[float | None, str, str]:
    if not texte:
        return None, famille.vide, ""
    if est_secret(texte):
        return None, "secret", ""
    if est_vide(texte):
        return None, "non_renseigne", ""
    if _AMBIGU[famille.decimale].fullmatch(texte):
        return None, "non_renseigne", "nombre ambigu, milliers ou décimales"
    try:
        valeur = lire_nombre(texte).valeur
    except ValueError as faute:
        return None, "non_renseigne", str(faute)
    return valeur, famille.zero if valeur == 0 else "officiel", ""
