"""Lire des octets en lignes numérotées, sans jamais perdre une cellule ni deviner en silence."""

from ctg_data.lecture.csv_declare import Tableau, lire_csv

__all__ = ["Tableau", "lire_csv"]
