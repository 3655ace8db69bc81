"""Lire des octets en lignes numérotées, sans jamais perdre une cellule ni deviner en silence."""

from ctg_data.lecture.lire import lire, lire_csv
from ctg_data.lecture.modele import Lecture, Rangees, Tableau

__all__ = ["Lecture", "Rangees", "Tableau", "lire", "lire_csv"]
