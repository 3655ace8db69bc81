"""Figures : des valeurs construites par des fonctions pures, dessinées ou exportées ailleurs."""

from ctg_data.figures.modele import (
    Barre,
    Barres,
    Colonnes,
    Empilees,
    Figure,
    Habillage,
    Nuage,
    Point,
    Segment,
    Serie,
)

__all__ = [
    "Barre",
    "Barres",
    "Colonnes",
    "Empilees",
    "Figure",
    "Habillage",
    "Nuage",
    "Point",
    "Segment",
    "Serie",
]
