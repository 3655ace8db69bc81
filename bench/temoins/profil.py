"""Témoin : la page « Offre et besoins » sous cProfile, pour dire où passe le temps du script."""

import cProfile
from pathlib import Path

from pages.offre_besoins import page

profil = cProfile.Profile()
try:
    profil.runcall(page)
finally:
    profil.dump_stats(Path(__file__).parents[1] / "profil.cprofile")
