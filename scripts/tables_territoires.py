"""Lire et écrire les tables des territoires embarqués, dans l'ordre que déclarent les schémas."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent
SCHEMAS = RACINE / "ctg_data" / "schemas"
TERRITOIRES = RACINE / "ctg_data" / "territoires"
DOCUMENT = RACINE / "docs" / "calibration_demonstration.md"
NOMS = ("costieres_camargue", "gard_rhodanien")

Ligne = dict[str, str]


def schema(table: str) -> dict:
    """Rendre le schéma déclaré d'une table."""
    return json.loads((SCHEMAS / f"{table}.json").read_text(encoding="utf-8"))


def colonnes(table: str) -> list[str]:
    """Lister les colonnes d'une table, dans l'ordre déclaré."""
    return [champ["name"] for champ in schema(table)["fields"]]


def lire(chemin: Path) -> list[Ligne]:
    """Lire un CSV `;` en UTF-8 sans rien convertir : chaque valeur reste le texte du fichier."""
    with chemin.open(encoding="utf-8", newline="") as fichier:
        return list(csv.DictReader(fichier, delimiter=";"))


def ecrire(dossier: Path, table: str, lignes: Iterable[Ligne]) -> None:
    """Écrire une table en CSV (UTF-8 sans BOM, `;`, LF) ; une colonne non déclarée est une erreur.

    Les textes des tables sont écrits par ces scripts ou viennent de fichiers publics contrôlés :
    aucune neutralisation de formule n'est utile ici, à la différence des exports.
    """
    dossier.mkdir(parents=True, exist_ok=True)
    with (dossier / f"{table}.csv").open("w", encoding="utf-8", newline="") as fichier:
        ecrivain = csv.DictWriter(
            fichier, colonnes(table), restval="", delimiter=";", lineterminator="\n"
        )
        ecrivain.writeheader()
        ecrivain.writerows(lignes)


def typographier(texte: str) -> str:
    """Poser les espaces insécables du français (milliers, deux-points, guillemets, pour cent)."""
    texte = re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u202f", texte)
    texte = re.sub(r" (?=[:;!?%»])", "\u00a0", texte)
    return texte.replace("« ", "«\u00a0")
