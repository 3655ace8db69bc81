"""Lire un fichier GeoJSON de contours de communes, fourni par un utilisateur, sans le croire.

Le fichier n'est jamais confié à GDAL : un texte qui a l'air d'un GeoJSON peut lui faire ouvrir un
autre fichier du serveur ou une adresse du réseau. On lit des octets, puis du JSON, puis des nombres
que l'on vérifie un à un, et seulement alors des polygones.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import geopandas as gpd
import numpy as np
import shapely

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.textes import INSECABLE, compte, enumeration, nombre

COLONNES = ["code", "nom", "role", "geometry"]
TAILLE_MAX_MO = 20
OBJETS_MAX = 50_000
PROFONDEUR_MAX = 20
CODE_COMMUNE = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")

# Les noms rencontrés dans les fichiers de l'IGN, de l'Insee, de la Caf, d'OpenStreetMap…
# fmt: off
CHAMPS_CODE = [
    "code", "code_insee", "insee", "codgeo", "insee_com", "com_code", "codeinsee", "code_commune",
    "depcom", "ref:insee", "numcom", "num_com", "numcomdo", "com", "geo",
]
CHAMPS_NOM = [
    "nom", "nom_officiel", "nom_com", "nom_commune", "libelle", "libgeo", "nomcom", "lib_com",
    "name",
]
# fmt: on

# RGF93 et ETRS89 s'écartent de WGS 84 de moins d'un mètre : mêmes degrés.
SYSTEMES_DEGRES = {4326, 4171, 4258}
# Lambert-93, Web Mercator et les projections légales d'outre-mer.
SYSTEMES_METRES = {2154, 9794, 3857, 5490, 2972, 2975, 4471}

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

_SIGNATURES = {
    b"PK": "une archive ZIP",
    b"\x1f\x8b": "une archive GZIP",
    b"SQLite format 3": "un GeoPackage",
    b"\x89PNG": "une image",
    b"\xff\xd8\xff": "une image",
    b"%PDF": "un document PDF",
    b"<": "du XML (KML, GML ou page web)",
}
# Une chaîne qui ne finit pas va jusqu'au bout du texte : sans cela, la recherche reprendrait à
# chaque guillemet et un fichier hostile la ferait durer des heures.
_CHAINE_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d{4,6})$", re.IGNORECASE)
_ILLISIBLES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")

_VERS_DEGRES = (
    "Réenregistrez la couche en longitude et latitude, système WGS 84 (EPSG:4326). Dans QGIS, "
    f"c'est Exporter{INSECABLE}> Sauvegarder les entités sous…"
)
_VERS_CONTOURS = (
    "Donnez un GeoJSON (FeatureCollection) avec un Polygon ou MultiPolygon par commune."
)
_POSITION = "Écrivez chaque point [longitude, latitude] en degrés, par exemple [4.61964, 44.1621]."
_REEXPORTER = "Exportez de nouveau le fichier depuis le logiciel qui l'a produit."


@dataclass(frozen=True)
class AnomalieContour(Anomalie):
    """Situer une faute d'un fichier de contours : fichier, numéro d'objet (depuis 1), commune."""

    objet: int | None = None
    code: str = ""

    @property
    def lieu(self) -> str:
        """Écrire où se trouve la faute : « communes.geojson, objet n° 2 (01004) »."""
        if self.objet is None:
            return self.fichier
        commune = f" ({self.code})" if self.code else ""
        return f"{self.fichier}, objet n°{INSECABLE}{self.objet}{commune}"


class ErreurContours(ValueError):
    """Refuser des contours en disant toutes les fautes, chacune avec sa réparation.

    `anomalies` les porte toutes ; le texte de l'erreur en écrit dix au plus.
    """

    def __init__(self, anomalies: Iterable[Anomalie]) -> None:
        self.anomalies = tuple(anomalies)
        super().__init__(_texte(self.anomalies, maximum=10))


def _texte(anomalies: Sequence[Anomalie], maximum: int) -> str:
    lignes = [a.message for a in anomalies[:maximum]]
    reste = len(anomalies) - maximum
    if reste > 0:
        lignes.append(f"Et {compte(reste, 'autre faute', 'autres fautes')}.")
    return "\n".join(lignes)


class _Refus(Exception):
    """Faire remonter la faute d'un objet jusqu'à la boucle qui connaît son numéro."""

    def __init__(self, regle: str, correction: str, valeur: object = None) -> None:
        super().__init__(regle)
        self.regle, self.correction = regle, correction
        self.valeur = None if valeur is None else _lisible(valeur)


class _Releve:
    """Accumuler les fautes d'un fichier et ce qui y a été réparé."""

    def __init__(self, fichier: str) -> None:
        self.fichier = fichier
        self.fautes: list[Anomalie] = []
        self._notes: dict[str, dict[str, None]] = {}

    @property
    def remarques(self) -> list[str]:
        """Écrire une phrase par sorte de réparation : « 01001, 01004 : contour refermé. »."""
        return [
            f"{enumeration(list(ou), maximum=3)}{INSECABLE}: {quoi}."
            for quoi, ou in self._notes.items()
        ]

    def noter(self, ou: str, quoi: str) -> None:
        self._notes.setdefault(quoi, {})[ou] = None

    def refuser(self, refus: _Refus, objet: int | None = None, code: str = "") -> None:
        self.fautes.append(
            AnomalieContour(
                self.fichier,
                refus.regle,
                refus.correction,
                valeur=refus.valeur,
                objet=objet,
                code=code,
            )
        )

    def arreter(self, refus: _Refus) -> NoReturn:
        self.refuser(refus)
        raise ErreurContours(self.fautes)

    def verifier(self) -> None:
        if self.fautes:
            raise ErreurContours(self.fautes)


def lire_contours(chemin: Path, taille_max_mo: float = TAILLE_MAX_MO) -> gpd.GeoDataFrame:
    """Lire un GeoJSON de communes : colonnes code, nom, role, geometry, en degrés (EPSG:4326).

    `role` vaut « territoire » ou « voisine » (« territoire » s'il n'est pas écrit). Ce qui a été
    réparé (anneau refermé, zéro du code rendu…) est dit dans `attrs["remarques"]`.
    Lève ErreurContours avec toutes les fautes, chacune située et accompagnée de sa réparation.
    """
    chemin, releve = Path(chemin), _Releve(Path(chemin).name)
    try:
        if chemin.stat().st_size > taille_max_mo * 1e6:
            releve.arreter(_trop_gros(chemin.stat().st_size, taille_max_mo))
        octets = chemin.read_bytes()
    except FileNotFoundError:
        releve.arreter(_Refus("fichier introuvable", "Vérifiez son nom et son dossier."))
    except OSError:
        conseil = "Vérifiez que c'est bien un fichier, lisible et fermé dans les autres logiciels."
        releve.arreter(_Refus("lecture impossible", conseil))
    return contours_depuis_octets(octets, chemin.name, taille_max_mo)


def contours_depuis_octets(
    octets: bytes, fichier: str, taille_max_mo: float = TAILLE_MAX_MO
) -> gpd.GeoDataFrame:
    """Lire les octets d'un GeoJSON téléversé ; mêmes colonnes et mêmes erreurs que lire_contours.

    `fichier` ne sert qu'aux messages : il n'est jamais ouvert.
    """
    releve = _Releve(_propre(fichier))
    if len(octets) > taille_max_mo * 1e6:
        releve.arreter(_trop_gros(len(octets), taille_max_mo))
    try:
        collection = _collection(_decoder(octets, releve))
        epsg = _systeme(collection)
        objets = _objets(collection)
        champ_code = _champ_code(objets)
    except _Refus as refus:
        releve.arreter(refus)
    lus = _lire_objets(objets, champ_code, releve)
    contours = gpd.GeoDataFrame.from_features(lus, crs=epsg)
    contours = _controler(contours, releve)
    contours.attrs["remarques"] = releve.remarques
    return contours[COLONNES]


# --- Des octets au JSON -------------------------------------------------------------------------


def _trop_gros(taille: int, maximum_mo: float) -> _Refus:
    regle = f"fichier trop lourd, plus de {nombre(maximum_mo)}{INSECABLE}Mo"
    return _Refus(
        regle, "Ne gardez que les communes utiles.", f"{nombre(taille / 1e6, 1)}{INSECABLE}Mo"
    )


def _decoder(octets: bytes, releve: _Releve) -> str:
    if not octets.strip():
        raise _Refus("le fichier est vide", _REEXPORTER)
    for signature, nature in _SIGNATURES.items():
        if octets.lstrip().startswith(signature):
            archive = "archive refusée, " if "archive" in nature else ""
            raise _Refus(f"{archive}c'est {nature}, pas un GeoJSON", _VERS_CONTOURS)
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _essayer(octets, "utf-16")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        texte = _essayer(octets, "cp1252")
        releve.noter("encodage Windows-1252", "lu comme tel, réenregistrez en UTF-8")
        return texte


def _essayer(octets: bytes, encodage: str) -> str:
    try:
        return octets.decode(encodage)
    except UnicodeDecodeError:
        raise _Refus("encodage du texte inconnu", "Réenregistrez le fichier en UTF-8.") from None


def _collection(texte: str) -> dict[str, Any]:
    # Compter avant de lire : un emboîtement de 100 000 crochets épuise la pile de l'interprète.
    if _profondeur(texte) > PROFONDEUR_MAX:
        raise _Refus("trop de niveaux emboîtés", _REEXPORTER)
    try:
        lu = json.loads(texte)
    except json.JSONDecodeError as faute:
        regle = f"JSON invalide ligne {faute.lineno}, caractère {faute.colno}"
        raise _Refus(regle, _REEXPORTER, texte[faute.pos : faute.pos + 20]) from None
    except (ValueError, RecursionError):
        raise _Refus("JSON invalide", _REEXPORTER) from None
    if not isinstance(lu, dict):
        raise _Refus("le fichier ne contient pas de contours", _VERS_CONTOURS, lu)
    if lu.get("type") != "FeatureCollection":
        regle = "ce n'est pas une collection d'objets (FeatureCollection)"
        raise _Refus(regle, _VERS_CONTOURS, lu.get("type", "sans type"))
    return lu


def _profondeur(texte: str) -> int:
    signes = np.frombuffer(_CHAINE_JSON.sub("", texte).encode("utf-8", "replace"), np.uint8)
    signes = signes[np.isin(signes, [ord(c) for c in "[]{}"])]
    pas = np.where(np.isin(signes, [ord("["), ord("{")]), 1, -1)
    return int(pas.cumsum().max(initial=0))


def _systeme(collection: dict[str, Any]) -> int:
    """Rendre le code EPSG des coordonnées ; 4326 si le fichier n'en dit rien (RFC 7946)."""
    declare = collection.get("crs")
    if declare is None:
        return 4326
    nom = declare.get("properties") if isinstance(declare, dict) else None
    nom = nom.get("name") if isinstance(nom, dict) else None
    if not isinstance(nom, str):
        raise _Refus("système de coordonnées illisible", _VERS_DEGRES, declare)
    if nom.upper().endswith(":CRS84"):
        return 4326
    trouve = _EPSG.search(nom)
    epsg = int(trouve[1]) if trouve else 0
    if epsg in SYSTEMES_DEGRES:
        return 4326
    if epsg in SYSTEMES_METRES:
        return epsg
    raise _Refus("système de coordonnées inconnu", _VERS_DEGRES, f"EPSG:{epsg}" if epsg else nom)


# --- Les objets ---------------------------------------------------------------------------------


def _objets(collection: dict[str, Any]) -> list[Any]:
    objets = collection.get("features")
    if not isinstance(objets, list):
        raise _Refus("la liste des objets (features) manque", _REEXPORTER, objets)
    if not objets:
        raise _Refus("le fichier ne contient aucun contour", _VERS_CONTOURS)
    if len(objets) > OBJETS_MAX:
        conseil = "Ne gardez que les communes utiles."
        raise _Refus(f"plus de {nombre(OBJETS_MAX)} objets", conseil, nombre(len(objets)))
    if {_type(o) for o in objets} <= {"Point", "MultiPoint"}:
        raise _Refus("ce sont des points, il faut les contours des communes", _VERS_CONTOURS)
    return objets


def _type(objet: Any) -> str | None:
    geometrie = objet.get("geometry") if isinstance(objet, dict) else None
    nature = geometrie.get("type") if isinstance(geometrie, dict) else None
    return nature if isinstance(nature, str) else None


def _proprietes(objet: Any) -> dict[str, Any]:
    lues = objet.get("properties") if isinstance(objet, dict) else None
    return lues if isinstance(lues, dict) else {}


def _champ_code(objets: list[Any]) -> str:
    """Trouver la propriété qui porte le code commune ; vide si c'est l'« id » des objets."""
    presents = {cle.lower(): cle for o in objets for cle in _proprietes(o)}
    champs = [presents[c] for c in CHAMPS_CODE if c in presents]
    # « code » peut être un numéro de fiche : on y cherche au moins un vrai code commune.
    for champ in champs:
        if any(_est_code(_completer(_proprietes(o).get(champ))) for o in objets):
            return champ
    if any(isinstance(o, dict) and _est_code(o.get("id")) for o in objets):
        return ""
    if champs:
        return champs[0]
    regle = "aucune propriété de code commune (code, insee, INSEE_COM, codgeo…)"
    conseil = f'Ajoutez à chaque objet son code Insee, par exemple "code"{INSECABLE}: "30258".'
    raise _Refus(regle, conseil, ", ".join(presents.values()) or "aucune propriété")


def _completer(brut: Any) -> str:
    """Rendre le code que l'on a voulu écrire : 1001 → 01001, 2a004 → 2A004."""
    texte = _ecrire(brut)
    return texte.zfill(5).upper() if re.fullmatch("[0-9]{4}|2[ab][0-9]{3}", texte) else texte


def _ecrire(brut: Any) -> str:
    # Un tableur rend les codes en nombres : 30258.0.
    nombre_entier = isinstance(brut, float) and brut.is_integer()
    return str(int(brut)) if nombre_entier else str(brut).strip()


def _est_code(valeur: Any) -> bool:
    return isinstance(valeur, str) and CODE_COMMUNE.fullmatch(valeur) is not None


def _lire_objets(objets: list[Any], champ_code: str, releve: _Releve) -> list[dict[str, Any]]:
    lus: list[dict[str, Any]] = []
    vus: dict[str, int] = {}
    for rang, objet in enumerate(objets, start=1):
        code = ""
        try:
            code = _code(objet, champ_code, releve)
            if code in vus:
                regle = f"code déjà porté par l'objet n°{INSECABLE}{vus[code]}"
                raise _Refus(regle, "Gardez un seul objet (MultiPolygon) par commune.", code)
            vus[code] = rang
            lus.append(_objet(objet, code, releve))
        except _Refus as refus:
            releve.refuser(refus, rang, code)
    releve.verifier()
    return lus


def _code(objet: Any, champ: str, releve: _Releve) -> str:
    if not isinstance(objet, dict) or objet.get("type") != "Feature":
        raise _Refus("ce n'est pas un objet géographique (Feature)", _REEXPORTER, objet)
    brut = _proprietes(objet).get(champ) if champ else objet.get("id")
    code = _completer(brut)
    if not _est_code(code):
        conseil = "Écrivez entre guillemets les cinq caractères du code Insee, par exemple 01004."
        raise _Refus("code commune absent ou mal formé", conseil, brut)
    if code != _ecrire(brut):
        releve.noter(f"{_ecrire(brut)} → {code}", "code complété")
    return code


def _objet(objet: dict[str, Any], code: str, releve: _Releve) -> dict[str, Any]:
    proprietes = {str(c).lower(): v for c, v in _proprietes(objet).items()}
    noms = (proprietes[c] for c in CHAMPS_NOM if isinstance(proprietes.get(c), str))
    role = proprietes.get("role")
    return {
        "type": "Feature",
        "properties": {
            "code": code,
            "nom": next((n for n in map(_propre, noms) if n), code),
            "role": role if role in ("territoire", "voisine") else "territoire",
        },
        "geometry": {
            "type": "MultiPolygon",
            "coordinates": _polygones(objet.get("geometry"), code, releve),
        },
    }


def _propre(texte: str) -> str:
    return _ILLISIBLES.sub(" ", texte).strip()[:200]


# --- Les coordonnées ----------------------------------------------------------------------------


def _polygones(geometrie: Any, code: str, releve: _Releve) -> list[Any]:
    if geometrie is None:
        raise _Refus("pas de contour", _VERS_CONTOURS)
    if not isinstance(geometrie, dict):
        raise _Refus("géométrie invalide", _REEXPORTER, geometrie)
    nature, coordonnees = geometrie.get("type"), geometrie.get("coordinates")
    if nature == "GeometryCollection":
        return _polygones(_seuls_contours(geometrie, code, releve), code, releve)
    if nature not in ("Polygon", "MultiPolygon"):
        raise _Refus(f"{_lisible(nature)} au lieu d'un contour", _VERS_CONTOURS)
    polygones = [coordonnees] if nature == "Polygon" else coordonnees
    return [[_anneau(a, code, releve) for a in _liste(polygone)] for polygone in _liste(polygones)]


def _seuls_contours(collection: dict[str, Any], code: str, releve: _Releve) -> dict[str, Any]:
    """Garder les polygones d'une GeometryCollection, en disant ce qui est laissé."""
    membres = collection.get("geometries")
    membres = [m for m in membres if isinstance(m, dict)] if isinstance(membres, list) else []
    simples = [m.get("coordinates") for m in membres if m.get("type") == "Polygon"]
    multiples = [m.get("coordinates") for m in membres if m.get("type") == "MultiPolygon"]
    polygones = simples + [p for m in multiples for p in _liste(m)]
    if not polygones:
        raise _Refus("GeometryCollection sans contour", _VERS_CONTOURS)
    if len(membres) > len(simples) + len(multiples):
        releve.noter(code, "point ou ligne ignoré, contour gardé")
    return {"type": "MultiPolygon", "coordinates": polygones}


def _liste(valeur: Any) -> list[Any]:
    if not isinstance(valeur, list) or not valeur:
        raise _Refus("géométrie invalide", _POSITION, valeur)
    return valeur


def _anneau(brut: Any, code: str, releve: _Releve) -> list[tuple[float, float]]:
    anneau = [_position(p) for p in _liste(brut)]
    ouvert = anneau[0] != anneau[-1]
    if ouvert:
        anneau.append(anneau[0])
    if len(anneau) < 4:
        regle = "un contour doit avoir au moins 4 points, le dernier répétant le premier"
        raise _Refus(regle, "Complétez ce contour ou retirez cette partie.", brut)
    if ouvert:
        releve.noter(code, "contour refermé")
    return anneau


def _position(brut: Any) -> tuple[float, float]:
    if not isinstance(brut, list) or len(brut) < 2:
        raise _Refus("point sans longitude ou sans latitude", _POSITION, brut)
    return _coordonnee(brut[0]), _coordonnee(brut[1])


def _coordonnee(brut: Any) -> float:
    if isinstance(brut, bool) or not isinstance(brut, int | float):
        raise _Refus("coordonnée non numérique", _POSITION, brut)
    # La comparaison écarte aussi NaN, Infinity et les entiers qu'un flottant ne peut pas porter.
    if not -1e9 < brut < 1e9:
        raise _Refus("coordonnée non numérique", _POSITION, brut)
    return float(brut)


def _lisible(valeur: object) -> str:
    """Écrire une valeur du fichier comme le fichier l'écrit, sans caractère de contrôle."""
    texte = valeur if isinstance(valeur, str) else json.dumps(valeur, ensure_ascii=False)
    return abreger(_propre(texte))


# --- Les polygones ------------------------------------------------------------------------------


def _controler(contours: gpd.GeoDataFrame, releve: _Releve) -> gpd.GeoDataFrame:
    """Réparer ce qui peut l'être, refuser un contour plat ou qui n'est pas en France."""
    contours = _reparer(contours, releve)
    en_degres = contours.crs.is_geographic
    degres = contours if en_degres else contours.to_crs(4326)
    if not en_degres:
        releve.noter(f"EPSG:{contours.crs.to_epsg()}", "coordonnées converties en degrés")
    for rang, ligne in enumerate(degres.itertuples(), start=1):
        try:
            _situer(ligne.geometry)
        except _Refus as refus:
            releve.refuser(refus, rang, ligne.code)
    releve.verifier()
    return degres.set_geometry(sens_horaire(degres.geometry))


def _reparer(contours: gpd.GeoDataFrame, releve: _Releve) -> gpd.GeoDataFrame:
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
        raise _Refus("surface nulle", "Redessinez ce contour ou retirez cet objet.")
    ouest, sud, est, nord = geometrie.bounds
    if ouest >= -180 and est <= 180 and est - ouest > 180:
        conseil = "Coupez ce contour au méridien 180 ou retirez cet objet."
        raise _Refus("contour traversant l'antiméridien", conseil)
    if _en_france(ouest, sud, est, nord):
        return
    trouve = f"longitude {_degres(ouest)}, latitude {_degres(sud)}"
    if _en_france(sud, ouest, nord, est):
        raise _Refus("longitude et latitude inversées", _POSITION, trouve)
    if math.isfinite(est) and max(map(abs, (ouest, est))) > 180:
        raise _Refus("coordonnées en mètres, sans doute en Lambert-93", _VERS_DEGRES, trouve)
    if max(map(abs, (sud, nord))) > 90:
        raise _Refus("latitude hors de l'intervalle de −90 à 90", _POSITION, trouve)
    conseil = "En métropole, la longitude va de −5,5 à 10 et la latitude de 41 à 51,5."
    raise _Refus("contour hors de la France", conseil, trouve)


def _en_france(ouest: float, sud: float, est: float, nord: float) -> bool:
    return any(
        o <= ouest and est <= e and s <= sud and nord <= n for o, s, e, n in EMPRISES.values()
    )


def _degres(valeur: float) -> str:
    return nombre(valeur, 2) if math.isfinite(valeur) else "infinie"


def sens_horaire(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    """Tourner les anneaux extérieurs dans le sens horaire.

    D3, donc Plotly, lit les anneaux sur la sphère : un contour dans l'autre sens colorierait le
    globe entier moins la commune. Leaflet et matplotlib n'y regardent pas.
    """
    tournees = shapely.orient_polygons(np.asarray(geometries.values), exterior_cw=True)
    return gpd.GeoSeries(tournees, index=geometries.index, crs=geometries.crs)
