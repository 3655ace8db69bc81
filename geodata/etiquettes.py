"""Choisir les noms à écrire sur une carte pour qu'aucun n'en couvre un autre."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

# Largeur moyenne d'une lettre et hauteur d'une ligne, en parts de la taille du texte.
LETTRE, LIGNE = 0.52, 1.25


def choisir(
    points: pd.DataFrame,
    noms: Mapping[str, str],
    ordre: Iterable[str],
    cadre: tuple[float, float, float, float],
    largeur: float,
    taille: float,
) -> list[str]:
    """Rendre les codes dont le nom tient, dans l'ordre de priorité donné.

    `points` : index code, colonnes longitude, latitude en degrés ; `noms` : texte écrit, lignes
    séparées par <br> ; `cadre` : ouest, sud, est, nord ; `largeur` de la carte et `taille` du texte
    en pixels. Les noms sont centrés sur leur point.
    """
    ouest, sud, est, nord = cadre
    par_degre = largeur / (est - ouest)
    aplatissement = math.cos(math.radians((sud + nord) / 2))
    poses: list[tuple[float, float, float, float]] = []
    retenus = []
    for code in ordre:
        if code not in points.index:
            continue
        x = float(points.at[code, "longitude"]) * par_degre
        y = float(points.at[code, "latitude"]) * par_degre / aplatissement
        lignes = noms[code].split("<br>")
        dx = max(len(ligne) for ligne in lignes) * LETTRE * taille / 2
        dy = len(lignes) * LIGNE * taille / 2
        boite = (x - dx, y - dy, x + dx, y + dy)
        if not any(_se_touchent(boite, autre) for autre in poses):
            poses.append(boite)
            retenus.append(code)
    return retenus


def _se_touchent(
    a: tuple[float, float, float, float], b: tuple[float, float, float, float]
) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
