"""Reconnaître les fichiers publics à leur en-tête et en tirer les tables d'un territoire."""

from ctg_data.lecture.familles.extraction import extraire_tableau
from ctg_data.lecture.familles.fiches import catalogue
from ctg_data.lecture.familles.modele import (
    Annulation,
    Extraction,
    Famille,
    Reconnaissance,
    Refus,
)
from ctg_data.lecture.familles.national import extraire_fichier
from ctg_data.lecture.familles.reconnaissance import reconnaitre

__all__ = [
    "Annulation",
    "Extraction",
    "Famille",
    "Reconnaissance",
    "Refus",
    "catalogue",
    "extraire_fichier",
    "extraire_tableau",
    "reconnaitre",
]
