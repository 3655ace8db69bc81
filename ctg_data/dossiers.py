"""Dire où vivent les données de l'utilisateur ; l'outil n'écrit nulle part ailleurs."""

from __future__ import annotations

import os
from pathlib import Path

TERRITOIRES = "territoires"


def dossier_donnees() -> Path:
    """Rendre le dossier des données de l'utilisateur (CTG_DONNEES, sinon son dossier personnel)."""
    return Path(os.environ.get("CTG_DONNEES") or Path.home() / "Boussole CTG")
