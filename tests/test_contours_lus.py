"""Lire des contours qui ont l'air justes et ne le sont pas : un cas par faute, nommé par elle."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from typing import Any

import pytest
import shapely
from pyproj import Transformer

from ctg_data.controle import Controle, controler
from ctg_data.lecture.contours import ECART_FRANC_KM, contours_depuis_octets

ABERGEMENT = "L'Abergement-Clémenciat"
AMBERIEU = "Ambérieu-en-Bugey"
Cas = tuple[bytes, str, str]


def carre(x: float = 5, y: float = 46, cote: float = 0.1) -> list[list[float]]:
    return [[x, y], [x + cote, y], [x + cote, y + cote], [x, y + cote], [x, y]]


def polygone(*anneaux: Any, **plus: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(anneaux) or [carre()], **plus}


def commune(geometrie: Any = None, proprietes: Any = None, **plus: Any) -> dict[str, Any]:
    lues = {"code": "01001", "nom": ABERGEMENT} if proprietes is None else proprietes
    return {"type": "Feature", "properties": lues, "geometry": geometrie or polygone(), **plus}


def amberieu(**plus: Any) -> dict[str, Any]:
    return commune(polygone(carre(5.2)), {"code": "01004", "nom": AMBERIEU}, **plus)


def collection(*objets: Any, **plus: Any) -> bytes:
    lue = {"type": "FeatureCollection", "features": list(objets), **plus}
    return json.dumps(lue, ensure_ascii=False).encode()


def groupe(*membres: Any) -> bytes:
    return collection(commune({"type": "GeometryCollection", "geometries": list(membres)}))


def avec(**proprietes: Any) -> bytes:
    return collection(commune(proprietes=proprietes))


def phrases(controle: Controle) -> str:
    """Rendre tout ce qui est dit d'un fichier, espaces simples."""
    dites = " ".join(f"{a.constat} {a.correction}" for a in controle.anomalies)
    return dites.replace("\u00a0", " ").replace("\u202f", " ")


POINT = {"type": "Point", "coordinates": [5, 46]}
AILLEURS = polygone(carre(-3.5, 48))
DEUX = [polygone(), polygone(carre(5.2))]
EMBOITE = {"type": "GeometryCollection", "geometries": [polygone()]}
ANCIENNE = {"code": "01033", "insee": "01091"}  # 01091 a rejoint Valserhône, 01033.
MAIRIE_LOIN = "Objet n° 2 (01001) : contour à 664 km de la mairie"
INTERDIT = "« {} » n'a pas sa place dans une {}"

FAUTES: dict[str, Cas] = {
    "reference": (collection(commune(), amberieu(), bbox=[5, 46, 5.3, 46.1]), "accepte", ""),
    "emprise_en_3d": (collection(commune(bbox=[5, 46, 0, 6, 47, 9])), "accepte", ""),
    # Ce que dit un contour contre ce que dit son code.
    "loin_de_sa_mairie": (collection(amberieu(), commune(AILLEURS)), "normalise", MAIRIE_LOIN),
    "code_postal": (avec(code="01400", nom=ABERGEMENT), "refuse", "01400 est un code postal"),
    "nom_d_une_autre": (
        avec(code="01001", nom="Ajaccio"),
        "normalise",
        "Objet n° 1 (01001) : le code est celui de « L'Abergement-Clémenciat », le nom en dit une "
        "autre (trouvé : « Ajaccio »). Vérifiez : cette commune-là a le code 2A004",
    ),
    "nom_de_personne": (avec(code="01001", nom="Le Haut du bourg"), "accepte", ""),
    "nom_sans_accent": (avec(code="01001", nom="l abergement clemenciat"), "accepte", ""),
    "deux_codes_contraires": (
        avec(code="01004", insee="01001"),
        "refuse",
        "Objet n° 1 (01004) : deux codes commune qui se contredisent (code : 01004, insee : 01001)",
    ),
    "deux_codes_pareils": (avec(code="01001", insee=1001), "accepte", ""),
    "deux_codes_d_une_fusion": (
        collection(commune(polygone(carre(5.8)), ANCIENNE)),
        "accepte",
        "",
    ),
    "numero_a_cote_du_code": (avec(code="01001", com="99998"), "accepte", ""),
    # GeometryCollection : rien n'en disparaît sans un mot.
    "un_contour_groupe": (groupe(polygone()), "normalise", "GeometryCollection lue comme"),
    "deux_contours_groupes": (groupe(*DEUX), "normalise", "01001 : 2 contours réunis"),
    "groupe_emboite": (groupe(EMBOITE, POINT), "normalise", "point ou ligne ignoré"),
    "groupe_a_trou": (groupe(polygone(), None, 5), "refuse", "élément illisible"),
    "groupe_vide": (groupe(), "refuse", "GeometryCollection sans contour"),
    # RFC 7946, § 7.1.
    "features_dans_un_objet": (
        collection(commune(features=[])),
        "refuse",
        INTERDIT.format("features", "entité"),
    ),
    "coordonnees_dans_la_collection": (
        collection(commune(), coordinates=[]),
        "refuse",
        INTERDIT.format("coordinates", "collection"),
    ),
    "proprietes_dans_la_geometrie": (
        collection(commune(polygone(properties={}))),
        "refuse",
        INTERDIT.format("properties", "géométrie"),
    ),
    # Emprises (bbox) et altitudes.
    "emprise_de_trois_nombres": (
        collection(commune(), bbox=[1, 2, 3]),
        "refuse",
        "emprise (bbox) illisible dans une collection",
    ),
    "emprise_en_lettres": (
        collection(commune(bbox=["a", "b", "c", "d"])),
        "refuse",
        "Objet n° 1 (01001) : emprise (bbox) illisible dans une entité",
    ),
    "emprise_de_geometrie": (collection(commune(polygone(bbox=[True] * 4))), "refuse", "géométrie"),
    "altitude_en_lettres": (
        collection(commune(polygone([[*p, "haut"] for p in carre()]))),
        "refuse",
        "Objet n° 1 (01001) : coordonnée non numérique (haut)",
    ),
    "altitude_nulle": (
        collection(commune(polygone([[*p, None] for p in carre()]))),
        "refuse",
        "coordonnée non numérique (null)",
    ),
    # Noms de la propriété de code.
    "codeCommune": (avec(codeCommune="01001"), "normalise", "« codeCommune »"),
    "CODE_COM": (avec(CODE_COM="01001"), "normalise", "« CODE_COM »"),
    "code_commune_en_clair": (avec(**{"Code géographique": "01001"}), "normalise", "géographique"),
    "espaces_autour_du_code": (avec(code=" 01001"), "normalise", "espaces ôtées"),
    "sans_code": (avec(nom=ABERGEMENT), "refuse", "aucune propriété de code commune"),
    # Fautes de JSON situées.
    "cle_double": (
        collection(amberieu(), commune()).replace(b'"code": "01001"', b'"code": "1", "code": "2"'),
        "refuse",
        "Objet n° 2 : clé écrite deux fois dans le même objet (trouvé : « code »)",
    ),
    "entier_geant": (
        collection(amberieu(), commune()).replace(b'"01001"', b"1" * 5_000),
        "refuse",
        "Objet n° 2 : JSON invalide, nombre de 5 000 chiffres",
    ),
    "cle_double_a_la_racine": (b'{"type": "Feature", "type": "Point"}', "refuse", "clé écrite"),
    "degres_au_dela_de_360": (
        collection(commune(polygone(carre(365)))),
        "refuse",
        "longitude hors de l'intervalle de −180 à 180",
    ),
}


@pytest.mark.parametrize("faute", FAUTES)
def test_un_contour_qui_ment(faute: str) -> None:
    octets, verdict, dit = FAUTES[faute]
    controle = controler(octets, f"{faute}.geojson")
    assert controle.verdict == verdict, phrases(controle)
    assert dit.lower() in phrases(controle).lower()


def test_l_ecart_franc_laisse_les_contours_approches() -> None:
    """Un carré posé à la diable près de sa commune se tait ; au-delà de l'écart, il se dit."""
    pres = controler(collection(commune(polygone(carre(5.4, 46.1)))), "pres.geojson")
    loin = controler(collection(commune(polygone(carre(5.7, 46.1)))), "loin.geojson")
    assert pres.verdict == "accepte"
    [anomalie] = loin.anomalies
    assert (anomalie.gravite, anomalie.objet, anomalie.commune) == ("avertissement", 1, "01001")
    assert int(anomalie.regle.split("\u00a0")[0].rpartition(" ")[2]) > ECART_FRANC_KM


def test_une_carte_dit_dix_contours_lointains_et_compte_les_autres() -> None:
    codes = [f"01{n:03}" for n in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)]
    objets = [
        commune(polygone(carre(-3.5 + rang / 5, 48)), {"code": code})
        for rang, code in enumerate(codes)
    ]
    remarques = contours_depuis_octets(collection(*objets), "loin.geojson").attrs["remarques"]
    assert len(remarques) == 11
    assert remarques[-1] == "Et 2\u00a0autres remarques."


# --- Messages d'un fichier qui n'est pas un tableau ---------------------------------------------

MESSAGES: dict[str, tuple[str, bytes, str, str]] = {
    "mac_roman": (
        "a.geojson",
        collection(commune()).decode().encode("mac_roman"),
        "choisissez l'encodage UTF-8",
        "CSV",
    ),
    "html": ("a.geojson", b"<!doctype html><html></html>", "GeoJSON", "Excel"),
    "json_nomme_csv": ("a.csv", b'[{"a": 1}, {"a": 2}]', "Exportez les données en tableau", ".geo"),
    "geojson_nomme_csv": ("a.csv", collection(commune()), "Renommez-le en .geojson", "abîmé"),
    "gzip": (
        "a.csv",
        b"\x1f\x8b\x08\x00",
        "fichier compressé (gzip) : décompressez-le",
        "compressé,",
    ),
    "7z": ("a.7z", b"7z\xbc\xaf\x27\x1c", "archive 7-Zip : décompressez-la", "décompressez-le"),
    "shp": ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 96, "GeoPackage", "tableau"),
    "dbf": ("a.dbf", b"\x03\x7a\x01\x01COMMUNE", "shapefile", "CSV"),
}


@pytest.mark.parametrize("cas", MESSAGES)
def test_un_conseil_qui_vaut_pour_ce_fichier(cas: str) -> None:
    fichier, octets, dit, tu = MESSAGES[cas]
    controle = controler(octets, fichier)
    assert controle.verdict == "refuse"
    assert dit.lower() in phrases(controle).lower() and tu not in phrases(controle)


def test_un_zip_de_shapefile_dit_quoi_exporter() -> None:
    tampon = io.BytesIO()
    with zipfile.ZipFile(tampon, "w") as archive:
        for nom in ("communes.shp", "communes.dbf", "communes.prj", "communes.cpg"):
            archive.writestr(nom, b"\x00\x00\x27\x0a")
    [anomalie] = controler(tampon.getvalue(), "communes.zip").anomalies
    assert anomalie.erreur and "shapefile" in anomalie.regle
    assert "exportez la couche en GeoJSON ou en GeoPackage" in anomalie.correction


# --- GeoPackage --------------------------------------------------------------------------------


def geopackage(geometries: dict[Any, shapely.Geometry], genre: str, epsg: int) -> bytes:
    """Fabriquer la couche que l'IGN livre : colonne « geometrie », enveloppe, code_insee."""
    base = sqlite3.connect(":memory:")
    base.executescript(
        "CREATE TABLE gpkg_spatial_ref_sys (srs_id, organization, organization_coordsys_id);"
        "CREATE TABLE gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id);"
        "CREATE TABLE commune (cleabs TEXT, geometrie BLOB, code_insee);"
    )
    base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (7, 'epsg', ?)", (epsg,))
    couche = ("commune", "geometrie", genre, 7)
    base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?)", couche)
    for code, geometrie in geometries.items():
        ouest, sud, est, nord = geometrie.bounds
        tete = b"GP\x00\x03" + struct.pack("<i4d", 7, ouest, est, sud, nord)
        brute = tete + shapely.to_wkb(geometrie, flavor="iso")
        base.execute("INSERT INTO commune VALUES ('COMMUNE_1', ?, ?)", (brute, code))
    base.commit()
    octets = base.serialize()
    base.close()
    return octets


def metres(x: float = 5, hauteur: float | None = None) -> shapely.MultiPolygon:
    vers = Transformer.from_crs(4326, 2154, always_xy=True)
    plat = shapely.MultiPolygon([[[vers.transform(*p) for p in carre(x)]]])
    return plat if hauteur is None else shapely.force_3d(plat, hauteur)


@pytest.mark.parametrize("hauteur", [None, 120.5], ids=["plat", "en_3d"])
@pytest.mark.parametrize("genre", ["MULTIPOLYGON", "GEOMETRY"])
def test_un_geopackage_de_l_ign_en_lambert_93(genre: str, hauteur: float | None) -> None:
    octets = geopackage({"01001": metres(5, hauteur), 1004: metres(5.2, hauteur)}, genre, 2154)
    controle = controler(octets, "admin.gpkg")
    assert controle.verdict == "normalise" and controle.contours is not None
    assert list(controle.contours["code"]) == ["01001", "01004"]
    assert controle.contours.total_bounds == pytest.approx([5, 46, 5.3, 46.1], abs=1e-6)
    dites = phrases(controle)
    assert "EPSG:2154 : coordonnées converties en degrés" in dites and "« code_insee »" in dites
    assert ("altitudes ignorées" in dites.lower()) == (hauteur is not None)


def test_un_geopackage_loin_de_sa_mairie_se_dit() -> None:
    octets = geopackage({"01001": metres(), "2A004": metres(5.2)}, "MULTIPOLYGON", 2154)
    dites = phrases(controler(octets, "admin.gpkg"))
    assert "Objet n° 2 (2A004) : contour à" in dites and "(01001)" not in dites
