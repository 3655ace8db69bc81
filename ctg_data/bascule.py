"""Changer plusieurs fichiers d'un territoire d'un coup : tous ou aucun, même sous une coupure.

Un lot s'écrit d'abord à côté, en entier. Le journal `depots/bascule.json` déclare ensuite
l'intention ; puis chaque fichier prend sa place. Une coupure avant le journal ne change rien ;
après lui, la bascule se termine à la prochaine ouverture.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctg_data.anomalies import Anomalie
from ctg_data.ecriture import ErreurEcriture, basculer, ecrire, expliquer, synchroniser
from ctg_data.schema import schemas

DEPOTS = "depots"
JOURNAL = "bascule.json"
PREPARATION = ".preparation-"
APPLIQUER = "appliquer"
DEFAIRE = "defaire"
AVANT = "avant"
APRES = "apres"
IDENTIFIANT = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}(_\d{1,6})?")


@dataclass(frozen=True)
class Lot:
    """Porter ce qu'il faut écrire d'un coup : octets d'après (None : fichier ôté) et d'avant.

    `annexes` : fichiers gardés avec le lot dans `depots/<identifiant>` (original, provenance).
    """

    identifiant: str
    apres: Mapping[str, bytes | None]
    avant: Mapping[str, bytes]
    annexes: Mapping[str, bytes] = field(default_factory=dict)


def contours_de(dossier: Path) -> str:
    """Nommer le fichier des contours d'un territoire : celui que cherche la carte."""
    return f"{dossier.name}.geojson"


def permis(fichier: str, dossier: Path) -> bool:
    """Dire si un nom de fichier lu sur le disque est bien un de ceux que l'outil écrit."""
    return fichier == contours_de(dossier) or fichier in {f"{nom}.csv" for nom in schemas()}


def en_json(valeurs: Mapping[str, Any]) -> bytes:
    """Écrire des valeurs en JSON lisible, UTF-8."""
    return (json.dumps(valeurs, ensure_ascii=False, indent=1) + "\n").encode()


def ecrire_lot(dossier: Path, lot: Lot) -> None:
    """Préparer à côté, déclarer l'intention, puis basculer ; défaire si le système refuse."""
    depots = dossier / DEPOTS
    preparation = depots / f"{PREPARATION}{lot.identifiant}"
    try:
        depots.mkdir(exist_ok=True)
        _preparer(preparation, lot)
        synchroniser(depots)
        _declarer(depots, lot, APPLIQUER)
    except OSError as faute:
        # Une fois déclarée, l'intention ne se retire plus : il faut aller au bout, ou défaire.
        if not (depots / JOURNAL).exists():
            shutil.rmtree(preparation, ignore_errors=True)
            raise expliquer(faute, dossier.name) from faute
    try:
        finir(dossier)
    except OSError as faute:
        _reculer(dossier, lot, faute)


def _reculer(dossier: Path, lot: Lot, faute: OSError) -> None:
    """Défaire une bascule refusée en route ; la laisser si tout était déjà en place."""
    depots = dossier / DEPOTS
    with contextlib.suppress(OSError):
        if (depots / lot.identifiant).is_dir():
            return
        _declarer(depots, lot, DEFAIRE)
        finir(dossier)
    if (depots / JOURNAL).exists():
        raise inacheve(dossier) from faute
    raise expliquer(faute, dossier.name) from faute


def inacheve(dossier: Path) -> ErreurEcriture:
    """Dire qu'une bascule reste à finir : `finir` la reprendra."""
    conseil = (
        "Fermez les fichiers de ce territoire ouverts ailleurs et vérifiez la place du disque : "
        "le dépôt sera terminé, ou défait, à la prochaine ouverture. Rien n'est perdu."
    )
    return ErreurEcriture(Anomalie(dossier.name, "un dépôt a été interrompu", conseil))


def _preparer(preparation: Path, lot: Lot) -> None:
    shutil.rmtree(preparation, ignore_errors=True)
    for sous_dossier, contenus in ((AVANT, lot.avant), (APRES, lot.apres)):
        (preparation / sous_dossier).mkdir(parents=True)
        for nom, contenu in contenus.items():
            if contenu is not None:
                ecrire(preparation / sous_dossier / nom, contenu)
        synchroniser(preparation / sous_dossier)
    for nom, octets in lot.annexes.items():
        ecrire(preparation / nom, octets)
    synchroniser(preparation)


def _declarer(depots: Path, lot: Lot, sens: str) -> None:
    """Poser le journal d'intention, d'un geste : dès lors la bascule ira à son terme."""
    source = lot.apres if sens == APPLIQUER else lot.avant
    journal = {
        "depot": lot.identifiant,
        "sens": sens,
        "poser": [nom for nom in lot.apres if source.get(nom) is not None],
        "oter": [nom for nom in lot.apres if source.get(nom) is None],
    }
    brouillon = depots / f"{PREPARATION}{lot.identifiant}" / f"{sens}.json"
    ecrire(brouillon, en_json(journal))
    basculer(brouillon, depots / JOURNAL)


def finir(dossier: Path) -> None:
    """Mener à son terme la bascule déclarée ; chaque geste peut être refait sans dommage."""
    depots = dossier / DEPOTS
    if (depots / JOURNAL).is_file():
        journal = _lire_journal(dossier)
        preparation = depots / f"{PREPARATION}{journal['depot']}"
        if preparation.is_dir():
            _poser(dossier, preparation, journal)
            _ranger(preparation, depots / journal["depot"], journal["sens"])
        (depots / JOURNAL).unlink()
        synchroniser(depots)
    for reste in depots.glob(f"{PREPARATION}*"):
        shutil.rmtree(reste)


def _lire_journal(dossier: Path) -> dict[str, Any]:
    """Lire le journal d'intention ; ce qu'il nomme est confronté à ce que l'outil écrit."""
    try:
        journal = json.loads((dossier / DEPOTS / JOURNAL).read_text("utf-8"))
        noms = [*journal["poser"], *journal["oter"]]
        sain = IDENTIFIANT.fullmatch(journal["depot"]) and journal["sens"] in (APPLIQUER, DEFAIRE)
        if sain and all(permis(nom, dossier) for nom in noms):
            return journal
    except (ValueError, TypeError, KeyError):
        pass
    conseil = f"Restaurez une sauvegarde, ou ôtez {DEPOTS}/{JOURNAL} du dossier du territoire."
    raise ErreurEcriture(Anomalie(dossier.name, "journal de dépôt abîmé", conseil))


def _poser(dossier: Path, preparation: Path, journal: Mapping[str, Any]) -> None:
    """Donner sa place à chaque fichier ; celui qui y est déjà (bascule reprise) est passé."""
    source = preparation / (APRES if journal["sens"] == APPLIQUER else AVANT)
    for nom in journal["poser"]:
        neuf, cible = source / nom, dossier / nom
        if neuf.is_file() and not (cible.is_file() and cible.read_bytes() == neuf.read_bytes()):
            neuf.replace(cible)
    for nom in journal["oter"]:
        (dossier / nom).unlink(missing_ok=True)
    synchroniser(dossier)


def _ranger(preparation: Path, definitif: Path, sens: str) -> None:
    if sens == DEFAIRE:
        shutil.rmtree(preparation)
        return
    shutil.rmtree(preparation / APRES, ignore_errors=True)
    preparation.rename(definitif)
    synchroniser(definitif.parent)
