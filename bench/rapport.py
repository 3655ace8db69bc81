"""Écrire les mesures : médianes, rapports aux témoins, et où passe le temps."""

from __future__ import annotations

import datetime as dt
import os
import platform
import pstats
import statistics
from pathlib import Path

from bench.mesure import Changement
from bench.terrain import TERRITOIRES
from ctg_data.textes import nombre

NOMS = {
    "offre_besoins": "Offre et besoins",
    "vide": "page vide",
    "naive": "naïve, carte seule",
    "complete": "naïve, même contenu",
}
METHODE = """\
Chromium sans écran, 1366 × 768, réseau coupé ; l'application et ses témoins sur le même
serveur, réglages livrés. À chaque tour, un changement d'indicateur par page, en alternance ; le
temps part du clic sur l'option (horloge du navigateur) et s'arrête au début de l'image qui suit
celle où l'état attendu est vu : « texte » pour le titre, « tout » pour la carte, les barres, les
cercles et tous les textes. « serveur » va de l'envoi du choix à la fin du script. Les indicateurs
ont déjà été vus une fois. La page vide est un sélecteur et un titre ; les pages naïves relisent le
CSV et le GeoJSON et reconstruisent folium.Choropleth à chaque passage (sans légende, qui demande le
réseau) : l'une s'arrête là, l'autre montre aussi, comme « Offre et besoins », quatre chiffres et le
classement.
Le Gard est un territoire de l'utilisateur : valeurs d'exemple tirées au sort, graine fixe.
"""


def rediger(releves: dict[str, dict[str, list[Changement]]], profil: str, tours: int) -> str:
    """Rédiger le compte rendu en Markdown."""
    morceaux = ["# Temps de réponse à un changement d'indicateur\n", METHODE]
    morceaux.append(
        f"Le {dt.date.today():%d/%m/%Y}, {os.cpu_count()} cœurs, Python "
        f"{platform.python_version()}, {tours} tours ; médianes.\n"
    )
    entete = ("communes", "page", "texte (ms)", "tout (ms)", "serveur (ms)", "Ko reçus")
    entete += ("calcul du navigateur (ms)", "× vide", "× naïve", "× même contenu")
    lignes = [_ligne(entete), _ligne(("---:", "---") + ("---:",) * 8)]
    for code, pages in releves.items():
        lignes += [_mesures(TERRITOIRES[code], page, pages) for page in pages]
    morceaux.append("\n".join(lignes) + "\n")
    morceaux.append("## Le temps du script (cProfile, 44 communes)\n")
    morceaux.append(f"```\n{profil}\n```\n")
    return "\n".join(morceaux)


def _ligne(cellules: tuple[str, ...]) -> str:
    return f"| {' | '.join(cellules)} |"


def _mesures(communes: int, page: str, pages: dict[str, list[Changement]]) -> str:
    changements = pages[page]
    tout = _mediane(changements, "peint")
    calcul = statistics.median(c.navigateur["TaskDuration"] for c in changements)
    return _ligne(
        (
            str(communes),
            NOMS[page],
            nombre(_mediane(changements, "texte")),
            nombre(tout),
            nombre(_mediane(changements, "serveur")),
            nombre(_mediane(changements, "octets") / 1000, 1),
            nombre(calcul),
            *(nombre(tout / _mediane(pages[t], "peint"), 1) for t in ("vide", "naive", "complete")),
        )
    )


def _mediane(changements: list[Changement], mesure: str) -> float:
    return statistics.median(getattr(c, mesure) for c in changements)


def profil(fichier: Path, lignes: int = 15) -> str:
    """Rendre les fonctions du projet et des bibliothèques les plus coûteuses, temps cumulé."""
    releve = pstats.Stats(str(fichier))
    cumuls = sorted(
        ((cumul, appels, nom) for nom, (_, appels, _, cumul, _) in releve.stats.items()),
        reverse=True,
    )
    return "\n".join(
        f"{1000 * cumul:7.1f} ms {appels:6d} × {Path(fichier).name}:{fonction}"
        for cumul, appels, (fichier, _, fonction) in cumuls[:lignes]
    )
