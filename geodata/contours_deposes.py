"""Préparer des contours déposés pour qu'ils remplacent ceux d'un territoire sur la carte."""

from __future__ import annotations

import json
from collections.abc import Collection

import geopandas as gpd
import pandas as pd
import shapely

from ctg_data.anomalies import Anomalie
from ctg_data.textes import INSECABLE, compte, enumeration
from geodata.contours import (
    COLONNES,
    FRANCE,
    RAYON_KM,
    TOLERANCE_M,
    ErreurContours,
    arrondir,
    en_geojson,
    projection_legale,
    simplifier,
    voisines,
)


def contours_du_territoire(
    lus: gpd.GeoDataFrame, communes: Collection[str], fichier: str, rayon_km: float = RAYON_KM
) -> bytes:
    """Garder d'un fichier de contours un territoire et ses voisines, et l'écrire en GeoJSON.

    `lus` : contours contrôlés (code, nom, role, geometry), en degrés. Les voisines à moins de
    `rayon_km` sont celles du fichier s'il en a, sinon celles du fonds national. Lève ErreurContours
    si le fichier n'a pas toutes les communes du territoire : la carte aurait des trous.
    """
    absentes = sorted(set(communes) - set(lus["code"]))
    if absentes:
        regle = f"pas de contour pour {compte(len(absentes), 'commune')} du territoire"
        conseil = f"Ajoutez au fichier{INSECABLE}: {enumeration(absentes, maximum=10)}."
        raise ErreurContours([Anomalie(fichier, regle, conseil)])
    ici = lus[lus["code"].isin(list(communes))].assign(role="territoire")
    autour = _proches(lus, ici, rayon_km)
    if autour.empty:
        autour = simplifier(voisines(communes, rayon_km, FRANCE), TOLERANCE_M)
    autour = autour.assign(role="voisine")
    ensemble = pd.concat([ici[COLONNES], autour[COLONNES]], ignore_index=True)
    ensemble = ensemble.set_geometry(arrondir(ensemble.geometry))
    return json.dumps(en_geojson(ensemble), separators=(",", ":"), ensure_ascii=False).encode()


def _proches(lus: gpd.GeoDataFrame, ici: gpd.GeoDataFrame, rayon_km: float) -> gpd.GeoDataFrame:
    """Rendre les autres communes du fichier à moins de `rayon_km` du territoire."""
    epsg = projection_legale(ici["code"])
    autres = lus[~lus["code"].isin(ici["code"])]
    zone = shapely.union_all(ici.to_crs(epsg).geometry.to_numpy())
    return autres[autres.to_crs(epsg).distance(zone) < 1000 * rayon_km]
