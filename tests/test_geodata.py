"""Les contours et les distances : des vérités que l'on peut refaire à la main."""

from __future__ import annotations

import copy
import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.contours import (
    FRANCE,
    TERRITOIRES,
    ErreurContours,
    aire_km2,
    communes_de_france,
    contours_depuis_octets,
    contours_territoire,
    en_geojson,
    en_lambert93,
    extraire,
    hachures,
    lire_contours,
    points_etiquettes,
    projection_legale,
    voisines,
)
from geodata.distances import distances_km, minutes

RACINE = Path(__file__).parent.parent
CORPUS = RACINE.parent / "shared" / "corpus"
NOMS = ["costieres_camargue", "gard_rhodanien"]
# Une phrase de Python ou d'une bibliothèque n'aide personne.
JARGON = ("Traceback", "Error", "Expecting", "NoneType", "object has", "argument", "codec")


def codes(nom: str) -> list[str]:
    fiche = RACINE / "ctg_data" / "territoires" / nom / "territoire.toml"
    return tomllib.loads(fiche.read_text("utf-8"))["communes"]


@pytest.fixture(scope="module", params=NOMS)
def territoire(request: pytest.FixtureRequest) -> tuple[str, gpd.GeoDataFrame]:
    return request.param, contours_territoire(request.param, codes(request.param))


@pytest.fixture(scope="module")
def france() -> gpd.GeoDataFrame:
    return communes_de_france()


# --- Les deux territoires -----------------------------------------------------------------------


@pytest.mark.parametrize(("nom", "attendu"), [("costieres_camargue", 8), ("gard_rhodanien", 44)])
def test_communes_du_territoire(nom: str, attendu: int) -> None:
    contours = lire_contours(TERRITOIRES / f"{nom}.geojson")
    ici = contours[contours["role"] == "territoire"]
    assert len(ici) == attendu
    assert sorted(ici["code"]) == sorted(codes(nom))


def test_noms_avec_article() -> None:
    noms = communes_de_france(codes=["30196", "30222", "30258", "30011", "01001"])["nom"]
    assert noms.tolist() == [
        "L'Abergement-Clémenciat",
        "Les Angles",
        "Le Pin",
        "La Roque-sur-Cèze",
        "Saint-Gilles",
    ]


def test_couverture_sans_trou_ni_recouvrement(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    metres = en_lambert93(territoire[1])
    assert metres.is_valid.all()
    assert shapely.coverage_is_valid(territoire[1].geometry.to_numpy())
    assert metres.area.sum() == pytest.approx(metres.union_all().area, rel=1e-6)


def test_territoire_d_un_seul_tenant_sans_trou() -> None:
    contours = contours_territoire("gard_rhodanien", codes("gard_rhodanien"))
    ensemble = contours[contours["role"] == "territoire"].union_all()
    assert isinstance(ensemble, shapely.Polygon) and not ensemble.interiors


def test_voisines_disjointes_et_proches(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    metres = en_lambert93(territoire[1])
    ici = metres[metres["role"] == "territoire"]
    autour = metres[metres["role"] == "voisine"]
    assert len(autour) > 100 and not set(ici["code"]) & set(autour["code"])
    # Soixante mètres de simplification de part et d'autre.
    assert autour.distance(ici.union_all()).max() < 20_000 + 120


def test_voisines_hors_du_gard() -> None:
    """Le Gard rhodanien touche l'Ardèche et le Vaucluse : leurs communes comptent."""
    departements = set(voisines(codes("gard_rhodanien"))["departement"])
    assert departements == {"30", "07", "84", "26", "13"}


def test_voisines_selon_le_rayon() -> None:
    assert voisines(["30258"], rayon_km=0).empty
    proches, loin = (set(voisines(["30258"], rayon_km=r)["code"]) for r in (1, 20))
    # Générac touche Saint-Gilles ; Nîmes est à moins de vingt kilomètres.
    assert "30128" in proches < loin and "30189" in loin and "30258" not in loin


def test_fichier_prepare_a_jour(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    nom, prepares = territoire
    frais = extraire(codes(nom))
    assert prepares["code"].tolist() == frais["code"].tolist()
    assert prepares["nom"].tolist() == frais["nom"].tolist()
    assert prepares.geometry.normalize().geom_equals(frais.geometry.normalize()).all()


@pytest.mark.parametrize("nom", NOMS)
def test_geojson_leger_arrondi_et_identifie(nom: str) -> None:
    chemin = TERRITOIRES / f"{nom}.geojson"
    assert chemin.stat().st_size < 250_000
    objets = json.loads(chemin.read_text("utf-8"))["features"]
    assert all(o["id"] == o["properties"]["code"] for o in objets)
    assert {tuple(o["properties"]) for o in objets} == {("code", "nom", "role")}
    points = shapely.get_coordinates(lire_contours(chemin).geometry)
    assert (points == points.round(5)).all()


def test_anneaux_dans_le_sens_horaire(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    """Plotly colorierait le monde entier autour d'une commune tournée dans l'autre sens."""
    anneaux = shapely.get_exterior_ring(shapely.get_parts(territoire[1].geometry.to_numpy()))
    assert not shapely.is_ccw(anneaux).any()


# --- Le fonds national --------------------------------------------------------------------------


def test_nombre_de_communes_et_poids(france: gpd.GeoDataFrame) -> None:
    assert len(france) == 34_867 and france["code"].is_unique
    assert FRANCE.stat().st_size <= 15_000_000
    assert france.crs.to_epsg() == 4326


def test_pas_de_population_perimee(france: gpd.GeoDataFrame) -> None:
    assert not [c for c in france.columns if "pop" in c]


def test_france_sans_jour_ni_recouvrement(france: gpd.GeoDataFrame) -> None:
    assert france.is_valid.all()
    assert shapely.coverage_is_valid(france.geometry.to_numpy())


def test_rattachements(france: gpd.GeoDataFrame) -> None:
    saint_gilles = france.set_index("code").loc["30258"]
    assert saint_gilles["departement"] == "30" and saint_gilles["region"] == "76"
    assert saint_gilles["code_epci"] == "243000643"
    ajaccio = france.set_index("code").loc["2A004"]
    assert ajaccio["departement"] == "2A" and ajaccio["region"] == "94"
    assert france["departement"].nunique() == 101


def test_mairies_dans_leur_commune(france: gpd.GeoDataFrame) -> None:
    """La source en pose une sur vingt ailleurs ; celles-là sont vides plutôt que fausses."""
    metropole = france[~france["departement"].str.startswith("97")].dropna(subset="mairie_lon")
    mairies = gpd.GeoSeries.from_xy(metropole["mairie_lon"], metropole["mairie_lat"], crs=4326)
    ecarts = mairies.to_crs(2154).distance(en_lambert93(metropole), align=False)
    assert ecarts.max() <= 500 and len(metropole) > 0.94 * len(france)


class Compteur(io.FileIO):
    """Compter les octets vraiment lus."""

    lus = 0

    def read(self, taille: int | None = -1, /) -> bytes:
        octets = super().read(-1 if taille is None else taille) or b""
        self.lus += len(octets)
        return octets


@pytest.mark.parametrize(
    ("demande", "rapport"),
    [
        ({"codes": ["30258"]}, 10),
        ({"codes": ["2A004"]}, 10),
        ({"bbox": (4.3, 43.9, 4.9, 44.4)}, 3),
    ],
)
def test_lecture_filtree_bien_plus_legere(demande: dict[str, Any], rapport: int) -> None:
    entier, filtre = Compteur(FRANCE), Compteur(FRANCE)
    communes_de_france(fonds=entier)  # type: ignore[arg-type]
    communes_de_france(fonds=filtre, **demande)  # type: ignore[arg-type]
    assert 0 < filtre.lus * rapport < entier.lus


@pytest.mark.parametrize(
    ("choisies", "voisine", "epsg"),
    [
        (["01004", "01007", "01041", "01089"], "01384", 2154),  # Ambérieu ; Saint-Rambert
        (["2A004"], "2A001", 2154),  # Ajaccio ; Afa
        (["97411"], "97418", 2975),  # Saint-Denis de La Réunion ; Sainte-Marie
    ],
)
def test_territoire_quelconque(choisies: list[str], voisine: str, epsg: int) -> None:
    contours = contours_territoire("nulle_part_prepare", choisies)
    roles = contours.set_index("code")["role"]
    assert sorted(roles[roles == "territoire"].index) == choisies
    assert roles[voisine] == "voisine"
    assert shapely.coverage_is_valid(contours.geometry.to_numpy())
    assert projection_legale(choisies) == epsg


def test_le_fichier_de_l_utilisateur_l_emporte(tmp_path: Path) -> None:
    (tmp_path / "gard_rhodanien.geojson").write_text(json.dumps(REFERENCE), "utf-8")
    contours = contours_territoire("gard_rhodanien", ["01001"], [TERRITOIRES, tmp_path])
    assert contours["code"].tolist() == ["01001", "01004"]
    assert contours["role"].tolist() == ["territoire", "voisine"]


def test_nom_de_territoire_jamais_colle_a_un_chemin(tmp_path: Path) -> None:
    (tmp_path / "secret.geojson").write_text(json.dumps(REFERENCE), "utf-8")
    dossier = tmp_path / "territoires"
    dossier.mkdir()
    contours = contours_territoire("../secret", ["30258"], [dossier], rayon_km=0)
    assert contours["code"].tolist() == ["30258"]


@pytest.mark.parametrize(
    ("demandes", "attendu"),
    [
        ([], "territoire sans commune"),
        (["30258", "99999"], "99999"),
        (["49126"], "pas de contour pour 1\u00a0commune"),  # Orée d'Anjou manque à la source
        (["30258", "97411"], "outre-mer"),
    ],
)
def test_territoire_impossible(demandes: list[str], attendu: str) -> None:
    with pytest.raises(ErreurContours, match=attendu):
        contours_territoire("nulle_part_prepare", demandes)


def test_fonds_absent_ou_abime(tmp_path: Path) -> None:
    abime = tmp_path / "france.parquet"
    for octets in (None, b"", b"PAR1 pas un parquet PAR1"):
        if octets is not None:
            abime.write_bytes(octets)
        with pytest.raises(ErreurContours, match="fonds illisible"):
            communes_de_france(codes=["30258"], fonds=abime)


# --- Mesures et dessin --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "officielle"),
    # Superficies publiées par l'Insee, en km² ; les contours sont généralisés.
    [("30258", 153.7), ("30028", 31.4), ("75056", 105.4), ("2A004", 82.0), ("97411", 142.8)],
)
def test_aires_connues(code: str, officielle: float) -> None:
    assert aire_km2(communes_de_france(codes=[code]))[code] == pytest.approx(officielle, rel=0.03)


def test_etiquettes_dans_la_commune(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    points = points_etiquettes(territoire[1])
    assert points["code"].tolist() == territoire[1]["code"].tolist()
    poses = gpd.GeoSeries.from_xy(points["longitude"], points["latitude"], crs=4326)
    assert poses.within(territoire[1].geometry).all()


def test_etiquette_au_large_d_un_croissant() -> None:
    """Le centre de gravité d'un U est hors du U ; l'étiquette est dans sa branche la plus large."""
    u = shapely.Polygon([(0, 0), (20, 0), (20, 9), (17, 9), (17, 1), (4, 1), (4, 9), (0, 9)])
    metres = shapely.transform(u, lambda p: p * 1000 + (800_000, 6_300_000))
    contour = gpd.GeoDataFrame({"code": ["30258"]}, geometry=[metres], crs=2154)
    point = points_etiquettes(contour.to_crs(4326)).iloc[0]
    pose = gpd.GeoSeries.from_xy([point["longitude"]], [point["latitude"]], crs=4326)
    assert not metres.contains(metres.centroid)
    assert pose.to_crs(2154).x[0] == pytest.approx(802_000, abs=300)


def test_hachures_d_un_carre() -> None:
    """Dans un carré de 1 000 m décalé d'un demi-pas, un trait tous les 100 m : dix de 1 000 m."""
    carre = shapely.box(50, 50, 1050, 1050)
    for angle in (0, 90, 180):
        traits = hachures(carre, 100, angle)
        assert len(traits.geoms) == 10 and traits.length == pytest.approx(10_000)


def test_hachures_penchees_et_decoupees() -> None:
    commune = shapely.box(0, 0, 3_000, 2_000).difference(shapely.box(1_000, 500, 2_000, 1_500))
    traits = hachures(commune, 100, 45)
    assert commune.buffer(1e-6).covers(traits)
    # Des traits serrés ont pour longueur l'aire divisée par le pas.
    assert traits.length * 100 == pytest.approx(commune.area, rel=0.02)
    (x0, y0), (x1, y1) = traits.geoms[0].coords
    assert (y1 - y0) / (x1 - x0) == pytest.approx(1)


def test_hachures_jamais_vides() -> None:
    assert hachures(shapely.box(10, 10, 20, 20), 1_000, 0).length > 0
    assert hachures(shapely.Polygon(), 100, 0).is_empty
    with pytest.raises(ValueError, match="positif"):
        hachures(shapely.box(0, 0, 1, 1), 0, 0)


# --- Distances ----------------------------------------------------------------------------------

BAGNOLS, PONT_SAINT_ESPRIT = (4.61964, 44.162102), (4.647, 44.257)


def test_un_degre_de_latitude() -> None:
    """Un degré de méridien : 2 π × 6 371 km / 360 = 111,2 km."""
    assert distances_km([(4, 43), (4, 44)])[0, 1] == pytest.approx(111.2, abs=0.05)


def test_paris_lyon() -> None:
    """D'un hôtel de ville à l'autre, 392 km à vol d'oiseau."""
    assert distances_km([(2.3522, 48.8566), (4.8357, 45.7640)])[0, 1] == pytest.approx(392, abs=1)


def test_matrice_symetrique_et_nulle_sur_la_diagonale() -> None:
    gard = communes_de_france(codes=codes("gard_rhodanien"))
    matrice = distances_km(points_etiquettes(gard)[["longitude", "latitude"]])
    assert matrice.shape == (44, 44) and (matrice == matrice.T).all()
    assert (np.diag(matrice) == 0).all() and 30 < matrice.max() < 60


def test_distances_vers_d_autres_points_et_coordonnee_absente() -> None:
    matrice = distances_km([BAGNOLS], vers=[PONT_SAINT_ESPRIT, (np.nan, 44.0), BAGNOLS])
    assert matrice.shape == (1, 3) and matrice[0, 2] == 0
    assert matrice[0, 0] == pytest.approx(10.8, abs=0.1) and np.isnan(matrice[0, 1])


def test_minutes_a_la_main() -> None:
    """10,8 km à vol d'oiseau × 1,3 = 14 km, à 50 km/h : 16,8 minutes."""
    temps = minutes([BAGNOLS, PONT_SAINT_ESPRIT], coefficient=1.3, vitesse=50)
    km = distances_km([BAGNOLS, PONT_SAINT_ESPRIT])
    assert temps[0, 1] == pytest.approx(16.8, abs=0.1)
    assert temps == pytest.approx(km * 1.3 / 50 * 60)


@pytest.mark.parametrize("points", [[(800_000, 6_300_000)], [(4, 95)], [1, 2], [(1, 2, 3)]])
def test_distances_refusent_autre_chose_que_des_degres(points: Any) -> None:
    with pytest.raises(ValueError, match="longitude"):
        distances_km(points)


@pytest.mark.parametrize(("coefficient", "vitesse"), [(0, 50), (1.3, 0), (1.3, -50)])
def test_minutes_refusent_une_vitesse_nulle(coefficient: float, vitesse: float) -> None:
    with pytest.raises(ValueError, match="positifs"):
        minutes([BAGNOLS], coefficient, vitesse)


# --- Fichiers fournis par un utilisateur --------------------------------------------------------


def carre(x: float, y: float, cote: float = 0.1) -> list[list[float]]:
    return [[x, y], [x + cote, y], [x + cote, y + cote], [x, y + cote], [x, y]]


def objet(code: Any = "01001", geometrie: Any = None, **proprietes: Any) -> dict[str, Any]:
    polygone = {"type": "Polygon", "coordinates": [carre(5, 46)]}
    proprietes = {"code": code, "nom": "L'Abergement-Clémenciat", **proprietes}
    return {"type": "Feature", "properties": proprietes, "geometry": geometrie or polygone}


def collection(*objets: Any, **autres: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(objets), **autres}


def polygone(*anneaux: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(anneaux)}


REFERENCE = collection(objet(), objet("01004", polygone(carre(5.2, 46)), nom="Ambérieu-en-Bugey"))
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}
CRS84 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
L93 = {"type": "name", "properties": {"name": "EPSG:2154"}}

FAUTIFS: dict[str, tuple[Any, str]] = {
    "vide": (b"", "le fichier est vide"),
    "archive": (b"PK\x03\x04", "archive"),
    "xml": (b"<OGRVRTDataSource/>", "XML"),
    "profond": (b'{"a":' + b"[" * 100_000, "emboîtés"),
    "chaine sans fin": (b'"\\' * 200_000, "JSON invalide ligne 1"),
    "virgule": (b'{"type": "FeatureCollection", "features": [],}', "JSON invalide ligne 1"),
    "entier geant": (b"[" + b"1" * 10_000 + b"]", "JSON invalide"),
    "racine": (None, "pas de contours"),
    "polygone seul": (polygone(carre(5, 46)), "FeatureCollection"),
    "gdalg": ({"type": "gdal_streamed_alg", "command_line": "x"}, "FeatureCollection"),
    "sans liste": ({"type": "FeatureCollection", "features": {}}, "features"),
    "sans objet": (collection(), "aucun contour"),
    "crs": (collection(objet(), crs=CRS), "EPSG:999999"),
    "sans code": (
        collection({"type": "Feature", "properties": {"nom": "X"}, "geometry": {}}),
        "aucune propriété de code commune",
    ),
    "code court": (collection(objet("30")), "objet n°\u00a01"),
    "code en double": (collection(objet(), objet()), "déjà porté par l'objet n°\u00a01"),
    "objet nul": (collection(objet(), None), "objet n°\u00a02"),
    "points": (collection(objet(geometrie={"type": "Point", "coordinates": [5, 46]})), "points"),
    "ligne": (
        collection(objet(), objet("01004", {"type": "LineString", "coordinates": []})),
        "objet n°\u00a02 (01004)\u00a0: LineString au lieu d'un contour",
    ),
    "sans geometrie": (collection({**objet(), "geometry": None}), "pas de contour"),
    "trois points": (collection(objet(geometrie=polygone(carre(5, 46)[:2]))), "4 points"),
    "texte": (collection(objet(geometrie=polygone([["5", "46"]] * 4))), "non numérique"),
    "nan": (collection(objet(geometrie=polygone([[5, float("nan")]] * 4))), "«\u00a0NaN\u00a0»"),
    "infini": (collection(objet(geometrie=polygone([[5, float("inf")]] * 4))), "Infinity"),
    "plat": (collection(objet(geometrie=polygone([[5, 46], [5.1, 46], [5.2, 46]]))), "nulle"),
    "lambert": (collection(objet(geometrie=polygone(carre(800_000, 6_300_000)))), "Lambert-93"),
    "inverse": (collection(objet(geometrie=polygone(carre(46, 5)))), "inversées"),
    "latitude 95": (collection(objet(geometrie=polygone(carre(5, 95)))), "−90 à 90"),
    "ailleurs": (collection(objet(geometrie=polygone(carre(100, 0)))), "hors de la France"),
    "antimeridien": (
        collection(objet("98611", polygone([[179, -14], [-179, -14], [-179, -13], [179, -13]]))),
        "antiméridien",
    ),
}


def octets_de(contenu: Any) -> bytes:
    return contenu if isinstance(contenu, bytes) else json.dumps(contenu).encode()


def refus(octets: bytes, fichier: str = "essai.geojson") -> str:
    """Rendre le message d'un refus, et exiger qu'il soit en français et situé."""
    with pytest.raises(ErreurContours) as leve:
        contours_depuis_octets(octets, fichier)
    message = str(leve.value)
    assert message.startswith(fichier) and "\u00a0: " in message
    assert not [mot for mot in JARGON if mot in message]
    assert all(a.correction for a in leve.value.anomalies)
    return message


@pytest.mark.parametrize("cas", FAUTIFS)
def test_fichier_fautif(cas: str) -> None:
    contenu, attendu = FAUTIFS[cas]
    assert attendu in refus(octets_de(contenu))


def test_toutes_les_fautes_a_la_fois() -> None:
    message = refus(octets_de(collection(objet("x"), objet("01004"), objet("y"), objet("01004"))))
    lieux = [ligne.split("\u00a0: ")[0] for ligne in message.splitlines()]
    assert lieux == [
        "essai.geojson, objet n°\u00a01",
        "essai.geojson, objet n°\u00a03",
        "essai.geojson, objet n°\u00a04 (01004)",
    ]
    beaucoup = refus(octets_de(collection(*[objet("x")] * 25)))
    assert beaucoup.endswith("Et 15\u00a0autres fautes.")


REPARES: dict[str, tuple[Any, str]] = {
    "bom": (b"\xef\xbb\xbf" + octets_de(REFERENCE), ""),
    "utf-16": (json.dumps(REFERENCE).encode("utf-16"), ""),
    "cp1252": (json.dumps(REFERENCE, ensure_ascii=False).encode("cp1252"), "Windows-1252"),
    "non ferme": (collection(objet(geometrie=polygone(carre(5, 46)[:4]))), "contour refermé"),
    "code entier": (collection(objet(1001)), "1001 → 01001"),
    "code decimal": (collection(objet(1001.0)), "1001 → 01001"),
    "corse": (collection(objet("2a004")), "2a004 → 2A004"),
    "croise": (
        collection(objet(geometrie=polygone([[5, 46], [5.1, 46.1], [5.1, 46], [5, 46.1]]))),
        "se croisait",
    ),
    "collection de geometries": (
        collection(
            objet(
                geometrie={
                    "type": "GeometryCollection",
                    "geometries": [
                        polygone(carre(5, 46)),
                        {"type": "Point", "coordinates": [5, 46]},
                    ],
                }
            )
        ),
        "point ou ligne ignoré",
    ),
    "lambert declare": (
        collection(objet("30258", polygone(carre(800_000, 6_300_000, 1_000))), crs=L93),
        "converties en degrés",
    ),
}


@pytest.mark.parametrize("cas", REPARES)
def test_fichier_repare_en_le_disant(cas: str) -> None:
    contenu, attendu = REPARES[cas]
    contours = contours_depuis_octets(octets_de(contenu), "essai.geojson")
    remarques = " ".join(contours.attrs["remarques"])
    assert attendu in remarques and bool(attendu) == bool(remarques)
    assert contours.crs.to_epsg() == 4326 and contours.is_valid.all()


def test_aller_retour_geojson(territoire: tuple[str, gpd.GeoDataFrame]) -> None:
    relus = contours_depuis_octets(octets_de(en_geojson(territoire[1])), "copie.geojson")
    assert relus.geom_equals(territoire[1]).all()
    assert (relus["role"] == territoire[1]["role"]).all()


def test_codes_trouves_sous_un_autre_nom_et_noms_nettoyes() -> None:
    ign = {"code": "COMMUNE_7", "INSEE_COM": "30258", "NOM": "Saint\u2028Gilles\x00\ud800"}
    contours = contours_depuis_octets(
        octets_de(collection({**objet(), "properties": ign})), "ign.geojson"
    )
    assert contours[["code", "nom", "role"]].to_numpy().tolist() == [
        ["30258", "Saint Gilles", "territoire"]
    ]


def test_fichier_absent_dossier_ou_trop_lourd(tmp_path: Path) -> None:
    lourd = tmp_path / "lourd.geojson"
    lourd.write_bytes(octets_de(REFERENCE))
    with pytest.raises(ErreurContours, match="introuvable"):
        lire_contours(tmp_path / "absent.geojson")
    with pytest.raises(ErreurContours, match="lecture impossible"):
        lire_contours(tmp_path)
    with pytest.raises(ErreurContours, match="trop lourd"):
        lire_contours(lourd, taille_max_mo=0.0001)


def corpus() -> list[tuple[str, bytes, str, int | None]]:
    """Lister (nom, octets, suite attendue, nombre d'objets) ; la référence au moins y est."""
    cas: list[tuple[str, bytes, str, int | None]] = [
        ("reference", octets_de(REFERENCE), "accepter", 2)
    ]
    manifeste = CORPUS / "MANIFEST.csv"
    lignes = csv.DictReader(manifeste.open(encoding="utf-8")) if manifeste.is_file() else []
    for ligne in lignes:
        if ligne["file"].startswith("geojson/"):
            attendu = json.loads(ligne["expect"] or "{}").get("features")
            cas.append((ligne["file"], (CORPUS / ligne["file"]).read_bytes(), ligne["do"], attendu))
    return cas


@pytest.mark.parametrize(("nom", "octets", "suite", "attendu"), corpus(), ids=lambda v: str(v)[:60])
def test_corpus(nom: str, octets: bytes, suite: str, attendu: int | None) -> None:
    """Sans nombre d'objets promis, le cas est une géométrie nue, sans code commune : refusée."""
    if suite == "refuser" or attendu is None:
        refus(octets, Path(nom).name)
    else:
        assert len(contours_depuis_octets(octets, Path(nom).name)) == attendu


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4),
    max_leaves=8,
)
ENDROITS = [
    ("type",),
    ("features",),
    ("features", 0),
    ("features", 0, "type"),
    ("features", 0, "properties"),
    ("features", 0, "properties", "code"),
    ("features", 0, "properties", "nom"),
    ("features", 0, "properties", "role"),
    ("features", 0, "geometry"),
    ("features", 0, "geometry", "type"),
    ("features", 0, "geometry", "coordinates"),
    ("features", 0, "geometry", "coordinates", 0),
    ("features", 0, "geometry", "coordinates", 0, 1),
    ("features", 0, "geometry", "coordinates", 0, 1, 0),
    ("crs",),
    ("crs", "properties"),
    ("crs", "properties", "name"),
]


@settings(deadline=None, max_examples=300)
@given(endroit=st.sampled_from(ENDROITS), valeur=JSON)
def test_valeur_quelconque_n_importe_ou(endroit: tuple[Any, ...], valeur: Any) -> None:
    """Quoi qu'on écrive à la place d'une valeur : des contours propres, ou un refus en français."""
    lu = copy.deepcopy({**REFERENCE, "crs": CRS84})
    cible: Any = lu
    for cle in endroit[:-1]:
        cible = cible[cle]
    cible[endroit[-1]] = valeur
    try:
        contours = contours_depuis_octets(octets_de(lu), "essai.geojson")
    except ErreurContours:
        refus(octets_de(lu))
    else:
        assert contours["code"].is_unique and contours.is_valid.all()


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_octets_quelconques(octets: bytes) -> None:
    assert refus(octets)
