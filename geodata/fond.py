"""Préparer une fois ce que les cartes d'un territoire partagent : contours, cadre, points."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.contours import arrondir, en_geojson, hachures, points_etiquettes, projection_legale

# Une quarantaine de traits sur la largeur du territoire : lisible de près comme projeté.
TRAITS_HACHURE = 55
MARGE = 0.04
VOISINES = "voisines"
# Un demi-millimètre à l'écran : les voisines situent, elles ne se lisent pas.
TOLERANCE_VOISINES_M = 500

# Ouest, sud, est, nord, en degrés.
Cadre = tuple[float, float, float, float]


@dataclass(frozen=True)
class Fond:
    """Porter la géométrie d'un territoire, en degrés pour l'écran, en mètres pour l'image.

    `geojson` : les communes du territoire, `id` = code, et leurs voisines en un seul objet ;
    `traits` : par commune, longitudes et latitudes de son contour, tronçons séparés par None ;
    `hachures` : de même ; `points` et `points_voisines` : index code, colonnes longitude,
    latitude ; `cadre` : ouest, sud, est, nord du territoire, avec marge ; `metres` : les
    contours en projection légale (colonnes code, nom, role).
    """

    geojson: dict[str, Any]
    traits: dict[str, tuple[list[float | None], list[float | None]]]
    hachures: dict[str, tuple[list[float | None], list[float | None]]]
    noms_voisines: dict[str, str]
    points: pd.DataFrame
    points_voisines: pd.DataFrame
    cadre: Cadre
    metres: gpd.GeoDataFrame


def preparer(contours: gpd.GeoDataFrame) -> Fond:
    """Préparer le fond d'un territoire à partir de ses contours (code, nom, role, geometry)."""
    ici = contours[contours["role"] == "territoire"].reset_index(drop=True)
    autour = contours[contours["role"] == "voisine"].reset_index(drop=True)
    metres = contours.to_crs(projection_legale(ici["code"]))
    return Fond(
        geojson=_geojson(ici, autour),
        traits={c: _chemins(g.boundary) for c, g in zip(ici["code"], ici.geometry, strict=True)},
        hachures=_hachures(metres[metres["role"] == "territoire"]),
        noms_voisines=dict(zip(autour["code"], autour["nom"], strict=True)),
        points=points_etiquettes(ici).set_index("code"),
        points_voisines=points_etiquettes(autour).set_index("code")
        if len(autour)
        else pd.DataFrame(columns=["longitude", "latitude"]),
        cadre=_cadre(ici),
        metres=metres,
    )


def _geojson(ici: gpd.GeoDataFrame, autour: gpd.GeoDataFrame) -> dict[str, Any]:
    """Réunir les voisines en un objet : grises et muettes, elles se dessinent d'un trait.

    Elles portent l'essentiel des points : leurs limites intérieures sont allégées, pas celle
    qu'elles partagent avec le territoire.
    """
    objets = [en_geojson(ici[["code", "geometry"]])["features"]]
    if len(autour):
        metres = autour.to_crs(projection_legale(ici["code"]))
        simples = shapely.coverage_simplify(
            np.asarray(metres.geometry.values), TOLERANCE_VOISINES_M, simplify_boundary=False
        )
        degres = arrondir(gpd.GeoSeries(simples, crs=metres.crs).to_crs(4326))
        polygones = shapely.get_parts(np.asarray(degres.values))
        reunies = shapely.geometry.mapping(shapely.MultiPolygon(list(polygones)))
        objets.append([{"type": "Feature", "id": VOISINES, "properties": {}, "geometry": reunies}])
    return {"type": "FeatureCollection", "features": [o for liste in objets for o in liste]}


def _hachures(metres: gpd.GeoDataFrame) -> dict[str, tuple[list[float | None], list[float | None]]]:
    ouest, sud, est, nord = metres.total_bounds
    pas = max(est - ouest, nord - sud) / TRAITS_HACHURE
    traits = gpd.GeoSeries([hachures(g, pas, 45) for g in metres.geometry], crs=metres.crs)
    return {c: _chemins(g) for c, g in zip(metres["code"], traits.to_crs(4326), strict=True)}


def _chemins(lignes: shapely.Geometry) -> tuple[list[float | None], list[float | None]]:
    """Mettre des lignes bout à bout, séparées par None, cinq décimales."""
    x: list[float | None] = []
    y: list[float | None] = []
    for partie in shapely.get_parts(lignes):
        points = shapely.get_coordinates(partie).round(5)
        x += [*points[:, 0].tolist(), None]
        y += [*points[:, 1].tolist(), None]
    return x, y


def _cadre(contours: gpd.GeoDataFrame) -> Cadre:
    ouest, sud, est, nord = contours.total_bounds
    dx, dy = MARGE * (est - ouest), MARGE * (nord - sud)
    return float(ouest - dx), float(sud - dy), float(est + dx), float(nord + dy)


def cadrer(cadre: Cadre, proportion: float) -> Cadre:
    """Élargir un cadre (degrés) pour qu'il ait la forme de la fenêtre, sans rien en couper.

    `proportion` : hauteur sur largeur de la fenêtre.
    """
    ouest, sud, est, nord = cadre
    par_degre = math.cos(math.radians((sud + nord) / 2))
    largeur, hauteur = (est - ouest) * par_degre, nord - sud
    x = max(hauteur / proportion - largeur, 0) / 2 / par_degre
    y = max(largeur * proportion - hauteur, 0) / 2
    return ouest - x, sud - y, est + x, nord + y


def octets_geojson(fond: Fond) -> bytes:
    """Écrire les contours du territoire en GeoJSON compact (le fichier que le navigateur garde)."""
    return json.dumps(fond.geojson, separators=(",", ":"), ensure_ascii=False).encode()
