"""Lire les fiches des familles : un fichier TOML par producteur et par source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ctg_data.lecture.familles.modele import Famille, Mesure, Niveau

DOSSIER = Path(__file__).parent / "fiches"
# Ce que toutes les fiches d'un fichier TOML ont en commun s'y écrit une fois.
COMMUN = "commun"


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Famille]:
    """Lire toutes les fiches ; une fiche incomplète lève TypeError ou KeyError dès la lecture."""
    familles: dict[str, Famille] = {}
    for chemin in sorted(DOSSIER.glob("*.toml")):
        brut = tomllib.loads(chemin.read_text("utf-8"))
        commun = brut.pop(COMMUN, {})
        for code, fiche in brut.items():
            heritee = brut[fiche["comme"]] if "comme" in fiche else {}
            familles[code] = _famille(code, {**commun, **heritee, **fiche})
    return familles


def _famille(code: str, brut: Mapping[str, Any]) -> Famille:
    champs: dict[str, Any] = {
        cle: tuple(valeur) if isinstance(valeur, list) else valeur
        for cle, valeur in brut.items()
        if cle != "comme"
    }
    champs["mesures"] = tuple(_mesure(m) for m in brut.get("mesures", ()))
    champs["roles"] = {r: tuple(m) for r, m in brut.get("roles", {}).items()}
    champs["niveaux"] = {nom: _niveau(niveau) for nom, niveau in brut.get("niveaux", {}).items()}
    return Famille(code=code, **champs)


def _niveau(brut: Mapping[str, Any]) -> Niveau:
    champs: dict[str, Any] = {
        cle: tuple(valeur) if isinstance(valeur, list) else valeur for cle, valeur in brut.items()
    }
    return Niveau(**champs)


def _mesure(brut: Mapping[str, Any]) -> Mesure:
    """Lire une mesure ; `indicateur` seul suffit pour la table longue des statistiques."""
    champs = dict(brut)
    indicateur = champs.pop("indicateur", "")
    if indicateur:
        champs |= {"table": "statistiques", "cle": {"indicateur": indicateur}}
    return Mesure(**{"cle": {}, **champs})
