"""Lire les contours des communes (GeoJSON, GeoPackage) d'un utilisateur, sans les croire.

Seul module des données qui connaisse la géométrie. Rien n'y passe par GDAL : les octets donnent des
nombres vérifiés, et seulement alors des polygones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod, Transformer

from ctg_data import codes, referentiel
from ctg_data.lecture.geojson import (
    ALTITUDES,
    POSITION,
    Collection,
    champ_code,
    champs_code,
    completer,
    ecrire,
    ecrire_code,
    est_code,
    lire_objets,
)
from ctg_data.lecture.geopackage import Couche, lire_couche
from ctg_data.lecture.releve import ErreurContours, Releve, lisible
from ctg_data.lecture.signatures import SQLITE, Refus
from ctg_data.lecture.systemes import (
    EMPRISES,
    METROPOLE,
    SYSTEMES_DEGRES,
    SYSTEMES_METRES,
    VERS_DEGRES,
    en_france,
    systeme_declare,
)
from ctg_data.textes import INSECABLE, nombre

__all__ = ["COLONNES", "ErreurContours", "contours_depuis_octets", "lire_contours", "sens_horaire"]

COLONNES = ["code", "nom", "role", "geometry"]
TAILLE_MAX_MO = 20
CHAMPS_NOM = [
    *("nom", "nom_officiel", "nom_com", "nom_commune", "libelle", "libgeo", "nomcom", "lib_com"),
    "name",
]
# Écart toléré, en degrés, entre un contour et sa mairie pour reconnaître un système tu par le
# fichier : les autres systèmes posent la commune à des centaines de kilomètres.
ECART_MAIRIE = 1.5
# Écart, en kilomètres, au-delà duquel un contour est dit loin de sa mairie. Sur les 34 867 communes
# du fonds national, aucune ne dépasse 0,6 km : seul un code ou un système faux mène si loin.
ECART_FRANC_KM = 50
TERRE = Geod(ellps="WGS84")
# Au-delà, une coordonnée ne peut plus être un angle, même mal compté.
DEGRES_MAX = 1_000
# Un périmètre plus large, en degrés, que la métropole n'est pas celui d'un territoire.
PERIMETRE_MAX = 16


@dataclass(frozen=True)
class _Lus:
    """Porter les objets d'un fichier, quel que soit son format, avant de les placer en France."""

    rangs: list[int]
    proprietes: list[dict[str, Any]]
    identifiants: list[Any]
    geometries: list[shapely.Geometry | None]
    epsg: int | None
    nue: bool = False


def lire_contours(chemin: Path, taille_max_mo: float = TAILLE_MAX_MO) -> gpd.GeoDataFrame:
    """Lire un fichier de communes : colonnes code, nom, role, geometry, en degrés (EPSG:4326).

    `role` vaut « territoire » ou « voisine » (« territoire » s'il n'est pas écrit). Ce qui a été
    réparé (anneau refermé, zéro du code rendu…) est dit dans `attrs["remarques"]`.
    Lève ErreurContours avec toutes les fautes, chacune située et accompagnée de sa réparation.
    """
    chemin, releve = Path(chemin), Releve(Path(chemin).name)
    try:
        if chemin.stat().st_size > taille_max_mo * 1e6:
            releve.arreter(_trop_gros(chemin.stat().st_size, taille_max_mo))
        octets = chemin.read_bytes()
    except FileNotFoundError:
        releve.arreter(Refus("fichier introuvable", "Vérifiez son nom et son dossier."))
    except OSError:
        conseil = "Vérifiez que c'est bien un fichier, lisible et fermé dans les autres logiciels."
        releve.arreter(Refus("lecture impossible", conseil))
    return contours_depuis_octets(octets, chemin.name, taille_max_mo)


def contours_depuis_octets(
    octets: bytes, fichier: str, taille_max_mo: float = TAILLE_MAX_MO
) -> gpd.GeoDataFrame:
    """Lire les octets d'un GeoJSON ou d'un GeoPackage ; même table et erreurs que lire_contours.

    `fichier` ne sert qu'aux messages : il n'est jamais ouvert.
    """
    lus, releve = _ouvrir(octets, fichier, taille_max_mo)
    if lus.nue:
        regle = "une géométrie seule ne dit pas sa commune : ce n'est pas une FeatureCollection"
        releve.arreter(Refus(regle, "Donnez un objet (Feature) par commune, avec son code Insee."))
    return _placer(lus, releve)


def contours_ou_perimetre(octets: bytes, fichier: str) -> tuple[gpd.GeoDataFrame | None, Releve]:
    """Lire des contours de communes, ou une géométrie nue : un périmètre, qui ne porte aucun code.

    Rend la table (None pour un périmètre) et le relevé des réparations ; lève ErreurContours.
    """
    lus, releve = _ouvrir(octets, fichier, TAILLE_MAX_MO)
    if not lus.nue:
        return _placer(lus, releve), releve
    _verifier_perimetre(lus, releve)
    return None, releve


def _ouvrir(octets: bytes, fichier: str, taille_max_mo: float) -> tuple[_Lus, Releve]:
    releve = Releve(fichier)
    if len(octets) > taille_max_mo * 1e6:
        releve.arreter(_trop_gros(len(octets), taille_max_mo))
    return _lire(octets, releve), releve


def _placer(lus: _Lus, releve: Releve) -> gpd.GeoDataFrame:
    contours = _controler(_avec_codes(lus, releve), lus.epsg, releve)
    contours.attrs["remarques"] = releve.remarques
    return contours[COLONNES]


def verifier_structure(octets: bytes, fichier: str) -> Releve:
    """Contrôler l'encodage et la structure d'un fichier de contours, sans le placer en France.

    Lève ErreurContours ; rend le relevé des réparations.
    """
    _, releve = _ouvrir(octets, fichier, TAILLE_MAX_MO)
    releve.verifier()
    return releve


def _verifier_perimetre(lus: _Lus, releve: Releve) -> None:
    """Faute de commune, vérifier seulement qu'un périmètre tient entre les terres françaises."""
    releve.verifier()
    geometrie = lus.geometries[0]
    bornes = np.array(list(EMPRISES.values()))
    ouest, sud, est, nord = shapely.bounds(geometrie)
    immense = max(est - ouest, nord - sud) > PERIMETRE_MAX
    dehors = ouest < bornes[:, 0].min() or est > bornes[:, 2].max()
    dehors = dehors or sud < bornes[:, 1].min() or nord > bornes[:, 3].max()
    if immense or dehors or shapely.area(geometrie) == 0:
        try:
            _situer(geometrie)
        except Refus as refus:
            releve.refuser(refus, 1)
    releve.verifier()


def _trop_gros(taille: int, maximum_mo: float) -> Refus:
    regle = f"fichier trop lourd, plus de {nombre(maximum_mo)}{INSECABLE}Mo"
    trouve = f"{nombre(taille / 1e6, 1)}{INSECABLE}Mo"
    return Refus(regle, "Ne gardez que les communes utiles.", valeur=trouve)


# --- Les deux formats ---------------------------------------------------------------------------


def _lire(octets: bytes, releve: Releve) -> _Lus:
    if octets.startswith(SQLITE):
        try:
            return _depuis_couche(lire_couche(octets), releve)
        except Refus as refus:
            releve.arreter(refus)
    lue = lire_objets(octets, releve)
    try:
        epsg = systeme_declare(lue.crs)
    except Refus as refus:
        releve.arreter(refus)
    return _depuis_collection(lue, epsg)


def _depuis_collection(lue: Collection, epsg: int | None) -> _Lus:
    return _Lus(
        [o.rang for o in lue.objets],
        [o.proprietes for o in lue.objets],
        [o.identifiant for o in lue.objets],
        [None if o.polygones is None else _multipolygone(o.polygones) for o in lue.objets],
        epsg,
        lue.nue,
    )


def _multipolygone(polygones: list[Any]) -> shapely.Geometry:
    return shapely.MultiPolygon([(p[0], p[1:]) for p in polygones])


def _depuis_couche(couche: Couche, releve: Releve) -> _Lus:
    """Décoder les géométries d'un GeoPackage ; une par une, pour situer la fautive."""
    geometries = []
    for rang, wkb in enumerate(couche.geometries, 1):
        try:
            geometries.append(_depuis_wkb(wkb, releve))
        except Refus as refus:
            releve.refuser(refus, rang)
            geometries.append(None)
    rangs = list(range(1, len(geometries) + 1))
    epsg = 4326 if couche.epsg in SYSTEMES_DEGRES else couche.epsg
    if epsg is not None and epsg != 4326 and epsg not in SYSTEMES_METRES:
        raise Refus("système de coordonnées inconnu", VERS_DEGRES, valeur=f"EPSG:{epsg}")
    return _Lus(rangs, list(couche.proprietes), [None] * len(rangs), geometries, epsg)


def _depuis_wkb(wkb: bytes | None, releve: Releve) -> shapely.Geometry:
    conseil = "Donnez une couche de polygones, un par commune."
    if wkb is None:
        raise Refus("pas de contour", conseil)
    try:
        brute = shapely.from_wkb(wkb)
        geometrie = shapely.force_2d(brute)
    except shapely.errors.ShapelyError:
        raise Refus("géométrie invalide", conseil) from None
    if geometrie.geom_type not in ("Polygon", "MultiPolygon"):
        raise Refus(f"{geometrie.geom_type} au lieu d'un contour", conseil)
    if geometrie.is_empty or not np.isfinite(shapely.get_coordinates(geometrie)).all():
        raise Refus("coordonnée non numérique", POSITION)
    if shapely.has_z(brute):
        releve.noter("", ALTITUDES, "information")
    return geometrie


# --- Les codes ----------------------------------------------------------------------------------


def _avec_codes(lus: _Lus, releve: Releve) -> gpd.GeoDataFrame:
    """Donner à chaque objet son code et son nom ; lève ErreurContours avec toutes les fautes."""
    try:
        champ = _champ(lus)
    except Refus as refus:
        releve.arreter(refus)
    if champ.lower() != "code":
        ou = f"la propriété «{INSECABLE}{lisible(champ)}{INSECABLE}»" if champ else "l'« id »"
        releve.noter("", f"codes lus dans {ou} des objets", "information")
    autres = [c for c in champs_code(lus.proprietes) if c != champ]
    lignes: list[dict[str, Any]] = []
    vus: dict[str, int] = {}
    for rang, lues, identifiant, geometrie in zip(
        lus.rangs, lus.proprietes, lus.identifiants, lus.geometries, strict=True
    ):
        if geometrie is None:
            continue
        brut = lues.get(champ) if champ else identifiant
        try:
            code = _code(brut, vus, rang, releve)
            _sans_contredit(code, champ, {c: lues.get(c) for c in autres})
        except Refus as refus:
            releve.refuser(refus, rang, completer(brut) if est_code(completer(brut)) else "")
            continue
        lignes.append(
            {"rang": rang, "code": code, **_etiquettes(lues, code), "geometry": geometrie}
        )
    releve.verifier()
    return gpd.GeoDataFrame(lignes)


def _champ(lus: _Lus) -> str:
    """Rendre la propriété qui porte le code ; vide si c'est l'« id » des objets."""
    champ = champ_code(lus.proprietes)
    bon = champ and any(est_code(completer(p.get(champ))) for p in lus.proprietes)
    if not bon and any(est_code(completer(i)) for i in lus.identifiants):
        return ""
    if champ:
        return champ
    presentes = dict.fromkeys(cle for p in lus.proprietes for cle in p)
    regle = "aucune propriété de code commune (cherché : code, insee, INSEE_COM, codgeo…)"
    conseil = f'Ajoutez à chaque objet son code Insee, par exemple "code"{INSECABLE}: "30258".'
    raise Refus(regle, conseil, valeur=ecrire(", ".join(presentes) or "aucune propriété"))


def _code(brut: Any, vus: dict[str, int], rang: int, releve: Releve) -> str:
    code = completer(brut)
    if not est_code(code):
        conseil = "Écrivez entre guillemets les cinq caractères du code Insee, par exemple 01004."
        raise Refus("code commune absent ou mal formé", conseil, valeur=ecrire(brut))
    if code in vus:
        regle = f"code déjà porté par l'objet n°{INSECABLE}{vus[code]}"
        conseil = "Gardez un seul objet (MultiPolygon) par commune."
        raise Refus(regle, conseil, valeur=code)
    vus[code] = rang
    if isinstance(brut, str) and brut != brut.strip():
        releve.noter("", "espaces ôtées autour des codes", "information")
    if code != ecrire_code(brut):
        releve.noter(f"{ecrire_code(brut)} → {code}", "code complété")
    return code


def _sans_contredit(code: str, champ: str, autres: dict[str, Any]) -> None:
    """Refuser un objet dont deux propriétés de code désignent deux communes différentes."""
    for nom, brut in autres.items():
        autre = completer(brut)
        connu = est_code(autre) and _actuelle(autre) in codes.noms_des_communes()
        if connu and _actuelle(autre) != _actuelle(code):
            ici = f"{lisible(champ) or 'id'}{INSECABLE}: {code}"
            la = f"{lisible(nom)}{INSECABLE}: {autre}"
            regle = f"deux codes commune qui se contredisent ({ici}, {la})"
            raise Refus(regle, "Gardez la propriété qui dit la bonne commune, retirez l'autre.")


def _actuelle(code: str) -> str:
    """Rendre la commune actuelle d'un ancien code ou d'un arrondissement ; sinon le code même."""
    ville = referentiel.arrondissements().get(code, code)
    return referentiel.anciens().get(ville, (ville, ""))[0]


def _etiquettes(lues: dict[str, Any], code: str) -> dict[str, str]:
    minuscules = {str(c).lower(): v for c, v in lues.items()}
    noms = (minuscules[c] for c in CHAMPS_NOM if isinstance(minuscules.get(c), str))
    role = minuscules.get("role")
    return {
        "nom": next((n for n in map(lisible, noms) if n), code),
        "role": role if role in ("territoire", "voisine") else "territoire",
    }


# --- Les polygones ------------------------------------------------------------------------------


def _controler(contours: gpd.GeoDataFrame, epsg: int | None, releve: Releve) -> gpd.GeoDataFrame:
    """Réparer ce qui peut l'être, refuser un contour plat ou qui n'est pas en France."""
    systeme = epsg if epsg is not None else _systeme_tu(contours, releve)
    contours = _reparer(contours.set_crs(systeme), releve)
    degres = contours if systeme == 4326 else contours.to_crs(4326)
    if systeme != 4326:
        releve.noter(f"EPSG:{systeme}", "coordonnées converties en degrés")
    for ligne in degres.itertuples():
        try:
            _situer(ligne.geometry)
        except Refus as refus:
            releve.refuser(refus, ligne.rang, ligne.code)
    releve.verifier()
    _comparer_aux_mairies(degres, releve)
    return degres.set_geometry(sens_horaire(degres.geometry))


def _comparer_aux_mairies(contours: gpd.GeoDataFrame, releve: Releve) -> None:
    """Avertir d'un contour posé loin de la mairie de sa commune : un code faux, ou un échange."""
    mairies = _mairies(contours["code"])
    sues = np.isfinite(mairies).all(axis=1)
    connus = contours[sues]
    segments = shapely.shortest_line(shapely.points(mairies[sues]), connus.geometry.values)
    bouts = shapely.get_coordinates(segments).reshape(-1, 2, 2)
    *_, metres = TERRE.inv(*bouts[:, 0].T, *bouts[:, 1].T)
    km = np.asarray(metres) / 1_000
    for lieu in np.flatnonzero(km > ECART_FRANC_KM):
        regle = f"contour à {nombre(km[lieu])}{INSECABLE}km de la mairie de la commune"
        conseil = "Vérifiez son code Insee, et le système de coordonnées du fichier."
        rang, code = connus["rang"].iat[lieu], connus["code"].iat[lieu]
        releve.avertir(Refus(regle, conseil), int(rang), str(code))


def _mairies(lus: gpd.GeoSeries) -> np.ndarray:
    """Rendre la longitude et la latitude de la mairie de chaque commune ; NaN si inconnue."""
    connues = referentiel.communes().reindex(lus)[["longitude", "latitude"]]
    return connues.to_numpy(dtype=float)


def _systeme_tu(contours: gpd.GeoDataFrame, releve: Releve) -> int:
    """Reconnaître des mètres non déclarés : le système qui pose chaque commune chez elle.

    Sans certitude, les coordonnées sont prises pour des degrés, et refusées ensuite.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(contours.geometry.values))
    if not len(points) or np.abs(points).max() <= DEGRES_MAX:
        return 4326
    mairies = _mairies(contours["code"])
    for epsg, nom in METROPOLE.items():
        degres = np.column_stack(
            Transformer.from_crs(epsg, 4326, always_xy=True).transform(*points.T)
        )
        ecarts = np.abs(degres - mairies).max(axis=1)
        sues = ecarts[np.isfinite(ecarts)]
        if len(sues) and (sues < ECART_MAIRIE).all():
            releve.noter("", f"coordonnées en {nom} reconnues aux mairies, non déclarées")
            return epsg
    return 4326


def _reparer(contours: gpd.GeoDataFrame, releve: Releve) -> gpd.GeoDataFrame:
    geometries = np.array(contours.geometry.values)
    croises = ~shapely.is_valid(geometries)
    geometries[croises] = shapely.make_valid(
        geometries[croises], method="structure", keep_collapsed=False
    )
    for code, croise, plat in zip(
        contours["code"], croises, shapely.area(geometries) == 0, strict=True
    ):
        if croise and not plat:
            releve.noter(code, "contour qui se croisait, réparé")
    return contours.set_geometry(gpd.GeoSeries(geometries, index=contours.index, crs=contours.crs))


def _situer(geometrie: shapely.Geometry) -> None:
    if geometrie.area == 0:
        raise Refus("surface nulle", "Redessinez ce contour ou retirez cet objet.")
    ouest, sud, est, nord = geometrie.bounds
    if ouest >= -180 and est <= 180 and est - ouest > 180:
        conseil = "Coupez ce contour au méridien 180 ou retirez cet objet."
        raise Refus("contour traversant l'antiméridien", conseil)
    if en_france(ouest, sud, est, nord):
        return
    trouve = f"longitude {_degres(ouest)}, latitude {_degres(sud)}"
    if en_france(sud, ouest, nord, est):
        raise Refus("longitude et latitude inversées", POSITION, valeur=trouve)
    if math.isfinite(est) and max(map(abs, (ouest, sud, est, nord))) > DEGRES_MAX:
        regle = "coordonnées en mètres, sans doute en Lambert-93"
        raise Refus(regle, VERS_DEGRES, valeur=trouve)
    if max(map(abs, (sud, nord))) > 90:
        regle = "latitude hors de l'intervalle de −90 à 90"
        raise Refus(regle, POSITION, valeur=trouve)
    if max(map(abs, (ouest, est))) > 180:
        regle = "longitude hors de l'intervalle de −180 à 180"
        raise Refus(regle, POSITION, valeur=f"longitude {_degres(est if est > 180 else ouest)}")
    conseil = "En métropole, la longitude va de −5,5 à 10 et la latitude de 41 à 51,5."
    raise Refus("contour hors de la France", conseil, valeur=trouve)


def _degres(valeur: float) -> str:
    return nombre(valeur, 2) if math.isfinite(valeur) else "infinie"


def sens_horaire(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    """Tourner les anneaux extérieurs dans le sens horaire.

    D3, donc Plotly, lit les anneaux sur la sphère : un contour dans l'autre sens colorierait le
    globe entier moins la commune. Leaflet et matplotlib n'y regardent pas.
    """
    tournees = shapely.orient_polygons(np.asarray(geometries.values), exterior_cw=True)
    return gpd.GeoSeries(tournees, index=geometries.index, crs=geometries.crs)
