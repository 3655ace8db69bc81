"""Écrire sur le disque sans jamais laisser un fichier à moitié écrit.

Une coupure ou un disque plein ne doit rien perdre : on écrit à côté, on attend que le disque ait
tout reçu, puis on bascule d'un seul geste.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from numbers import Real
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from ctg_data.anomalies import Anomalie
from ctg_data.exports.tableur import csv_octets, neutraliser
from ctg_data.textes import absente

VERROU = ".verrou"
ATTENTE_S = 10.0
# Partage refusé, fichier verrouillé : sous Windows, un tableur garde pour lui ce qu'il ouvre.
_OUVERT_AILLEURS = {32, 33}
_PLEIN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_INTERDIT = {errno.EACCES, errno.EPERM, errno.EROFS}


class ErreurEcriture(Exception):
    """Dire en français pourquoi rien n'a été écrit ; `anomalies` porte toutes les raisons."""

    def __init__(self, *anomalies: Anomalie) -> None:
        self.anomalies = anomalies
        super().__init__("\n".join(a.message for a in anomalies))


def expliquer(faute: OSError, objet: str) -> ErreurEcriture:
    """Traduire un refus du système : disque plein, lecture seule, fichier ouvert ailleurs."""
    if getattr(faute, "winerror", None) in _OUVERT_AILLEURS:
        regle = "le fichier est ouvert dans un autre programme"
        conseil = "Fermez-le (tableur, visionneuse), puis recommencez. Rien n'a été changé."
    elif faute.errno in _PLEIN:
        regle = "le disque est plein"
        conseil = "Libérez de la place, puis recommencez. Rien n'a été changé."
    elif faute.errno in _INTERDIT:
        regle = "écriture interdite dans ce dossier"
        conseil = (
            "Vérifiez qu'aucun fichier n'y est ouvert ailleurs, ou choisissez un dossier où vous "
            "pouvez écrire, par la variable CTG_DONNEES. Rien n'a été changé."
        )
    elif faute.errno == errno.ENAMETOOLONG:
        regle, conseil = "nom trop long", "Choisissez un nom plus court."
    else:
        regle = f"le système refuse (erreur {faute.errno})"
        conseil = "Vérifiez que le dossier existe et que son disque est branché."
    return ErreurEcriture(Anomalie(objet, regle, conseil))


@contextlib.contextmanager
def verrou(donnees: Path) -> Iterator[None]:
    """Écrire seul dans le dossier des données de l'utilisateur ; attendre l'autre écriture.

    Un seul verrou pour tout le dossier : une écriture dure moins d'une seconde, et une sauvegarde
    doit les voir toutes finies. Lève ErreurEcriture si l'attente dure, ou si le système refuse.
    """
    try:
        donnees.mkdir(parents=True, exist_ok=True)
        with FileLock(donnees / VERROU, timeout=ATTENTE_S):
            yield
    except Timeout:
        regle = "une autre écriture est en cours"
        conseil = "Attendez qu'elle finisse, puis recommencez. Rien n'a été changé."
        raise ErreurEcriture(Anomalie(donnees.name, regle, conseil)) from None
    except OSError as faute:
        raise expliquer(faute, donnees.name) from faute


def ecrire(chemin: Path, octets: bytes) -> None:
    """Écrire un fichier neuf et attendre que le disque l'ait reçu."""
    with chemin.open("xb") as fichier:
        fichier.write(octets)
        fichier.flush()
        os.fsync(fichier.fileno())


def basculer(source: Path, cible: Path) -> None:
    """Remplacer un fichier par un autre du même disque, d'un seul geste."""
    source.replace(cible)
    synchroniser(cible.parent)


def synchroniser(dossier: Path) -> None:
    """Attendre que le disque ait reçu les noms d'un dossier (sans objet sous Windows)."""
    if sys.platform == "win32":
        return
    descripteur = os.open(dossier, os.O_RDONLY)
    try:
        os.fsync(descripteur)
    finally:
        os.close(descripteur)


def csv_de_table(table: pd.DataFrame) -> bytes:
    """Écrire une table typée en CSV que notre lecteur relit à l'identique.

    Mêmes règles que les exports (UTF-8 avec BOM, point-virgule, virgule décimale, formules
    neutralisées) ; un très petit nombre s'écrit en entier, sans exposant, et les caractères de
    contrôle d'un texte deviennent des espaces.
    """
    return csv_octets(table.map(_ecrivable))


def _ecrivable(valeur: object) -> object:
    if isinstance(valeur, str):
        # Avant de neutraliser : une tabulation de tête y laisserait une apostrophe sans retour.
        return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in valeur)
    if isinstance(valeur, Real) and not absente(valeur) and "e" in repr(float(valeur)):
        return format(Decimal(repr(float(valeur))), "f").replace(".", ",")
    return valeur


def denuder(texte: str) -> str:
    """Ôter l'apostrophe que `neutraliser` a mise devant un texte, et elle seule."""
    nu = texte[1:]
    return nu if texte.startswith("'") and neutraliser(nu) == texte else texte
