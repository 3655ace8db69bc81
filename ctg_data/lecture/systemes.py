"""Connaître les systèmes de coordonnées légaux et les emprises des terres françaises."""

from __future__ import annotations

import re
from typing import Any

from ctg_data.lecture.geojson import ecrire
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import INSECABLE

# RGF93 et ETRS89 s'écartent de WGS 84 de moins d'un mètre : mêmes degrés.
SYSTEMES_DEGRES = {4326, 4171, 4258}
# Lambert-93, coniques conformes 42 à 50, Lambert II étendu, Web Mercator.
METROPOLE = {2154: "Lambert-93", **{z: f"CC{z - 3900}" for z in range(3942, 3951)}}
METROPOLE |= {27572: "Lambert II étendu", 3857: "Web Mercator"}
# Projections légales d'outre-mer.
SYSTEMES_METRES = {*METROPOLE, 9794, 5490, 2972, 2975, 4471}
# Ouest, sud, est, nord.
EMPRISES = {
    "métropole": (-5.5, 41.0, 10.0, 51.5),
    "Antilles": (-63.5, 14.0, -60.5, 18.5),
    "Guyane": (-55.0, 2.0, -51.0, 6.0),
    "La Réunion": (55.0, -21.6, 56.0, -20.7),
    "Mayotte": (44.8, -13.2, 45.5, -12.4),
    "Saint-Pierre-et-Miquelon": (-56.7, 46.6, -55.9, 47.3),
    "Nouvelle-Calédonie": (158.0, -23.5, 172.5, -17.5),
    "Polynésie française": (-155.0, -28.5, -134.0, -7.5),
    "Wallis-et-Futuna": (-178.6, -14.6, -175.9, -13.0),
}
_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d{4,6})$", re.IGNORECASE)
VERS_DEGRES = (
    "Réenregistrez la couche en longitude et latitude, système WGS 84 (EPSG:4326). Dans QGIS, "
    f"c'est Exporter{INSECABLE}> Sauvegarder les entités sous…"
)


def systeme_declare(declare: Any) -> int | None:
    """Rendre le code EPSG déclaré par un GeoJSON ; None s'il n'en dit rien (RFC 7946)."""
    if declare is None:
        return None
    nom = declare.get("properties") if isinstance(declare, dict) else None
    nom = nom.get("name") if isinstance(nom, dict) else None
    if not isinstance(nom, str):
        raise Refus("système de coordonnées illisible", VERS_DEGRES, valeur=ecrire(declare))
    if nom.upper().endswith(":CRS84"):
        return 4326
    trouve = _EPSG.search(nom)
    epsg = int(trouve[1]) if trouve else 0
    if epsg in SYSTEMES_DEGRES:
        return 4326
    if epsg in SYSTEMES_METRES:
        return epsg
    dit = f"EPSG:{epsg}" if epsg else ecrire(nom)
    raise Refus("système de coordonnées inconnu", VERS_DEGRES, valeur=dit)


def en_france(ouest: float, sud: float, est: float, nord: float) -> bool:
    """Dire si une emprise, en degrés, tient dans l'une des terres françaises."""
    return any(
        o <= ouest and est <= e and s <= sud and nord <= n for o, s, e, n in EMPRISES.values()
    )
