"""Choisir les noms à écrire sur une carte pour qu'aucun n'en couvre un autre."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from geodata.carte import Carte

# Largeur moyenne d'une lettre et hauteur d'une ligne, en parts de la taille du texte.
LETTRE, LIGNE = 0.52, 1.25
# Au-delà, seuls les noms sont écrits : les valeurs se lisent au survol et dans le classement.
COMMUNES_AVEC_VALEUR = 12

# Gauche, haut, droite, bas, en pixels.
Boite = tuple[float, float, float, float]


def textes_etiquettes(carte: Carte, ecrire: Callable[[str], str]) -> dict[str, list[str]]:
    """Rendre les textes possibles de chaque commune : nom et valeur, puis nom seul.

    `ecrire` rend un texte inoffensif pour qui le dessine.
    """
    peu = len(carte.zones) <= COMMUNES_AVEC_VALEUR
    return {
        z.code: [f"{ecrire(z.nom)}<br>{ecrire(z.etiquette)}"] * peu + [ecrire(z.nom)]
        for z in carte.zones
    }


def priorite(carte: Carte) -> list[str]:
    """Nommer d'abord la commune choisie, puis les plus peuplées d'enfants."""
    codes = [z.code for z in carte.zones]
    return sorted(codes, key=lambda c: (c != carte.choisie, -carte.cercles.get(c, 0)))


def choisir(
    points: pd.DataFrame,
    textes: Mapping[str, Sequence[str]],
    ordre: Iterable[str],
    cadre: tuple[float, float, float, float],
    largeur: float,
    taille: float,
    evites: Sequence[Boite] = (),
    air: float = 1,
) -> dict[str, tuple[str, Boite]]:
    """Rendre le texte à écrire, et sa place, pour chaque commune où il en tient un.

    `points` : index code, colonnes longitude, latitude en degrés ; `textes` : du plus complet
    au plus court, lignes séparées par <br> ; `ordre` : les communes à servir d'abord ; `cadre` :
    ouest, sud, est, nord ; `largeur` de la carte et `taille` du texte en pixels ; `evites` : les
    places déjà prises ; `air` : part de place à laisser autour de chaque nom (1 : aucune). Les
    noms sont centrés sur leur point.
    """
    ouest, sud, est, nord = cadre
    par_degre = largeur / (est - ouest)
    aplatissement = math.cos(math.radians((sud + nord) / 2))
    retenus: dict[str, tuple[str, Boite]] = {}
    for code in ordre:
        if code not in points.index:
            continue
        x = float(points.at[code, "longitude"]) * par_degre
        y = float(points.at[code, "latitude"]) * par_degre / aplatissement
        for texte in textes[code]:
            boite = _boite(x, y, texte.split("<br>"), taille * air)
            prises = [*evites, *(place for _, place in retenus.values())]
            if not any(_se_touchent(boite, autre) for autre in prises):
                retenus[code] = texte, boite
                break
    return retenus


def _boite(x: float, y: float, lignes: list[str], taille: float) -> Boite:
    dx = max(len(ligne) for ligne in lignes) * LETTRE * taille / 2
    dy = len(lignes) * LIGNE * taille / 2
    return x - dx, y - dy, x + dx, y + dy


def _se_touchent(a: Boite, b: Boite) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
