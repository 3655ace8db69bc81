"""Mesurer et écrire bench/RESULTATS.md : python -m bench [--rapide]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench import rapport, terrain
from bench.mesure import OPTIONS_CHROMIUM, Changement, Onglet
from ctg_data.territoire import EMBARQUES, lister

sys.path.append(str(terrain.RACINE / "scripts"))
from trouver_chromium import trouver

PAGES = {
    "offre_besoins": "offre_besoins?",
    "vide": "vide?",
    "naive": "naive?",
    "complete": "naive?complet=1&",
}
RESULTATS = Path(__file__).with_name("RESULTATS.md")


def main() -> int:
    """Mesurer chaque territoire, écrire le tableau ; `--rapide` : un essai sur 44 communes."""
    lecture = argparse.ArgumentParser(description=__doc__)
    lecture.add_argument("--rapide", action="store_true", help="44 communes, trois tours")
    lecture.add_argument("--tours", type=int, default=12, help="changements par page (12)")
    options = lecture.parse_args()
    tours = 3 if options.rapide else options.tours
    codes = ["gard_rhodanien"] if options.rapide else list(terrain.TERRITOIRES)
    releves, profil = mesurer(codes, tours)
    texte = rapport.rediger(releves, profil, tours)
    print(texte)
    if not options.rapide:
        RESULTATS.write_text(texte, "utf-8")
    return 0


def mesurer(codes: list[str], tours: int) -> tuple[dict[str, dict[str, list[Changement]]], str]:
    """Mesurer les pages en alternance sur chaque territoire ; profiler le script."""
    with tempfile.TemporaryDirectory() as temporaire:
        application, donnees = Path(temporaire) / "application", Path(temporaire) / "donnees"
        application.mkdir()
        terrain.copier_application(application)
        if terrain.GARD in codes:
            terrain.fabriquer_gard(donnees / "territoires" / terrain.GARD)
        dossiers = lister([EMBARQUES, donnees / "territoires"])
        terrain.preparer_naive(application, {code: dossiers[code] for code in codes})
        with terrain.serveur(application, donnees) as adresse, sync_playwright() as playwright:
            navigateur = playwright.chromium.launch(
                executable_path=trouver(), args=OPTIONS_CHROMIUM
            )
            contexte = navigateur.new_context(viewport={"width": 1366, "height": 768})
            releves = {}
            for code in codes:
                onglets = {
                    page: Onglet(contexte, f"{adresse}/{chemin}territoire={code}")
                    for page, chemin in PAGES.items()
                }
                releves[code] = _alterner(onglets, tours)
            profil = Onglet(contexte, f"{adresse}/profil?territoire=gard_rhodanien")
            profil.apprendre()
            navigateur.close()
        return releves, rapport.profil(application / "profil.cprofile")


def _alterner(onglets: dict[str, Onglet], tours: int) -> dict[str, list[Changement]]:
    """Faire un changement par page à chaque tour : une gêne passagère touche toutes."""
    for onglet in onglets.values():
        onglet.page.bring_to_front()
        onglet.apprendre()
    releves: dict[str, list[Changement]] = {page: [] for page in onglets}
    for tour in range(tours):
        indicateur = terrain.INDICATEURS[(tour + 1) % len(terrain.INDICATEURS)]
        for page, onglet in onglets.items():
            onglet.page.bring_to_front()
            releves[page].append(onglet.changer(indicateur))
    for onglet in onglets.values():
        onglet.page.close()
    return releves


if __name__ == "__main__":
    sys.exit(main())
