"""Sauvegarder toutes les données, et les restaurer : « sauvegarder », « restaurer ARCHIVE »."""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from ctg_data.commandes.commun import (
    REUSSI,
    MauvaisUsage,
    ajouter_donnees,
    dire,
    donnees_de,
    exiger_fichiers,
)
from ctg_data.ecriture import basculer, expliquer
from ctg_data.sauvegarde import restaurer, sauvegarder, verifier
from ctg_data.textes import INSECABLE


def declarer(commandes: Any) -> None:
    """Déclarer les deux commandes et leurs options."""
    sauver = commandes.add_parser("sauvegarder", help="copier toutes vos données en une archive")
    sauver.add_argument("sortie", nargs="?", type=Path, metavar="SORTIE.zip")
    ajouter_donnees(sauver)
    sauver.set_defaults(executer=executer_sauvegarder)
    rendre = commandes.add_parser(
        "restaurer", help="remettre les données d'une archive ; les actuelles sont gardées à côté"
    )
    rendre.add_argument("archive", type=Path, metavar="ARCHIVE")
    ajouter_donnees(rendre)
    rendre.set_defaults(executer=executer_restaurer)


def executer_sauvegarder(choix: argparse.Namespace) -> int:
    """Écrire l'archive à côté, la vérifier, puis lui donner son nom."""
    quand = dt.datetime.now().astimezone()
    donnees = donnees_de(choix)
    sortie = choix.sortie or Path(f"boussole_ctg_{quand:%Y-%m-%d_%H%M%S}.zip")
    _exiger_place(sortie, donnees)
    try:
        with tempfile.TemporaryDirectory(dir=sortie.parent, prefix=".sauvegarde-") as atelier:
            provisoire = Path(atelier) / "archive.zip"
            with provisoire.open("xb") as fichier:
                sauvegarder(donnees, fichier, quand)
            with provisoire.open("rb") as fichier:
                bilan = verifier(fichier)
            basculer(provisoire, sortie)
    except OSError as faute:
        raise expliquer(faute, sortie.name) from faute
    dire(f"Sauvegardé dans {sortie}{INSECABLE}: {bilan.phrase}.")
    return REUSSI


def _exiger_place(sortie: Path, donnees: Path) -> None:
    """Refuser une sortie qui existe, sans dossier, ou dans les données qu'elle recopierait."""
    try:
        if sortie.exists():
            raise MauvaisUsage(f"Ce fichier existe déjà{INSECABLE}: {sortie}. Donnez un autre nom.")
        if not sortie.parent.is_dir():
            raise MauvaisUsage(f"Dossier introuvable{INSECABLE}: {sortie.parent}.")
        dedans = sortie.resolve().is_relative_to(donnees.resolve())
    except (OSError, ValueError):
        raise MauvaisUsage("Nom de fichier impossible. Donnez un nom plus simple.") from None
    if dedans:
        raise MauvaisUsage("Écrivez la sauvegarde hors du dossier des données.")


def executer_restaurer(choix: argparse.Namespace) -> int:
    """Vérifier l'archive, remettre ses données et dire où sont gardées les précédentes."""
    exiger_fichiers([choix.archive])
    donnees = donnees_de(choix)
    try:
        with choix.archive.open("rb") as archive:
            bilan = restaurer(archive, donnees, dt.datetime.now().astimezone())
    except OSError as faute:
        raise expliquer(faute, choix.archive.name) from faute
    dire(f"Restauré dans {donnees}{INSECABLE}: {bilan.phrase}.")
    if bilan.ancien is not None:
        dire(f"Les données d'avant sont gardées dans {bilan.ancien}.")
    return REUSSI
