"""Dessiner la carte à explorer : Leaflet par Folium, sans réseau, textes encodés.

La carte de base ne change jamais d'un geste à l'autre (sinon son cadre serait remonté, zoom
perdu) ; tout ce qui change vit dans les couches. Rien de l'utilisateur n'entre sans `texte_carte`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import folium
import shapely

from ctg_data.figures.palette import ACCENT, CERCLE, ENCRE, FILET, NEUTRE
from geodata.carte import Carte, Zone
from geodata.etiquettes import choisir, priorite
from geodata.fond import Fond, cadrer
from geodata.lieux import Lieu
from geodata.texte_carte import texte_carte

# Fenêtre supposée pour choisir les noms qui tiennent, en pixels.
LARGEUR, HAUTEUR = 650, 330
RAYON_MAX = 22.0
RAYON_MIN = 3.0
PANNEAU_CERCLES = "cercles"
COUCHES = ("Couleurs", "Cercles", "Noms", "Voisines")
TUILES = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
ATTRIBUTION = "© les contributeurs d'OpenStreetMap"
_POLICE = "font-family:'Source Sans','Source Sans 3','Segoe UI',Arial,sans-serif"
_STYLE = (
    f"<style>.leaflet-container{{background:#fff;{_POLICE}}}"
    f".etiquette{{{_POLICE};font-size:12px;color:{ENCRE};white-space:nowrap;width:max-content;"
    "font-weight:600;transform:translate(-50%,-50%);text-shadow:0 0 3px #fff,0 0 3px #fff}"
    ".equipement{border-radius:9px;color:#fff;font-size:11px;font-weight:700;text-align:center;"
    f"line-height:18px;height:18px;border:1px solid #fff;{_POLICE}}}</style>"
)


def carte_de_base(fond: Fond, *, voisines: bool, tuiles: bool) -> folium.Map:
    """Rendre la carte constante : cadre, voisines grises et nommées, fond en ligne si demandé."""
    ouest, sud, est, nord = fond.cadre
    carte = folium.Map(
        tiles=TUILES if tuiles else None,
        attr=ATTRIBUTION if tuiles else None,
        zoom_snap=0.1,
        max_zoom=18,
        attribution_control=tuiles,
    )
    folium.map.CustomPane(PANNEAU_CERCLES, z_index=450).add_to(carte)
    racine: Any = carte.get_root()
    racine.header.add_child(folium.Element(_STYLE))
    carte.fit_bounds([[sud, ouest], [nord, est]])
    if voisines and not tuiles:
        _voisines(fond).add_to(carte)
    return carte


def _voisines(fond: Fond) -> folium.GeoJson:
    autour = fond.metres[fond.metres["role"] == "voisine"].to_crs(4326)
    textes = {code: {"t": _encoder((nom,))} for code, nom in fond.noms_voisines.items()}
    objets = [
        _objet(f"v{code}", shapely.geometry.mapping(forme), textes[code])
        for code, forme in zip(autour["code"], autour.geometry, strict=True)
    ]
    return folium.GeoJson(
        _collection(objets),
        name="Communes voisines",
        control=False,
        style_function=lambda _: {
            "fillColor": "#F1F3F6",
            "fillOpacity": 1,
            "color": FILET,
            "weight": 1,
        },
        tooltip=_infobulle() if objets else None,
    )


def couches(
    carte: Carte, fond: Fond, lieux: Iterable[Lieu], voulues: Collection[str] = COUCHES
) -> list[folium.FeatureGroup]:
    """Rendre les couches qui changent : communes, cercles, noms, équipements par genre.

    `voulues` choisit parmi COUCHES ; les communes restent, incolores, pour pouvoir être cliquées.
    """
    contours = {o["id"]: o["geometry"] for o in fond.geojson["features"]}
    groupes: list[folium.FeatureGroup | None] = [_communes(carte, contours, "Couleurs" in voulues)]
    groupes += [_cercles(carte, fond)] if "Cercles" in voulues else []
    groupes += [_noms(carte, fond)] if "Noms" in voulues else []
    genres: dict[str, list[Lieu]] = {}
    for lieu in lieux:
        genres.setdefault(lieu.genre, []).append(lieu)
    groupes += [
        _equipements(genre, places, rang) for rang, (genre, places) in enumerate(genres.items())
    ]
    return [g for g in groupes if g is not None]


def _objet(cle: str, geometrie: Mapping[str, Any], proprietes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": cle, "geometry": dict(geometrie), "properties": proprietes}


def _collection(objets: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": objets}


def _encoder(lignes: tuple[str, ...]) -> str:
    tete, *suite = (texte_carte(ligne) for ligne in lignes)
    return "<br>".join([f"<b>{tete}</b>", *suite])


def _infobulle() -> folium.GeoJsonTooltip:
    return folium.GeoJsonTooltip(["t"], labels=False, sticky=True)


def _communes(carte: Carte, contours: Mapping[str, Any], couleurs: bool) -> folium.FeatureGroup:
    """Dessiner les communes, la choisie en dernier pour que rien ne couvre son contour."""
    groupe = folium.FeatureGroup(texte_carte(carte.titre_legende))
    zones = sorted(carte.zones, key=lambda z: (z.code == carte.choisie, z.officielle))
    styles = {z.code: _style(z, carte.choisie, couleurs) for z in zones}
    objets = [
        _objet(z.code, contours[z.code], {"code": z.code, "t": _encoder(z.survol)}) for z in zones
    ]
    folium.GeoJson(
        _collection(objets),
        style_function=lambda o: styles[o["id"]],
        tooltip=_infobulle() if objets else None,
    ).add_to(groupe)
    return groupe


def _style(zone: Zone, choisie: str | None, couleurs: bool) -> dict[str, Any]:
    trait = {"color": NEUTRE, "weight": 1}
    if zone.officielle:
        trait = {"color": ENCRE, "weight": 3}
    if zone.code == choisie:
        trait = {"color": ACCENT, "weight": 4}
    return {"fillColor": zone.couleur or "#FFFFFF", "fillOpacity": 0.9 if couleurs else 0, **trait}


def _hachures(carte: Carte, fond: Fond) -> list[dict[str, Any]]:
    codes = [z.code for z in carte.zones if z.hachuree]
    objets = []
    for code in codes:
        lon, lat = fond.hachures[code]
        traits = _troncons(lon, lat)
        geometrie = {"type": "MultiLineString", "coordinates": traits}
        objets.append(_objet(f"h{code}", geometrie, {"code": code}))
    return objets


def _troncons(
    lon: list[float | None], lat: list[float | None]
) -> list[list[tuple[float | None, float | None]]]:
    """Recouper en tronçons une suite de points séparés par None."""
    troncons: list[list[tuple[float | None, float | None]]] = [[]]
    for x, y in zip(lon, lat, strict=True):
        if x is None:
            troncons.append([])
        else:
            troncons[-1].append((x, y))
    return [t for t in troncons if t]


def _cercles(carte: Carte, fond: Fond) -> folium.FeatureGroup | None:
    """Poser hachures et cercles au-dessus des aplats, sans prendre leurs clics."""
    objets = _hachures(carte, fond)
    rayons = _rayons(carte)
    for code in rayons:
        lon, lat = fond.points.loc[code, ["longitude", "latitude"]]
        point = {"type": "Point", "coordinates": (float(lon), float(lat))}
        objets.append(_objet(f"c{code}", point, {"code": code}))
    if not objets:
        return None
    nom = f"Cercles : {carte.titre_cercles}" if rayons else "Hachures"
    groupe = folium.FeatureGroup(texte_carte(nom))
    folium.GeoJson(
        _collection(objets),
        marker=folium.CircleMarker(),
        style_function=lambda o: _style_cercle(o, rayons),
    ).add_to(groupe)
    return groupe


def _rayons(carte: Carte) -> dict[str, float]:
    valeurs = {z.code: carte.cercles.get(z.code, 0) for z in carte.zones}
    plus_grand = max(valeurs.values(), default=0)
    return {
        c: max(RAYON_MIN, RAYON_MAX * (v / plus_grand) ** 0.5) for c, v in valeurs.items() if v > 0
    }


def _style_cercle(objet: Mapping[str, Any], rayons: Mapping[str, float]) -> dict[str, Any]:
    commun = {"pane": PANNEAU_CERCLES, "interactive": False}
    if objet["geometry"]["type"] != "Point":
        return {**commun, "color": NEUTRE, "weight": 1}
    rayon = rayons[objet["properties"]["code"]]
    trait = {"color": CERCLE, "weight": 1.5, "fill": True, "fillColor": CERCLE, "fillOpacity": 0.28}
    return {**commun, **trait, "radius": rayon}


def _noms(carte: Carte, fond: Fond) -> folium.FeatureGroup:
    groupe = folium.FeatureGroup("Noms")
    noms = {z.code: (z.nom,) for z in carte.zones}
    cadre = cadrer(fond.cadre, HAUTEUR / LARGEUR)
    for code in choisir(fond.points, noms, priorite(carte), cadre, LARGEUR, 13):
        lon, lat = fond.points.loc[code, ["longitude", "latitude"]]
        html = f'<div class="etiquette">{texte_carte(noms[code][0], 60)}</div>'
        icone = folium.DivIcon(html=html, icon_size=(0, 0), class_name="sans-fond")
        folium.Marker((float(lat), float(lon)), icon=icone, interactive=False).add_to(groupe)
    return groupe


def _equipements(genre: str, lieux: list[Lieu], rang: int) -> folium.FeatureGroup:
    """Poser une pastille par commune ; chaque genre a sa place autour du point, sans se couvrir."""
    groupe = folium.FeatureGroup(texte_carte(genre))
    for lieu in lieux:
        style = f"background:{lieu.couleur}"
        html = f'<div class="equipement" style="{style}">{lieu.nombre}</div>'
        decalage = (-4 + 20 * (rang % 2), -4 + 20 * (rang // 2))
        icone = folium.DivIcon(
            html=html, icon_size=(20, 20), icon_anchor=decalage, class_name="sans-fond"
        )
        folium.Marker(
            (lieu.latitude, lieu.longitude),
            icon=icone,
            tooltip=folium.Tooltip(_encoder(lieu.texte), sticky=True),
        ).add_to(groupe)
    return groupe
