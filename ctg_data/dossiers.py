"""Dire où vivent les données de l'utilisateur ; l'outil n'écrit nulle part ailleurs."""

from __future__ import annotations

import os
from pathlib import Path

TERRITOIRES = "territoires"
# Fichiers nationaux posés là pour être lus : on les retélécharge, ils ne se sauvegardent pas.
A_CHARGER = "a_charger"


def dossier_donnees() -> Path:
    """Rendre le dossier des données de l'utilisateur (CTG_DONNEES, sinon son dossier personnel)."""
    return Path(os.environ.get("CTG_DONNEES") or Path.home() / "Boussole CTG")
