"""Contrôler des fichiers sans rien écrire : « controler FICHIER… »."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ctg_data.commandes.commun import (
    FORMATS,
    REFUSE,
    REUSSI,
    ajouter_donnees,
    dire,
    donnees_de,
    en_texte,
    exiger_fichiers,
    progression,
    trouver,
)
from ctg_data.controle import ETAPES
from ctg_data.examen import examiner
from ctg_data.territoire import lire_fiche


def declarer(commandes: Any) -> None:
    """Déclarer la commande et ses options."""
    commande = commandes.add_parser(
        "controler", help="dire si des fichiers sont lisibles et justes, sans rien écrire"
    )
    commande.add_argument("fichiers", nargs="+", type=Path, metavar="FICHIER")
    commande.add_argument("--territoire", metavar="NOM", help="sans lui, toute la France")
    commande.add_argument("--etape", choices=ETAPES, default="validation")
    commande.add_argument("--format", choices=FORMATS, default="texte")
    ajouter_donnees(commande)
    commande.set_defaults(executer=executer)


def executer(choix: argparse.Namespace) -> int:
    """Contrôler chaque fichier et en dire le verdict ; rend 1 si l'un est refusé."""
    communes = None
    if choix.territoire is not None:
        dossier = trouver(choix.territoire, donnees_de(choix))
        communes = frozenset(lire_fiche(dossier)[0].communes)
    exiger_fichiers(choix.fichiers)
    refuses = 0
    for chemin in choix.fichiers:
        suivi = progression(chemin.name)
        resultat = examiner(chemin, communes, choix.etape, suivi).controle
        refuses += resultat.verdict == "refuse"
        if choix.format == "json":
            dire(json.dumps(resultat.en_json(), ensure_ascii=False))
        else:
            dire(en_texte(resultat))
    return REFUSE if refuses else REUSSI
