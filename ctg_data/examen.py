"""Examiner un fichier du disque : en entier s'il est petit, en le filtrant s'il est national."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ctg_data.anomalies import Anomalie
from ctg_data.controle import Controle, Etape, controler
from ctg_data.lecture import familles
from ctg_data.lecture.lire import TAILLE_MAX_MO
from ctg_data.textes import INSECABLE

# Au-delà, un tableau ne se lit plus d'un bloc sans peser : on le filtre pendant la lecture.
NATIONAL_MO = 20
MO = 1_000_000


@dataclass(frozen=True)
class Examen:
    """Porter le contrôle d'un fichier et les octets à garder avec son dépôt.

    `original` : le fichier entier, ou l'extrait d'un fichier national (en CSV, si `extrait`).
    """

    controle: Controle
    original: bytes = b""
    extrait: bool = False


def examiner(
    chemin: Path,
    communes: Collection[str] | None = None,
    etape: Etape = "validation",
    progression: Callable[[float], bool] = lambda part: True,
) -> Examen:
    """Contrôler un fichier du disque ; ne lève rien sur un fichier illisible ou fautif.

    `communes` : codes du territoire ; avec eux, un fichier national est filtré pendant la lecture.
    `progression` : reçoit la part lue, de 0 à 1 ; si elle rend False, lève Annulation.
    """
    try:
        taille = chemin.stat().st_size
        if taille > NATIONAL_MO * MO and communes is not None and etape == "validation":
            return _national(chemin, taille, communes, progression)
        return _entier(chemin, taille, communes, etape)
    except (OSError, ValueError):
        conseil = "Vérifiez que le fichier n'est pas ouvert ailleurs et qu'il est lisible."
        return Examen(_refuser(Anomalie(chemin.name, "lecture impossible", conseil)))


def _entier(chemin: Path, taille: int, communes: Collection[str] | None, etape: Etape) -> Examen:
    if taille > TAILLE_MAX_MO * MO:
        regle = f"fichier de plus de {TAILLE_MAX_MO}{INSECABLE}Mo"
        conseil = "Dites pour quel territoire : il sera filtré pendant la lecture."
        return Examen(_refuser(Anomalie(chemin.name, regle, conseil)))
    octets = chemin.read_bytes()
    return Examen(controler(octets, chemin.name, communes=communes, etape=etape), octets)


def _national(
    chemin: Path,
    taille: int,
    communes: Collection[str],
    progression: Callable[[float], bool],
) -> Examen:
    """Filtrer un fichier public reconnu ; un autre gros fichier se lit d'un bloc s'il le peut."""
    try:
        extraction = familles.extraire_fichier(chemin, communes, progression)
    except familles.Refus as refus:
        if taille > TAILLE_MAX_MO * MO:
            return Examen(_refuser(refus.anomalie))
        return _entier(chemin, taille, communes, "validation")
    anomalies = extraction.anomalies
    refuse = any(a.erreur for a in anomalies)
    controle = Controle(
        chemin.name,
        "refuse" if refuse else "normalise" if anomalies else "accepte",
        extraction.famille.code,
        extraction.famille.producteur,
        extraction.millesime,
        extraction.lignes_lues,
        len(extraction.communes_trouvees),
        extraction.valeurs_secretes,
        anomalies,
        {} if refuse else extraction.tables,
    )
    return Examen(controle, extraction.extrait, extrait=True)


def _refuser(anomalie: Anomalie) -> Controle:
    return Controle(anomalie.fichier, "refuse", anomalies=(anomalie,))


def provenance(controle: Controle) -> dict[str, str]:
    """Dire d'où vient un fichier reconnu, pour l'historique des dépôts."""
    famille = familles.catalogue().get(controle.reconnu or "")
    connue = {
        "famille": controle.reconnu or "",
        "producteur": controle.producteur or "",
        "millesime": controle.millesime or "",
    }
    if famille is not None:
        connue |= {
            "titre": famille.titre,
            "jeu": famille.jeu,
            "licence": famille.licence,
            "prochaine_parution": famille.prochaine_parution,
        }
    return {cle: valeur for cle, valeur in connue.items() if valeur}
