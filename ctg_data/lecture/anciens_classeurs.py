"""Lire les anciens classeurs .xls et les classeurs LibreOffice .ods, par python-calamine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ctg_data.lecture.archive import CLASSEUR_MAX_MO, lire_membre, ouvrir
from ctg_data.lecture.classeur import ecrire
from ctg_data.lecture.modele import CELLULES_MAX, COLONNES_MAX, Rangees
from ctg_data.lecture.signatures import Refus
from ctg_data.lecture.texte import propre
from ctg_data.textes import nombre

SONDE = Path(__file__).with_name("sonde_calamine.py")
# Un classeur abîmé peut faire tourner calamine sans fin ; un bon se lit en moins d'une seconde.
DELAI_S = 10
_ENREGISTRER = "Ouvrez-le dans Excel ou LibreOffice, puis enregistrez-le en .xlsx."


def lire_xls(octets: bytes, fichier: str) -> list[Rangees]:
    """Lire les feuilles visibles d'un .xls ; lève Refus s'il est abîmé ou protégé."""
    return _feuilles(octets, fichier, "fichier .xls abîmé ou protégé par mot de passe")


def lire_ods(octets: bytes, fichier: str) -> list[Rangees]:
    """Lire les feuilles visibles d'un .ods ; lève Refus s'il est abîmé, protégé ou trop gros."""
    with ouvrir(octets, "classeur", CLASSEUR_MAX_MO) as archive:
        contenu = lire_membre(archive, "content.xml", "fichier LibreOffice")
        manifeste = (
            lire_membre(archive, "META-INF/manifest.xml", "fichier LibreOffice")
            if "META-INF/manifest.xml" in archive.namelist()
            else b""
        )
    if b"encryption-data" in manifeste:
        raise Refus("classeur protégé par mot de passe", _ENREGISTRER)
    if b"<!DOCTYPE" in contenu or b"<!ENTITY" in contenu or b"\x00" in contenu[:4]:
        raise Refus("classeur refusé : déclaration XML interdite", _ENREGISTRER)
    return _feuilles(octets, fichier, "fichier LibreOffice abîmé")


def _feuilles(octets: bytes, fichier: str, abime: str) -> list[Rangees]:
    """Lire les feuilles dans un processus à part, arrêté s'il ne finit pas."""
    commande = [sys.executable, str(SONDE), str(CELLULES_MAX)]
    try:
        lu = subprocess.run(
            commande, input=octets, capture_output=True, timeout=DELAI_S, check=True
        )
        feuilles = json.loads(lu.stdout)
    except (subprocess.SubprocessError, OSError, ValueError):
        raise Refus(abime, _ENREGISTRER) from None
    return [_rangees(nom, lignes, fichier) for nom, lignes in feuilles]


def _rangees(titre: str, lignes: list[list[object]], fichier: str) -> Rangees:
    if max(map(len, lignes), default=0) > COLONNES_MAX:
        regle = f"plus de {nombre(COLONNES_MAX)} colonnes"
        raise Refus(regle, "Ne gardez que les communes et les colonnes utiles.")
    textes = [tuple(propre(ecrire(v)) for v in ligne) for ligne in lignes]
    pleines = [i for i, ligne in enumerate(textes) if any(c.strip() for c in ligne)]
    return Rangees(
        fichier,
        tuple(textes[i] for i in pleines),
        tuple(i + 1 for i in pleines),
        feuille=titre,
        classeur=True,
    )
