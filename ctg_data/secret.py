"""Appliquer le secret statistique avant qu'un chiffre soit montré, exporté ou mis en cache."""

from __future__ import annotations

import pandas as pd


def a_masquer(effectifs: pd.Series, k: int) -> pd.Series:
    """Désigner les cellules à taire d'une ligne additive dont le total est publié.

    Primaire : 0 < n < k. Secondaire : au moins deux cellules tues et, ensemble, au moins k
    personnes, sans quoi le total les rend ; on ajoute la plus petite cellule non nulle restante.
    Si rien ne reste à ajouter, toute la ligne est tue. Rend une série de booléens.
    """
    primaire = (effectifs > 0) & (effectifs < k)
    masque = primaire.copy()
    while primaire.any() and not _sur(effectifs, masque, k):
        candidates = effectifs[~masque & (effectifs > 0)]
        if candidates.empty:
            return effectifs.notna()
        masque[candidates.idxmin()] = True
    return masque


def _sur(effectifs: pd.Series, masque: pd.Series, k: int) -> bool:
    return int(masque.sum()) >= 2 and float(effectifs[masque].sum()) >= k


def taire(mesures: pd.DataFrame, k: int) -> pd.DataFrame:
    """Effacer des mesures, année par année, les effectifs trop petits pour être montrés.

    Numérateur et effectif disparaissent de la table ; le statut devient « secret ».
    """
    if k <= 0:
        return mesures
    groupes = mesures.groupby("annee")["numerateur"]
    masque = groupes.transform(lambda effectifs: a_masquer(effectifs, k)).astype(bool)
    tues = mesures.copy()
    tues.loc[masque, ["numerateur", "effectif"]] = float("nan")
    tues.loc[masque, "statut"] = "secret"
    return tues
