"""Lire une couche de GeoPackage par SQLite, en lecture seule, sans GDAL.

Une base SQLite peut porter des vues et des déclencheurs : on ne lit que la table déclarée, dont le
nom est vérifié, avec une base en mémoire que rien d'autre ne touche.
"""

from __future__ import annotations

import sqlite3
import struct
from dataclasses import dataclass
from typing import Any

from ctg_data.anomalies import abreger
from ctg_data.lecture.geojson import OBJETS_MAX
from ctg_data.lecture.signatures import Refus
from ctg_data.textes import nombre

_REEXPORTER = "Exportez de nouveau la couche des communes, en GeoJSON ou en GeoPackage."
_ENVELOPPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_GEOMETRIQUES = ("POLYGON", "MULTIPOLYGON", "GEOMETRY", "SURFACE", "MULTISURFACE")
# Étapes de la machine de SQLite avant d'arrêter une requête : une vue hostile tournerait sans fin.
_ETAPES_MAX = 200_000_000


@dataclass(frozen=True)
class Couche:
    """Porter une couche lue : WKB de chaque objet (None sans contour), propriétés, système."""

    geometries: tuple[bytes | None, ...]
    proprietes: tuple[dict[str, Any], ...]
    epsg: int | None


def lire_couche(octets: bytes) -> Couche:
    """Lire la couche de contours d'un GeoPackage ; lève Refus s'il est abîmé ou sans contours.

    De plusieurs couches, celle dont le nom parle de communes, sinon la seule de surfaces.
    """
    base = sqlite3.connect(":memory:")
    try:
        # Une base en mémoire ne sait pas suivre un journal (WAL) : on la déclare sans journal.
        base.deserialize(octets[:18] + b"\x01\x01" + octets[20:])
        base.execute("PRAGMA query_only = ON")
        base.execute("PRAGMA trusted_schema = OFF")
        etapes = iter(range(_ETAPES_MAX // 1_000_000))
        base.set_progress_handler(lambda: next(etapes, None) is None, 1_000_000)
        return _lire(base)
    except (sqlite3.Error, struct.error, OverflowError, UnicodeError):
        raise Refus("GeoPackage abîmé ou incomplet", _REEXPORTER) from None
    finally:
        base.close()


def _lire(base: sqlite3.Connection) -> Couche:
    couches = base.execute(
        "SELECT table_name, column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns"
    ).fetchall()
    table, colonne, srs = _choisir(couches)
    reelles = {
        nom for (nom,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if table not in reelles:
        raise Refus("la couche de contours n'est pas une vraie table", _REEXPORTER)
    (combien,) = base.execute(f"SELECT count(*) FROM {_citer(table)}").fetchone()
    if not combien:
        raise Refus("le fichier ne contient aucun contour", _REEXPORTER)
    if combien > OBJETS_MAX:
        regle = f"plus de {nombre(OBJETS_MAX)} objets"
        raise Refus(regle, "Ne gardez que les communes utiles.", valeur=nombre(combien))
    curseur = base.execute(f"SELECT * FROM {_citer(table)}")
    noms = [d[0] for d in curseur.description]
    rang = noms.index(colonne) if colonne in noms else -1
    if rang < 0:
        raise Refus("colonne de géométrie absente", _REEXPORTER)
    lignes = curseur.fetchall()
    return Couche(
        tuple(_wkb(ligne[rang]) for ligne in lignes),
        tuple({n: v for n, v in zip(noms, ligne, strict=True) if n != colonne} for ligne in lignes),
        _epsg(base, srs),
    )


def _choisir(couches: list[tuple[Any, ...]]) -> tuple[str, str, int]:
    surfaces = [c for c in couches if str(c[2]).upper() in _GEOMETRIQUES]
    if not surfaces:
        raise Refus("ce ne sont pas des contours (aucune couche de polygones)", _REEXPORTER)
    communes = [c for c in surfaces if "commune" in str(c[0]).lower()]
    exactes = [c for c in communes if str(c[0]).lower() in ("commune", "communes")]
    retenues = exactes or communes or surfaces
    if len(retenues) > 1:
        noms = abreger(", ".join(str(c[0]) for c in retenues))
        raise Refus("plusieurs couches de contours", "N'exportez que les communes.", valeur=noms)
    return str(retenues[0][0]), str(retenues[0][1]), int(retenues[0][3])


def _citer(nom: str) -> str:
    return '"' + nom.replace('"', '""') + '"'


def _epsg(base: sqlite3.Connection, srs: int) -> int | None:
    trouve = base.execute(
        "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (srs,),
    ).fetchone()
    if trouve is None or str(trouve[0]).upper() != "EPSG":
        return None
    return int(trouve[1])


def _wkb(brut: Any) -> bytes | None:
    """Ôter l'en-tête GeoPackage (magie, version, drapeaux, système, enveloppe) du WKB."""
    if not isinstance(brut, bytes) or len(brut) < 8 or not brut.startswith(b"GP"):
        return None
    drapeaux = brut[3]
    if drapeaux & 0b10000:
        return None
    debut = 8 + _ENVELOPPES.get(drapeaux >> 1 & 0b111, len(brut))
    return brut[debut:] or None
