"""Lister et créer des territoires : « territoires », « creer NOM --communes CODE… »."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctg_data import referentiel
from ctg_data.anomalies import Anomalie
from ctg_data.commandes.commun import (
    FORMATS,
    REUSSI,
    MauvaisUsage,
    ajouter_donnees,
    dire,
    dire_anomalies,
    donnees_de,
    territoires_de,
)
from ctg_data.creation import composer, creer, fichiers_a_charger, reconnaitre_communes
from ctg_data.depot import est_embarque, terminer
from ctg_data.dossiers import TERRITOIRES
from ctg_data.ecriture import ErreurEcriture
from ctg_data.territoire import charger
from ctg_data.textes import INSECABLE, compte, enumeration


def declarer(commandes: Any) -> None:
    """Déclarer les deux commandes et leurs options."""
    liste = commandes.add_parser("territoires", help="lister les territoires et leurs tables")
    liste.add_argument("--format", choices=FORMATS, default="texte")
    ajouter_donnees(liste)
    liste.set_defaults(executer=executer_territoires)
    neuf = commandes.add_parser("creer", help="créer un territoire à partir de ses communes")
    neuf.add_argument("nom", metavar="NOM")
    choix = neuf.add_mutually_exclusive_group(required=True)
    choix.add_argument("--communes", nargs="+", metavar="CODE", help="codes Insee des communes")
    choix.add_argument("--epci", metavar="CODE", help="code Siren d'un EPCI : toutes ses communes")
    ajouter_donnees(neuf)
    neuf.set_defaults(executer=executer_creer)


def executer_territoires(choix: argparse.Namespace) -> int:
    """Lister les territoires livrés et ceux de l'utilisateur."""
    donnees = donnees_de(choix)
    for dossier in territoires_de(donnees).values():
        terminer(dossier)
        etat = decrire(dossier)
        dire(json.dumps(etat, ensure_ascii=False) if choix.format == "json" else _en_texte(etat))
    return REUSSI


def decrire(dossier: Path) -> dict[str, Any]:
    """Décrire un territoire : nom, communes, dossier, origine, lignes par table, fautes."""
    donnees = charger(dossier)
    return {
        "code": dossier.name,
        "nom": donnees.territoire.nom,
        "communes": list(donnees.territoire.communes),
        "dossier": str(dossier),
        "origine": "livre" if est_embarque(dossier) else "utilisateur",
        "tables": {nom: len(table) for nom, table in donnees.tables.items()},
        "fautes": [a.message for a in donnees.anomalies if a.erreur],
    }


def _en_texte(etat: dict[str, Any]) -> str:
    origine = "livré avec l'outil" if etat["origine"] == "livre" else "à vous"
    tables = enumeration(list(etat["tables"])) or "aucune"
    lignes = [
        f"{etat['nom']} ({etat['code']}, {origine})",
        f"  {compte(len(etat['communes']), 'commune')}, dans {etat['dossier']}",
        f"  Tables{INSECABLE}: {tables}",
    ]
    return "\n".join([*lignes, *(f"  Faute{INSECABLE}: {f}" for f in etat["fautes"])])


def executer_creer(choix: argparse.Namespace) -> int:
    """Créer un territoire et dire quels fichiers y charger ensuite."""
    donnees = donnees_de(choix)
    codes, anomalies = _codes(choix)
    brouillon = composer(choix.nom, codes, list(territoires_de(donnees)))
    anomalies += [a for a in brouillon.anomalies if codes or not anomalies]
    fautes = [a for a in anomalies if a.erreur]
    if fautes:
        raise ErreurEcriture(*fautes)
    dire_anomalies(anomalies, erreur=False)
    dossier = creer(donnees / TERRITOIRES, brouillon)
    dire(f"Créé{INSECABLE}: {brouillon.nom}, {compte(len(brouillon.communes), 'commune')}.")
    dire(f"  Nom à donner aux commandes{INSECABLE}: {dossier.name}")
    dire(f"  Dossier{INSECABLE}: {dossier}")
    dire(f"À charger ensuite{INSECABLE}:")
    for jeu in fichiers_a_charger(charger(dossier)).to_dict("records"):
        dire(f"  {jeu['titre']}{INSECABLE}: {jeu['jeu_de_donnees']} ({jeu['producteur']})")
    return REUSSI


def _codes(choix: argparse.Namespace) -> tuple[list[str], list[Anomalie]]:
    """Rendre les codes des communes demandées, et ce qu'il faut en dire."""
    if choix.epci is None:
        codes, anomalies = reconnaitre_communes("\n".join(choix.communes))
        return codes, [replace(a, ligne=None) for a in anomalies]
    if choix.epci not in referentiel.epci().index:
        raise MauvaisUsage("EPCI inconnu. Donnez son code Siren, de neuf chiffres.")
    return referentiel.codes_de_l_epci(choix.epci), []
