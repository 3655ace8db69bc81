"""Indicateurs : une fiche déclarée et une formule pure pour chacun."""

from ctg_data.indicateurs.calcul import (
    BADGES,
    Reference,
    Resultat,
    calculer,
    ecrire,
    serie_commune,
    serie_ensemble,
)
from ctg_data.indicateurs.fiche import Fiche, catalogue
from ctg_data.indicateurs.options import Options

__all__ = [
    "BADGES",
    "Fiche",
    "Options",
    "Reference",
    "Resultat",
    "calculer",
    "catalogue",
    "ecrire",
    "serie_commune",
    "serie_ensemble",
]
