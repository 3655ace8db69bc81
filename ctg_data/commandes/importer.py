"""Déposer des fichiers dans un territoire : « importer FICHIER… --territoire NOM »."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctg_data.anomalies import Anomalie
from ctg_data.commandes.commun import (
    REFUSE,
    REUSSI,
    ajouter_donnees,
    dire,
    dire_anomalies,
    donnees_de,
    en_texte,
    exiger_fichiers,
    progression,
    trouver,
)
from ctg_data.depot import Apercu, apercu, appliquer, chez_soi
from ctg_data.dossiers import TERRITOIRES
from ctg_data.examen import Examen, examiner, provenance
from ctg_data.liste_communes import propre
from ctg_data.schema import schemas
from ctg_data.territoire import lire_fiche
from ctg_data.textes import INSECABLE, compte, enumeration

AUTEUR = "ligne de commande"
ABSENTES_MAX = 5
# Un fond plus grand n'est pas celui d'un territoire et de ses voisines : on n'en garde que lui.
CONTOURS_MAX = 500


@dataclass(frozen=True)
class Preparation:
    """Porter un fichier prêt à être déposé : son examen, son aperçu et ses contours."""

    examen: Examen
    apercu: Apercu
    contours: bytes | None

    @property
    def utile(self) -> bool:
        """Dire si le dépôt changerait quelque chose."""
        return self.apercu.applicable or self.contours is not None


def declarer(commandes: Any) -> None:
    """Déclarer la commande et ses options."""
    commande = commandes.add_parser("importer", help="contrôler des fichiers, puis les déposer")
    commande.add_argument("fichiers", nargs="+", type=Path, metavar="FICHIER")
    commande.add_argument("--territoire", required=True, metavar="NOM")
    commande.add_argument("--auteur", default=AUTEUR, metavar="NOM", help="pour l'historique")
    commande.add_argument(
        "--remplacer", action="store_true", help="remplacer les tables au lieu de les compléter"
    )
    commande.add_argument(
        "--simuler", action="store_true", help="dire ce qui changerait, sans rien écrire"
    )
    ajouter_donnees(commande)
    commande.set_defaults(executer=executer)


def executer(choix: argparse.Namespace) -> int:
    """Contrôler tous les fichiers, puis les déposer ; rien n'est écrit si l'un est refusé."""
    donnees = donnees_de(choix)
    dossier = trouver(choix.territoire, donnees)
    exiger_fichiers(choix.fichiers)
    prets = [_preparer(chemin, dossier, choix.remplacer) for chemin in choix.fichiers]
    if None in prets:
        dire("Rien n'a été écrit. Corrigez les fichiers refusés, ou importez les autres sans eux.")
        return REFUSE
    if choix.simuler:
        dire(f"Simulation{INSECABLE}: rien n'a été écrit.")
        return REUSSI
    for pret in prets:
        assert pret is not None
        _deposer(pret, dossier, donnees / TERRITOIRES, choix)
    return REUSSI


def _preparer(chemin: Path, dossier: Path, remplacer: bool) -> Preparation | None:
    """Contrôler un fichier et montrer ce qu'il changerait ; None s'il est refusé."""
    communes = lire_fiche(dossier)[0].communes
    examen = examiner(chemin, frozenset(communes), progression=progression(chemin.name))
    dire(en_texte(examen.controle))
    if examen.controle.verdict == "refuse":
        return None
    manquants, contours = _contours(examen, communes)
    prevu = apercu(dossier, examen.controle.tables, remplacer)
    dire_anomalies([*manquants, *prevu.anomalies], erreur=False)
    if manquants or prevu.anomalies:
        return None
    pret = Preparation(examen, prevu, contours)
    for ligne in _phrases(pret):
        dire(f"  {ligne}")
    return pret


def _phrases(pret: Preparation) -> list[str]:
    """Dire ce qu'un dépôt changerait, table par table."""
    if not pret.apercu.tables and pret.contours is None:
        return ["Rien à déposer."]
    if not pret.utile:
        return [f"Rien ne change{INSECABLE}: ces données y sont déjà."]
    phrases = [
        f"{schemas()[nom].titre}{INSECABLE}: {changements.phrase}"
        for nom, changements in pret.apercu.tables.items()
    ]
    return phrases if pret.contours is None else [*phrases, "Contours du territoire remplacés"]


def _contours(examen: Examen, communes: Collection[str]) -> tuple[list[Anomalie], bytes | None]:
    """Rendre les contours à déposer en GeoJSON, ou les communes qui y manquent."""
    lus = examen.controle.contours
    if lus is None:
        return [], None
    absentes = sorted(set(communes) - set(lus["code"]))
    if absentes:
        regle = compte(len(absentes), "commune du territoire sans contour", "communes sans contour")
        conseil = f"Ajoutez{INSECABLE}: {enumeration(absentes, ABSENTES_MAX)}."
        return [Anomalie(examen.controle.fichier, regle, conseil)], None
    garder: Any = lus if len(lus) <= CONTOURS_MAX else lus[lus["code"].isin(list(communes))]
    return [], garder.to_json(drop_id=True).encode()


def _deposer(
    pret: Preparation, dossier: Path, territoires: Path, choix: argparse.Namespace
) -> None:
    controle = pret.examen.controle
    if not pret.utile:
        return
    cible = chez_soi(dossier, territoires)
    depot = appliquer(
        cible,
        controle.tables,
        pret.examen.original,
        propre(f"{controle.fichier}.csv" if pret.examen.extrait else controle.fichier),
        provenance(controle),
        propre(choix.auteur),
        dt.datetime.now().astimezone(),
        choix.remplacer,
        contours=pret.contours,
    )
    dire(f"{controle.fichier}{INSECABLE}: déposé dans {cible} (dépôt {depot.identifiant}).")
