"""Ranger les valeurs d'une carte en classes : bornes fixes, quantiles, ou autour de zéro."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ctg_data.figures.palette import RAMPES
from ctg_data.indicateurs import Fiche, Resultat
from ctg_data.textes import nombre

QUANTILES = (0.2, 0.4, 0.6, 0.8)
TIERS = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Classe:
    """Une classe de la légende : son libellé, sa couleur, le nombre de communes dedans."""

    libelle: str
    couleur: str
    effectif: int


@dataclass(frozen=True)
class Classes:
    """Les classes d'une carte et la couleur de chaque commune (aucune si la valeur manque).

    `bornes` : bornes intérieures croissantes ; `zero_a_part` : la première classe est zéro seul.
    """

    classes: tuple[Classe, ...]
    couleurs: dict[str, str]
    bornes: tuple[float, ...]
    zero_a_part: bool

    def rang(self, valeur: float) -> int:
        """Rendre le rang de la classe d'une valeur ; la borne basse appartient à la classe."""
        return int(_rangs(np.array([valeur]), self.bornes, self.zero_a_part)[0])


def classer(resultat: Resultat) -> Classes:
    """Ranger les communes d'un résultat.

    Les bornes déclarées par la fiche sont fixes d'un territoire et d'une année à l'autre ; sinon
    des quantiles. Moins de valeurs distinctes que de classes : moins de classes, jamais d'erreur.
    Zéro a sa propre classe dans la rampe de couverture.
    """
    fiche, valeurs = resultat.fiche, resultat.table["valeur"].dropna()
    zero_a_part = fiche.palette == "couverture" and bool(fiche.bornes)
    bornes = np.asarray(fiche.bornes or _bornes(fiche, valeurs), dtype=float)
    interieures = bornes[1:] if zero_a_part else bornes
    rangs = pd.Series(_rangs(valeurs, interieures, zero_a_part), index=valeurs.index)
    libelles = ["0"] * zero_a_part + _libelles(interieures, fiche)
    couleurs = _couleurs(fiche.palette, interieures, len(libelles))
    return Classes(
        tuple(
            Classe(libelle, couleur, int((rangs == rang).sum()))
            for rang, (libelle, couleur) in enumerate(zip(libelles, couleurs, strict=True))
        ),
        {str(code): couleurs[int(rang)] for code, rang in rangs.items()},
        tuple(float(b) for b in interieures),
        zero_a_part,
    )


def _rangs(valeurs: ArrayLike, bornes: ArrayLike, zero_a_part: bool) -> np.ndarray:
    rangs = np.searchsorted(np.asarray(bornes), np.asarray(valeurs), side="right")
    return np.where(np.asarray(valeurs) <= 0, 0, rangs + 1) if zero_a_part else rangs


def _bornes(fiche: Fiche, valeurs: pd.Series) -> list[float]:
    """Calculer des bornes intérieures distinctes, arrondies comme les valeurs montrées."""
    if valeurs.empty:
        return []
    if fiche.palette == "divergente":
        ecarts = _distinctes(np.quantile(valeurs.abs(), TIERS), fiche)
        return [-e for e in reversed(ecarts) if e] + [0.0] + [e for e in ecarts if e]
    bornes = _distinctes(np.quantile(valeurs, QUANTILES), fiche)
    return [b for b in bornes if valeurs.min() < b]


def _distinctes(bornes: np.ndarray, fiche: Fiche) -> list[float]:
    return sorted({float(b) for b in np.round(bornes, fiche.decimales)})


def _libelles(bornes: np.ndarray, fiche: Fiche) -> list[str]:
    """Écrire les classes : « moins de 20 », « 20 à moins de 40 », « 80 et plus »."""
    if not len(bornes):
        return ["toutes les communes"]
    decimales = 0 if all(float(b).is_integer() for b in bornes) else fiche.decimales
    textes = [nombre(b, decimales) for b in bornes]
    milieu = [f"{bas} à moins de {haut}" for bas, haut in pairwise(textes)]
    return [f"moins de {textes[0]}", *milieu, f"{textes[-1]} et plus"]


def _couleurs(palette: str, bornes: np.ndarray, nombre_classes: int) -> list[str]:
    rampe = RAMPES[palette]
    if palette == "divergente":
        negatives = int((bornes <= 0).sum())
        positives = nombre_classes - negatives
        moitie = len(rampe) // 2
        # De la plus forte baisse vers zéro, puis de zéro vers la plus forte hausse.
        gauche = rampe[moitie - negatives : moitie] if negatives else ()
        return [*gauche, *rampe[moitie : moitie + positives]]
    rangs = np.linspace(0, len(rampe) - 1, nombre_classes).round().astype(int)
    return [rampe[i] for i in rangs] if nombre_classes > 1 else [rampe[len(rampe) // 2]]
