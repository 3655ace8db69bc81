"""Dessiner la carte pour l'écran : figure Plotly, contours servis une fois comme fichier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ctg_data.figures.palette import ACCENT, CERCLE, ENCRE, FILET, NEUTRE
from ctg_data.figures.rendu_plotly import lignes, mise_en_page, proteger
from geodata.carte import Carte
from geodata.etiquettes import choisir, priorite, textes_etiquettes
from geodata.fond import VOISINES, Cadre, Fond, cadrer

RAYON_MAX = 23
RAYON_MIN = 3
BLANC, GRIS = "#FFFFFF", "#F1F3F6"
# Les voisines situent : peu de noms, bien espacés.
AIR_VOISINES = 1.7
HALO = "0 0 3px #fff, 0 0 3px #fff, 0 0 4px #fff"


def dessiner_carte(
    carte: Carte,
    fond: Fond,
    contours: str,
    hauteur: int,
    largeur: int,
    taille: int = 13,
) -> dict[str, Any]:
    """Rendre la carte en dictionnaire Plotly {data, layout}.

    `contours` : l'adresse du GeoJSON (servi une fois, gardé par le navigateur) ou son contenu ;
    hauteur et largeur en pixels (la largeur sert à placer les noms). Un clic sur une commune ou
    sur son cercle rend son code dans `location` ou `customdata`.
    """
    cadre = cadrer(fond.cadre, hauteur / largeur)
    data = [
        *_voisines(fond, contours),
        _aplats(carte, contours),
        *_hachures(carte, fond),
        *_choisie(carte, fond),
        *_cercles(carte, fond),
        *_noms(carte, fond, cadre, largeur, taille),
    ]
    ouest, sud, est, nord = cadre
    geo = {
        "visible": False,
        "projection": {"type": "mercator"},
        "lonaxis": {"range": [ouest, est]},
        "lataxis": {"range": [sud, nord]},
        "bgcolor": "rgba(0,0,0,0)",
    }
    marges = {"l": 0, "r": 0, "t": 0, "b": 0}
    mise = mise_en_page(taille, geo=geo, margin=marges, uirevision=str(cadre))
    return {"data": data, "layout": {**mise, "dragmode": "pan"}}


def _voisines(fond: Fond, contours: str) -> list[dict[str, Any]]:
    if fond.points_voisines.empty:
        return []
    trait = {"line": {"color": FILET, "width": 0.8}}
    return [
        {
            **_source(contours),
            "locations": [VOISINES],
            "z": [0],
            "colorscale": [[0, GRIS], [1, GRIS]],
            "hoverinfo": "skip",
            "marker": trait,
        }
    ]


def _source(contours: str) -> dict[str, Any]:
    return {
        "type": "choropleth",
        "geojson": contours,
        "featureidkey": "id",
        "showscale": False,
    }


def _aplats(carte: Carte, contours: str) -> dict[str, Any]:
    couleurs = list(dict.fromkeys(z.couleur or BLANC for z in carte.zones))
    rangs = {couleur: rang for rang, couleur in enumerate(couleurs)}
    pas = max(len(couleurs), 1)
    echelle = [
        [borne / pas, couleur]
        for rang, couleur in enumerate(couleurs)
        for borne in (rang, rang + 1)
    ]
    return {
        **_source(contours),
        "locations": [z.code for z in carte.zones],
        "z": [rangs[z.couleur or BLANC] for z in carte.zones],
        "zmin": -0.5,
        "zmax": pas - 0.5,
        "colorscale": echelle,
        "hovertext": [lignes(z.survol) for z in carte.zones],
        "hoverinfo": "text",
        "marker": {
            "line": {
                "color": [ENCRE if z.officielle else NEUTRE for z in carte.zones],
                "width": [2.6 if z.officielle else 0.8 for z in carte.zones],
            }
        },
    }


def _lignes(
    chemins: list[tuple[list[float | None], list[float | None]]], couleur: str, largeur: float
) -> dict[str, Any]:
    return {
        "type": "scattergeo",
        "mode": "lines",
        "lon": [v for lon, _ in chemins for v in lon],
        "lat": [v for _, lat in chemins for v in lat],
        "line": {"color": couleur, "width": largeur},
        "hoverinfo": "skip",
    }


def _hachures(carte: Carte, fond: Fond) -> list[dict[str, Any]]:
    hachurees = [fond.hachures[z.code] for z in carte.zones if z.hachuree]
    return [_lignes(hachurees, NEUTRE, 1)] if hachurees else []


def _choisie(carte: Carte, fond: Fond) -> list[dict[str, Any]]:
    if carte.choisie not in fond.traits:
        return []
    return [_lignes([fond.traits[carte.choisie]], ACCENT, 4)]


def _cercles(carte: Carte, fond: Fond) -> list[dict[str, Any]]:
    """Poser des cercles d'aire proportionnelle ; un cercle se clique comme sa commune."""
    codes = [z.code for z in carte.zones if carte.cercles.get(z.code, 0) > 0]
    if not codes:
        return []
    valeurs = [carte.cercles[c] for c in codes]
    survols = {z.code: z.survol for z in carte.zones}
    return [
        {
            "type": "scattergeo",
            "mode": "markers",
            "lon": fond.points.loc[codes, "longitude"].tolist(),
            "lat": fond.points.loc[codes, "latitude"].tolist(),
            "customdata": codes,
            "hovertext": [lignes(survols[c]) for c in codes],
            "hoverinfo": "text",
            "marker": {
                "size": valeurs,
                "sizemode": "area",
                "sizeref": 2 * max(valeurs) / (2 * RAYON_MAX) ** 2,
                "sizemin": RAYON_MIN,
                "color": CERCLE,
                "opacity": 0.28,
                "line": {"color": CERCLE, "width": 1.5},
            },
        }
    ]


def _noms(
    carte: Carte, fond: Fond, cadre: Cadre, largeur: int, taille: int
) -> list[dict[str, Any]]:
    """Écrire les noms des communes, puis ceux des voisines là où ils ne gênent pas."""
    textes = textes_etiquettes(carte, proteger)
    ici = choisir(fond.points, textes, priorite(carte), cadre, largeur, taille)
    ouest, sud, est, nord = cadre
    autour = fond.points_voisines
    dedans = autour[autour["longitude"].between(ouest, est) & autour["latitude"].between(sud, nord)]
    voisines = choisir(
        dedans,
        {code: (proteger(nom),) for code, nom in fond.noms_voisines.items()},
        sorted(dedans.index),
        cadre,
        largeur,
        taille - 2,
        [place for _, place in ici.values()],
        AIR_VOISINES,
    )
    police = {"size": taille, "color": ENCRE, "weight": 600, "shadow": HALO}
    return [
        _textes(dedans, voisines, {"size": taille - 2, "color": NEUTRE}),
        _textes(fond.points, ici, police),
    ]


def _textes(
    points: pd.DataFrame, retenus: Mapping[str, tuple[str, Any]], police: dict[str, Any]
) -> dict[str, Any]:
    poses = points.loc[list(retenus)]
    return {
        "type": "scattergeo",
        "mode": "text",
        "lon": poses["longitude"].tolist(),
        "lat": poses["latitude"].tolist(),
        "text": [texte for texte, _ in retenus.values()],
        "textfont": police,
        "hoverinfo": "skip",
    }
