"""Appliquer le secret statistique avant qu'un chiffre soit montré, exporté ou mis en cache.

Le public connaît le total et les cellules montrées, zéros compris : une cellule tue vaut donc au
moins 1, et au plus ce que laissent le total et l'effectif dont elle est une partie (le plafond).
"""

from __future__ import annotations

import pandas as pd


def a_masquer(effectifs: pd.Series, k: int, plafonds: pd.Series | None = None) -> pd.Series:
    """Désigner les cellules à taire d'une ligne additive dont le total est publié.

    `plafonds` : effectif, lui aussi publié, dont chaque cellule est une partie (absent : aucun).
    Primaire : 0 < n < k, un reste (plafond − n) de 1 à k − 1, ou un plafond tu. Secondaire : la
    plus petite cellule non nulle restante, jusqu'à ce que chaque cellule tue garde au moins k
    valeurs possibles. Si rien ne reste à ajouter, toute la ligne est tue. Rend des booléens.
    """
    limites, plafond_tu = _limites(effectifs, k, plafonds)
    reste = limites - effectifs
    masque = (effectifs > 0) & ((effectifs < k) | (reste.gt(0) & reste.lt(k)) | plafond_tu)
    touchee = bool(masque.any())
    while touchee and not _sur(effectifs, masque, limites, k, au_moins=1):
        candidates = effectifs[~masque & (effectifs > 0)]
        if candidates.empty:
            return effectifs.notna()
        masque[candidates.idxmin()] = True
    return masque


def total_a_taire(effectifs: pd.Series, k: int, plafonds: pd.Series | None = None) -> bool:
    """Dire si le total d'une ligne entièrement tue est trop petit, ou rendrait une cellule."""
    masque = a_masquer(effectifs, k, plafonds)
    if not masque.any() or not masque[effectifs.notna()].all():
        return False
    limites, _ = _limites(effectifs, k, plafonds)
    return bool(effectifs.sum() < k) or not _sur(effectifs, masque, limites, k, au_moins=0)


def _limites(
    effectifs: pd.Series, k: int, plafonds: pd.Series | None
) -> tuple[pd.Series, pd.Series]:
    """Rendre la plus haute valeur que le plafond laisse croire, et les plafonds qui sont tus."""
    if plafonds is None:
        return effectifs * 0 + float("inf"), effectifs.isna() & False
    tus = a_masquer(plafonds, k)
    return plafonds.mask(tus, plafonds[tus].sum() - tus.sum() + 1).fillna(float("inf")), tus


def _sur(
    effectifs: pd.Series, masque: pd.Series, limites: pd.Series, k: int, au_moins: int
) -> bool:
    """Vérifier que chaque cellule tue, d'une valeur au moins `au_moins`, en a k possibles."""
    somme, tues = effectifs[masque].sum(), int(masque.sum())
    haut = limites[masque].clip(upper=somme - au_moins * (tues - 1))
    bas = (somme - (haut.sum() - haut)).clip(lower=au_moins)
    return bool((haut - bas + 1 >= k).all())


def taire(mesures: pd.DataFrame, k: int) -> pd.DataFrame:
    """Effacer des mesures, année par année, les effectifs trop petits pour être montrés.

    Numérateur et effectif disparaissent de la table ; le statut devient « secret ». Le plafond,
    qui ne sert qu'ici, est ôté.
    """
    tues = mesures.drop(columns="plafond")
    if k <= 0:
        return tues
    for _, annee in mesures.groupby("annee"):
        masque = a_masquer(annee["numerateur"], k, annee["plafond"])
        cellules = annee.index[masque]
        tues.loc[cellules, ["numerateur", "effectif"]] = float("nan")
        tues.loc[cellules, "statut"] = "secret"
    return tues
