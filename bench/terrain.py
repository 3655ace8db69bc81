"""Préparer le terrain d'une mesure : l'application copiée, ses témoins, un territoire du Gard."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from ctg_data.indicateurs import calculer
from ctg_data.indicateurs.options import Options
from ctg_data.territoire import EMBARQUES, charger
from geodata.contours import communes_de_france, contours_territoire, en_geojson

RACINE = Path(__file__).parents[1]
GRAINE = 30
MODELE = "gard_rhodanien"
GARD = "gard_entier"
TERRITOIRES = {"costieres_camargue": 8, MODELE: 44, GARD: 350}
INDICATEURS = ("taux_couverture", "niveau_vie_median", "naissances")
SOURCE = "Valeurs tirées au sort pour la mesure"


def copier_application(cible: Path) -> None:
    """Copier l'application et ses réglages, et lui ajouter les pages témoins."""
    for nom in ("pages", "ctg_data", "geodata", "static", ".streamlit"):
        shutil.copytree(RACINE / nom, cible / nom, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(RACINE / "app.py", cible)
    for temoin in (Path(__file__).parent / "temoins").glob("*.py"):
        shutil.copy(temoin, cible / "pages")


def fabriquer_gard(dossier: Path) -> None:
    """Écrire un territoire de toutes les communes du Gard.

    Chaque commune reçoit les lignes d'une commune du modèle tirée au sort (graine fixe), avec le
    statut « exemple » : la forme et le volume sont ceux de vraies tables, pas les chiffres.
    """
    dossier.mkdir(parents=True)
    gard = communes_de_france(codes=fonds_departement("30"))
    hasard = random.Random(GRAINE)
    modeles = charger(EMBARQUES / MODELE).territoire.communes
    tirage = {code: hasard.choice(modeles) for code in gard["code"]}
    noms = dict(zip(gard["code"], gard["nom"], strict=True))
    for fichier in sorted((EMBARQUES / MODELE).glob("*.csv")):
        _recopier(fichier, dossier / fichier.name, tirage, noms)
    fiche = (EMBARQUES / MODELE / "territoire.toml").read_text("utf-8")
    lignes = [
        f"communes = {json.dumps(list(tirage))}"
        if ligne.startswith("communes =")
        else ligne.replace("Gard rhodanien", "Gard entier").replace("= true", "= false")
        for ligne in fiche.splitlines()
    ]
    (dossier / "territoire.toml").write_text("\n".join(lignes), "utf-8")


def fonds_departement(departement: str) -> list[str]:
    """Rendre les codes des communes d'un département."""
    france = pd.read_parquet(RACINE / "geodata/fonds/france.parquet", columns=["code"])["code"]
    return sorted(c for c in france if c.startswith(departement))


def _recopier(source: Path, cible: Path, tirage: dict[str, str], noms: dict[str, str]) -> None:
    with source.open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    cle = "code_commune" if "code_commune" in lignes[0] else "code"
    par_commune: dict[str, list[dict[str, str]]] = {}
    autres = []
    for ligne in lignes:
        de_commune = ligne.get("niveau", "commune") == "commune"
        (par_commune.setdefault(ligne[cle], []) if de_commune else autres).append(ligne)
    tirees = [
        _attribuer(ligne, cle, code, noms[code])
        for code, modele in tirage.items()
        for ligne in par_commune.get(modele, [])
    ]
    with cible.open("w", encoding="utf-8", newline="") as flux:
        plume = csv.DictWriter(flux, list(lignes[0]), delimiter=";")
        plume.writeheader()
        plume.writerows([*autres, *tirees])


def _attribuer(ligne: dict[str, str], cle: str, code: str, nom: str) -> dict[str, str]:
    attribuee = {**ligne, cle: code, "statut": "exemple", "source": SOURCE}
    for colonne, valeur in (("nom_commune", nom), ("nom", nom)):
        if colonne in ligne:
            attribuee[colonne] = valeur
    if "code_equipement" in ligne:
        attribuee["code_equipement"] = f"{code}-{ligne['code_equipement']}"
    return attribuee


def preparer_naive(cible: Path, territoires: dict[str, Path]) -> None:
    """Écrire, pour le témoin naïf, les mêmes valeurs et les mêmes contours que l'application."""
    for code, source in territoires.items():
        dossier = cible / "temoins" / code
        dossier.mkdir(parents=True)
        donnees = charger(source)
        colonnes = {i: calculer(i, donnees, Options()).table["valeur"] for i in INDICATEURS}
        table = pd.DataFrame(colonnes).rename_axis("code").reset_index()
        table.to_csv(dossier / "valeurs.csv", index=False)
        contours = contours_territoire(code, donnees.territoire.communes)
        ici = contours[contours["role"] == "territoire"]
        geojson = json.dumps(en_geojson(ici[["code", "geometry"]]))
        (dossier / "contours.geojson").write_text(geojson, "utf-8")
        ouest, sud, est, nord = ici.total_bounds
        (dossier / "centre.txt").write_text(f"{(sud + nord) / 2} {(ouest + est) / 2}")


@contextmanager
def serveur(application: Path, donnees: Path) -> Iterator[str]:
    """Servir l'application avec ses réglages livrés, sur un port libre ; rend son adresse."""
    port = _port_libre()
    journal = (application / "serveur.log").open("w", encoding="utf-8")
    options = ["--server.port", str(port), "--server.headless", "true"]
    processus = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", *options],
        cwd=application,
        env={**os.environ, "CTG_DONNEES": str(donnees)},
        stdout=journal,
        stderr=subprocess.STDOUT,
    )
    try:
        _attendre(f"http://127.0.0.1:{port}/_stcore/health", processus)
        yield f"http://127.0.0.1:{port}"
    finally:
        processus.terminate()
        processus.wait(10)
        journal.close()


def _port_libre() -> int:
    with socket.socket() as prise:
        prise.bind(("127.0.0.1", 0))
        return int(prise.getsockname()[1])


def _attendre(adresse: str, processus: subprocess.Popen[bytes], delai: float = 60) -> None:
    fin = time.monotonic() + delai
    while time.monotonic() < fin and processus.poll() is None:
        try:
            urllib.request.urlopen(adresse, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Le serveur à mesurer ne répond pas.")
