"""Mesurer la lecture d'un fichier national à côté de polars, DuckDB, pyarrow et pandas.

python -m bench.lecture_nationale [--complet] [--tours N] : fichiers fabriqués dans un dossier
temporaire, un processus par lecture ; `--complet` prend les vraies tailles et écrit LECTURE.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.fabrique import COLONNES_MELODI, fabriquer_bpe, fabriquer_melodi
from ctg_data.territoire import EMBARQUES, lire_fiche
from ctg_data.textes import nombre

RACINE = Path(__file__).parents[1]
RESULTATS = Path(__file__).with_name("LECTURE.md")
TERRITOIRE = "gard_rhodanien"
PAIRS = ("polars", "duckdb", "pyarrow")
NOMS = {
    "boussole": "Boussole, lecture et filtre",
    "boussole_tables": "Boussole, tables comprises",
    "polars": "polars",
    "duckdb": "DuckDB",
    "pyarrow": "pyarrow",
    "pandas": "pandas.read_csv puis filtre",
}
# Fichier : colonne de la commune, colonnes demandées à chaque lecteur.
FICHIERS = {
    "BPE.csv": ("DEPCOM", ("AN", "DEPCOM", "TYPEQU")),
    "MELODI.csv": ("GEO", COLONNES_MELODI),
}
REDUIT, COMPLET = (300_000, 3_500), (3_000_000, 34_875)
MO = 1 << 20
METHODE = """\
Chaque lecture est un processus neuf ; le temps part une fois les bibliothèques importées et le
fichier déjà lu une fois (il est dans le cache du disque). Tous rendent les mêmes colonnes, en
texte, pour les mêmes communes ; les nombres de lignes sont comparés. « × plancher » : médiane des
rapports au plus rapide de polars, DuckDB et pyarrow du même tour (moins d'un : plus rapide
qu'eux). Mémoire : pointe du processus, au-dessus de ce qu'il occupait avant la lecture. « Tables
comprises » va jusqu'aux tables validables, ce que les autres ne font pas.
"""


@dataclass(frozen=True)
class Releve:
    """Une lecture : secondes, Mo au-dessus du socle, lignes gardées."""

    secondes: float
    memoire: float
    lignes: int


# --- Dans le processus mesuré --------------------------------------------------------------------


def boussole(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire et filtrer comme extraire_fichier, sans convertir."""
    from ctg_data.lecture.familles import national

    with chemin.open("rb") as flux:
        plan, _ = national.planifier(
            flux.read(national.TETE), chemin.name, codes, national.france()
        )
    table, _, _ = national.lire_csv(chemin, plan, lambda part: True)
    return int(table.num_rows)


def boussole_tables(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire, filtrer et convertir : tout ce que fait le dépôt d'un fichier national."""
    from ctg_data.lecture.familles import extraire_fichier

    extraction = extraire_fichier(chemin, codes)
    assert extraction.tables
    return extraction.extrait.count(b"\n") - 1


def polars(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire avec polars : lecture paresseuse, filtre et colonnes poussés jusqu'au fichier."""
    import polars as pl

    lu = pl.scan_csv(chemin, separator=";", infer_schema=False).select(colonnes)
    return lu.filter(pl.col(clef).is_in(codes)).collect().height


def duckdb(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire avec DuckDB, réglages d'origine."""
    import duckdb as moteur

    lu = moteur.read_csv(str(chemin), delimiter=";", header=True, all_varchar=True)
    liste = ", ".join(f"'{c}'" for c in codes)
    return len(lu.filter(f"{clef} IN ({liste})").project(", ".join(colonnes)).fetchall())


def pyarrow(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire avec pyarrow : flux par blocs d'un mégaoctet, filtre de chaque bloc."""
    import pyarrow as pa
    from pyarrow import compute as pc
    from pyarrow import csv

    lecteur = csv.open_csv(
        chemin,
        parse_options=csv.ParseOptions(delimiter=";"),
        convert_options=csv.ConvertOptions(
            include_columns=colonnes, column_types=dict.fromkeys(colonnes, pa.string())
        ),
    )
    voulus = pa.array(codes)
    return sum(lot.filter(pc.is_in(lot.column(clef), value_set=voulus)).num_rows for lot in lecteur)


def pandas(chemin: Path, clef: str, colonnes: list[str], codes: list[str]) -> int:
    """Lire tout avec pandas, puis filtrer."""
    import pandas as pd

    lu = pd.read_csv(chemin, sep=";", dtype=str)
    return len(lu.loc[lu[clef].isin(codes), colonnes])


LECTEURS: dict[str, Callable[[Path, str, list[str], list[str]], int]] = {
    f.__name__: f for f in (boussole, boussole_tables, polars, duckdb, pyarrow, pandas)
}
SOCLES = {"boussole": "ctg_data.lecture.familles", "boussole_tables": "ctg_data.lecture.familles"}


def mesurer_ici(nom: str, chemin: Path) -> Releve:
    """Mesurer une lecture dans ce processus."""
    clef, colonnes = FICHIERS[chemin.name]
    codes = list(lire_fiche(EMBARQUES / TERRITOIRE)[0].communes)
    __import__(SOCLES.get(nom, nom))
    if nom in SOCLES:
        # Le référentiel des communes est déjà en mémoire dans l'application.
        __import__("ctg_data.lecture.familles.communes", fromlist=["france"]).france()
    if nom == "pyarrow":
        __import__("pyarrow.csv"), __import__("pyarrow.compute")
    socle, debut = _pointe(), time.perf_counter()
    lignes = LECTEURS[nom](chemin, clef, list(colonnes), codes)
    return Releve(time.perf_counter() - debut, _pointe() - socle, lignes)


def _pointe() -> float:
    """Rendre la pointe de mémoire du processus, en Mo.

    Sous Linux, ru_maxrss hérite de la pointe du processus qui lance celui-ci : VmHWM n'est qu'à
    lui. Ailleurs, ru_maxrss, en octets sous macOS.
    """
    etat = Path("/proc/self/status")
    if etat.is_file():
        return int(etat.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    pointe = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pointe / (MO if sys.platform == "darwin" else 1024)


# --- Tours ---------------------------------------------------------------------------------------


def mesurer(chemin: Path, tours: int) -> dict[str, list[Releve]]:
    """Faire lire le fichier par chacun, tour après tour : une gêne passagère touche chacun."""
    _lignes(chemin)
    releves: dict[str, list[Releve]] = {nom: [] for nom in NOMS}
    for tour in range(tours):
        # pandas n'est là que pour l'ordre de grandeur.
        noms = [n for n in NOMS if n != "pandas" or tour == 0]
        depart = tour % len(noms)
        for nom in noms[depart:] + noms[:depart]:
            releves[nom].append(_lancer(nom, chemin))
    comptes = {nom: {r.lignes for r in lus} for nom, lus in releves.items()}
    if len(set.union(*comptes.values())) != 1:
        raise RuntimeError(f"Les lecteurs ne gardent pas les mêmes lignes : {comptes}")
    return releves


def _lancer(nom: str, chemin: Path) -> Releve:
    commande = [sys.executable, "-m", "bench.lecture_nationale", "--lecteur", nom, str(chemin)]
    sortie = subprocess.run(commande, cwd=RACINE, capture_output=True, text=True, check=True).stdout
    return Releve(**json.loads(sortie.splitlines()[-1]))


def rapports(releves: dict[str, list[Releve]], nom: str) -> list[float]:
    """Rendre, tour par tour, le temps d'un lecteur rapporté au plus rapide des pairs."""
    planchers = [min(releves[p][t].secondes for p in PAIRS) for t in range(len(releves["polars"]))]
    return [r.secondes / p for r, p in zip(releves[nom], planchers, strict=False)]


# --- Rédiger -------------------------------------------------------------------------------------


def rediger(resultats: dict[Path, dict[str, list[Releve]]], tours: int) -> str:
    """Rédiger le compte rendu en Markdown."""
    morceaux = ["# Lecture d'un fichier national, filtrée à 44 communes\n", METHODE]
    morceaux.append(
        f"Le {dt.date.today():%d/%m/%Y}, {os.cpu_count()} cœurs, Python "
        f"{platform.python_version()}, {tours} tours ; médianes.\n"
    )
    for chemin, releves in resultats.items():
        taille = nombre(chemin.stat().st_size / MO)
        lignes = nombre(_lignes(chemin))
        gardees = nombre(releves["boussole"][0].lignes)
        morceaux.append(f"## {chemin.stem} : {lignes} lignes, {taille} Mo, {gardees} gardées\n")
        entete = "| lecteur | secondes | × plancher | mémoire (Mo) |\n| --- | ---: | ---: | ---: |"
        morceaux.append("\n".join([entete, *(_ligne(releves, nom) for nom in NOMS)]) + "\n")
    return "\n".join(morceaux)


def _lignes(chemin: Path) -> int:
    with chemin.open("rb") as flux:
        return sum(bloc.count(b"\n") for bloc in iter(lambda: flux.read(MO), b"")) - 1


def _ligne(releves: dict[str, list[Releve]], nom: str) -> str:
    secondes = statistics.median(r.secondes for r in releves[nom])
    rapport = statistics.median(rapports(releves, nom))
    memoire = max(r.memoire for r in releves[nom])
    return f"| {NOMS[nom]} | {nombre(secondes, 2)} | {nombre(rapport, 2)} | {nombre(memoire)} |"


def main() -> int:
    """Fabriquer les fichiers, mesurer chaque lecteur, écrire le tableau."""
    lecture = argparse.ArgumentParser(description=__doc__)
    lecture.add_argument("--complet", action="store_true", help="3 millions de lignes et 650 Mo")
    lecture.add_argument("--tours", type=int, default=7, help="lectures par lecteur (7)")
    lecture.add_argument("--lecteur", nargs=2, metavar=("NOM", "FICHIER"), help=argparse.SUPPRESS)
    options = lecture.parse_args()
    if options.lecteur:
        nom, fichier = options.lecteur
        print(json.dumps(vars(mesurer_ici(nom, Path(fichier)))))
        return 0
    lignes, communes = COMPLET if options.complet else REDUIT
    with tempfile.TemporaryDirectory() as temporaire:
        bpe, melodi = (Path(temporaire) / nom for nom in FICHIERS)
        fabriquer_bpe(bpe, lignes)
        fabriquer_melodi(melodi, communes)
        resultats = {chemin: mesurer(chemin, options.tours) for chemin in (bpe, melodi)}
        texte = rediger(resultats, options.tours)
    print(texte)
    if options.complet:
        RESULTATS.write_text(texte, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
