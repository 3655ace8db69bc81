"""Lire un GeoJSON sans le croire : des octets, du JSON, puis des nombres vérifiés un à un.

Le fichier n'est jamais confié à GDAL : un texte qui a l'air d'un GeoJSON peut lui faire ouvrir un
autre fichier du serveur ou une adresse du réseau.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from ctg_data import codes
from ctg_data.anomalies import abreger
from ctg_data.lecture.encodage import ENREGISTRER, decoder
from ctg_data.lecture.noms import cle_de_nom
from ctg_data.lecture.releve import Releve, lisible
from ctg_data.lecture.signatures import Refus, nature
from ctg_data.schema import COLONNE_COMMUNE, schemas
from ctg_data.textes import INSECABLE, compte, nombre

OBJETS_MAX = 50_000
PROFONDEUR_MAX = 20
ALTITUDES = "altitudes ignorées, contours aplatis"

# Les noms rencontrés dans les fichiers de l'IGN, de l'Insee, de la Caf, d'OpenStreetMap…
# fmt: off
CHAMPS_CODE = [
    "code", "code_insee", "insee", "codgeo", "insee_com", "com_code", "codeinsee", "code_commune",
    "depcom", "ref:insee", "numcom", "num_com", "numcomdo", "com", "geo", "geocode",
]
# fmt: on

# Une chaîne qui ne finit pas va jusqu'au bout du texte : sans cela, la recherche reprendrait à
# chaque guillemet et un fichier hostile la ferait durer des heures.
_CHAINE_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_CONTOURS = ("Polygon", "MultiPolygon")
_GEOMETRIES = (
    *("Point", "MultiPoint", "LineString", "MultiLineString", "GeometryCollection"),
    *_CONTOURS,
)
# RFC 7946, § 7.1 : les membres d'un autre type changeraient le sens de l'objet qui les porte.
_ETRANGERS = {
    "FeatureCollection": ("coordinates", "geometries", "geometry", "properties"),
    "Feature": ("coordinates", "geometries", "features"),
    "géométrie": ("geometry", "properties", "features"),
}
_NOMS = {
    "FeatureCollection": "collection (FeatureCollection)",
    "Feature": "entité (Feature)",
    "géométrie": "géométrie",
}
# L'interprète refuse de lui-même un entier plus long, sans dire où il est.
_CHIFFRES_MAX = 4_000

VERS_CONTOURS = "Donnez un GeoJSON (FeatureCollection) avec un Polygon ou MultiPolygon par commune."
POSITION = "Écrivez chaque point [longitude, latitude] en degrés, par exemple [4.61964, 44.1621]."
EN_UTF8 = "Dans le logiciel qui l'a produit, choisissez l'encodage UTF-8."
REEXPORTER = "Exportez de nouveau le fichier depuis le logiciel qui l'a produit."


@dataclass(frozen=True)
class Objet:
    """Porter un objet lu : son numéro (depuis 1), ses propriétés, son « id », ses polygones.

    `polygones` : listes d'anneaux fermés, en (x, y) ; None si la géométrie est refusée.
    """

    rang: int
    proprietes: dict[str, Any]
    identifiant: Any
    polygones: list[list[list[tuple[float, float]]]] | None


@dataclass(frozen=True)
class Collection:
    """Porter les objets d'un GeoJSON, son système déclaré (None s'il n'en dit rien).

    `nue` : une géométrie seule, sans objet autour : elle ne peut porter aucun code.
    """

    objets: tuple[Objet, ...]
    crs: Any
    nue: bool


def lire_objets(octets: bytes, releve: Releve) -> Collection:
    """Lire les objets d'un GeoJSON ; les fautes d'un objet vont au relevé.

    Lève ErreurContours quand le fichier entier est illisible ou n'est pas un GeoJSON de contours.
    """
    try:
        racine = _racine(_decoder(octets, releve), releve)
        bruts, nue = _bruts(racine)
    except Refus as refus:
        releve.arreter(refus)
    champ = champ_code([proprietes(b) for b in bruts]) or ""
    objets = tuple(_objet(brut, rang, champ, releve) for rang, brut in enumerate(bruts, 1))
    return Collection(objets, racine.get("crs"), nue)


# --- Des octets au JSON -------------------------------------------------------------------------


def _decoder(octets: bytes, releve: Releve) -> str:
    genre = nature(octets, "")
    if genre not in ("geojson", "texte"):
        raise Refus(f"{genre}, pas un GeoJSON", VERS_CONTOURS)
    try:
        texte, notes = decoder(octets, releve.fichier)
    except Refus as refus:
        raise _sans_tableur(refus) from None
    for note in notes:
        if "1252" in note.regle or "8859" in note.regle:
            conseil = "lu comme tel, réenregistrez en UTF-8"
            releve.noter(note.regle, conseil)
        else:
            releve.noter("", note.regle, note.gravite)
    return texte


def _sans_tableur(refus: Refus) -> Refus:
    """Ôter d'un refus d'encodage ce qui ne vaut que pour un tableau : colonnes, tableur."""
    regle = re.sub(r" et \d+\W+colonnes?\W+au lieu de \d+", "", refus.regle)
    return Refus(regle, refus.correction.replace(ENREGISTRER, EN_UTF8), refus.ligne, refus.valeur)


def _racine(texte: str, releve: Releve) -> dict[str, Any]:
    # Compter avant de lire : un emboîtement de 100 000 crochets épuise la pile de l'interprète.
    if _profondeur(texte) > PROFONDEUR_MAX:
        raise Refus("trop de niveaux emboîtés", REEXPORTER)
    veille = _Veille()
    try:
        lu = json.loads(texte, object_pairs_hook=veille.objet, parse_int=veille.entier)
    except json.JSONDecodeError as faute:
        regle = f"JSON invalide ligne {faute.lineno}, caractère {faute.colno}"
        trouve = ecrire(texte[faute.pos : faute.pos + 20])
        raise Refus(regle, REEXPORTER, faute.lineno, trouve) from None
    except (ValueError, RecursionError):
        raise Refus("JSON invalide", REEXPORTER) from None
    if veille.alertee:
        _situer_fautifs(lu, releve)
    if not isinstance(lu, dict):
        raise Refus("le fichier ne contient pas de contours", VERS_CONTOURS, valeur=ecrire(lu))
    return lu


@dataclass(frozen=True)
class _Fautif:
    """Tenir la place d'une valeur refusée dans le JSON lu, le temps de savoir dans quel objet."""

    refus: Refus


class _Veille:
    """Refuser, pendant la lecture du JSON, ce que l'interprète laisse passer ou ne situe pas."""

    def __init__(self) -> None:
        self.alertee = False

    def objet(self, paires: list[tuple[str, Any]]) -> dict[str, Any] | _Fautif:
        """Refuser une clé écrite deux fois : JSON en garderait la dernière, en silence."""
        objet = dict(paires)
        if len(objet) == len(paires):
            return objet
        vues: set[str] = set()
        double = next(c for c, _ in paires if c in vues or vues.add(c))  # type: ignore[func-returns-value]
        regle = "clé écrite deux fois dans le même objet"
        return self._fautif(Refus(regle, "Gardez-en une seule.", valeur=ecrire(double)))

    def entier(self, chiffres: str) -> int | _Fautif:
        """Refuser un nombre démesuré, que l'interprète refuserait sans dire où il est."""
        if len(chiffres) <= _CHIFFRES_MAX:
            return int(chiffres)
        regle = f"JSON invalide, nombre de {compte(len(chiffres), 'chiffre')}"
        return self._fautif(Refus(regle, REEXPORTER, valeur=abreger(chiffres, 20)))

    def _fautif(self, refus: Refus) -> _Fautif:
        self.alertee = True
        return _Fautif(refus)


def _situer_fautifs(lu: Any, releve: Releve) -> NoReturn:
    """Lever ErreurContours en disant dans quels objets sont les valeurs fautives."""
    objets = lu.get("features") if isinstance(lu, dict) else None
    for rang, objet in enumerate(objets if isinstance(objets, list) else [], 1):
        trouve = _premier_fautif(objet)
        if trouve:
            releve.refuser(trouve.refus, rang)
    releve.verifier()
    trouve = _premier_fautif(lu)
    raise trouve.refus if trouve else Refus("JSON invalide", REEXPORTER)


def _premier_fautif(lu: Any) -> _Fautif | None:
    if isinstance(lu, _Fautif):
        return lu
    dedans = lu.values() if isinstance(lu, dict) else lu if isinstance(lu, list) else ()
    return next((f for f in map(_premier_fautif, dedans) if f), None)


def _profondeur(texte: str) -> int:
    signes = np.frombuffer(_CHAINE_JSON.sub("", texte).encode("utf-8", "replace"), np.uint8)
    signes = signes[np.isin(signes, [ord(c) for c in "[]{}"])]
    pas = np.where(np.isin(signes, [ord("["), ord("{")]), 1, -1)
    return int(pas.cumsum().max(initial=0))


def _bruts(racine: dict[str, Any]) -> tuple[list[Any], bool]:
    """Rendre les objets d'une collection, d'un objet seul ou d'une géométrie nue."""
    nature_racine = racine.get("type")
    if nature_racine == "Topology":
        raise Refus("c'est un TopoJSON, pas un GeoJSON", VERS_CONTOURS)
    if nature_racine == "Feature":
        return [racine], False
    if nature_racine in _GEOMETRIES:
        if nature_racine not in (*_CONTOURS, "GeometryCollection"):
            regle = f"le fichier ne contient pas de contours ({nature_racine})"
            raise Refus(regle, VERS_CONTOURS)
        return [{"type": "Feature", "properties": {}, "geometry": racine}], True
    if nature_racine != "FeatureCollection":
        regle = "ce n'est pas une collection d'objets (FeatureCollection)"
        raise Refus(regle, VERS_CONTOURS, valeur=ecrire(racine.get("type", "sans type")))
    _membres_permis(racine, "FeatureCollection")
    return _liste_des_objets(racine.get("features")), False


def _liste_des_objets(objets: Any) -> list[Any]:
    if not isinstance(objets, list):
        raise Refus("la liste des objets (features) manque", REEXPORTER, valeur=ecrire(objets))
    if not objets:
        raise Refus("le fichier ne contient aucun contour", VERS_CONTOURS)
    if len(objets) > OBJETS_MAX:
        conseil = "Ne gardez que les communes utiles."
        raise Refus(f"plus de {nombre(OBJETS_MAX)} objets", conseil, valeur=nombre(len(objets)))
    if {_type(o) for o in objets} <= {"Point", "MultiPoint"}:
        raise Refus("ce sont des points, il faut les contours des communes", VERS_CONTOURS)
    return objets


def _type(objet: Any) -> str | None:
    geometrie = objet.get("geometry") if isinstance(objet, dict) else None
    genre = geometrie.get("type") if isinstance(geometrie, dict) else None
    return genre if isinstance(genre, str) else None


# --- Les propriétés -----------------------------------------------------------------------------


def proprietes(objet: Any) -> dict[str, Any]:
    """Rendre les propriétés d'un objet brut ; vides s'il n'en a pas."""
    lues = objet.get("properties") if isinstance(objet, dict) else None
    return lues if isinstance(lues, dict) else {}


def champ_code(liste: Sequence[dict[str, Any]]) -> str | None:
    """Trouver la propriété qui porte le code commune ; None si aucune n'en a le nom.

    « code » peut être un numéro de fiche : on y cherche au moins un vrai code commune.
    """
    champs = champs_code(liste)
    for champ in champs:
        if any(est_code(completer(lues.get(champ))) for lues in liste):
            return champ
    return champs[0] if champs else None


def champs_code(liste: Sequence[dict[str, Any]]) -> list[str]:
    """Rendre toutes les propriétés qui ont le nom d'un code commune, la plus sûre d'abord."""
    noms = dict.fromkeys(cle for lues in liste for cle in lues if len(cle) < 100)
    presents = {_cle(nom): nom for nom in noms}
    return [presents[c] for c in _cles_de_code() if c in presents]


@lru_cache(maxsize=1)
def _cles_de_code() -> tuple[str, ...]:
    """Réunir ces noms et ceux que les tableaux acceptent : un même mot vaut pour les deux."""
    synonymes = [
        nom
        for schema in schemas().values()
        for colonne in schema.colonnes
        if colonne.nom == COLONNE_COMMUNE
        for nom in (colonne.nom, *colonne.synonymes)
    ]
    return tuple(dict.fromkeys(map(_cle, [*CHAMPS_CODE, *synonymes])))


def _cle(nom: str) -> str:
    """Comparer sans casse, accents ni soulignés : codeCommune, CODE_COMMUNE, « Code commune »."""
    return cle_de_nom(nom).replace("_", "")


def completer(brut: Any) -> str:
    """Rendre le code que l'on a voulu écrire : 1001 → 01001, 2a004 → 2A004."""
    return codes.completer(ecrire_code(brut))


def ecrire_code(brut: Any) -> str:
    """Écrire un code tel que le fichier le porte ; un tableur rend 30258.0."""
    nombre_entier = isinstance(brut, float) and brut.is_integer()
    return str(int(brut)) if nombre_entier else str(brut).strip()


def est_code(valeur: Any) -> bool:
    """Dire si une valeur est un code commune bien formé."""
    return isinstance(valeur, str) and codes.CODE_COMMUNE.fullmatch(valeur) is not None


# --- Les objets et leurs coordonnées ------------------------------------------------------------


def _objet(brut: Any, rang: int, champ: str, releve: Releve) -> Objet:
    identifiant = brut.get("id") if isinstance(brut, dict) else None
    lues = proprietes(brut)
    code = completer(lues.get(champ) if champ else identifiant)
    code = code if est_code(code) else ""
    try:
        _entite(brut)
        polygones = _polygones(brut.get("geometry"), code, releve)
    except Refus as refus:
        releve.refuser(refus, rang, code)
        return Objet(rang, lues, identifiant, None)
    if any(_a_l_envers(anneau, i == 0) for p in polygones for i, anneau in enumerate(p)):
        releve.noter("", "sens des anneaux corrigé", "information")
    return Objet(rang, lues, identifiant, polygones)


def _entite(brut: Any) -> None:
    """Vérifier qu'un objet est une entité GeoJSON (RFC 7946) bien formée."""
    if not isinstance(brut, dict) or brut.get("type") != "Feature":
        regle = "ce n'est pas un objet géographique (Feature)"
        raise Refus(regle, REEXPORTER, valeur=ecrire(brut))
    if not isinstance(brut.get("properties", {}), dict | None):
        raise Refus("propriétés illisibles", REEXPORTER, valeur=ecrire(brut["properties"]))
    identifiant = brut.get("id", "")
    if isinstance(identifiant, bool) or not isinstance(identifiant, str | int | float):
        raise Refus("identifiant illisible", REEXPORTER, valeur=ecrire(identifiant))
    _membres_permis(brut, "Feature")


def _membres_permis(porteur: dict[str, Any], genre: str) -> None:
    """Refuser une emprise (bbox) mal faite et les membres qui sont ceux d'un autre type."""
    etranger = next((m for m in _ETRANGERS[genre] if m in porteur), None)
    if etranger:
        regle = f"«{INSECABLE}{etranger}{INSECABLE}» n'a pas sa place dans une {_NOMS[genre]}"
        raise Refus(regle, REEXPORTER)
    if "bbox" in porteur and not _emprise(porteur["bbox"]):
        regle = f"emprise (bbox) illisible dans une {_NOMS[genre]}"
        conseil = "Retirez-la, ou écrivez quatre nombres : ouest, sud, est, nord."
        raise Refus(regle, conseil, valeur=ecrire(porteur["bbox"]))


def _emprise(lue: Any) -> bool:
    return (
        isinstance(lue, list)
        and len(lue) in (4, 6)
        and all(
            isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in lue
        )
    )


def _polygones(geometrie: Any, code: str, releve: Releve) -> list[Any]:
    if geometrie is None:
        raise Refus("pas de contour", VERS_CONTOURS)
    if not isinstance(geometrie, dict):
        raise Refus("géométrie invalide", REEXPORTER, valeur=ecrire(geometrie))
    _membres_permis(geometrie, "géométrie")
    genre, coordonnees = geometrie.get("type"), geometrie.get("coordinates")
    if genre == "GeometryCollection":
        return _polygones(_seuls_contours(geometrie, code, releve), code, releve)
    if genre not in _CONTOURS:
        raise Refus(f"{ecrire(genre)} au lieu d'un contour", VERS_CONTOURS)
    polygones = [coordonnees] if genre == "Polygon" else coordonnees
    return [[_anneau(a, code, releve) for a in _liste(polygone)] for polygone in _liste(polygones)]


def _seuls_contours(collection: dict[str, Any], code: str, releve: Releve) -> dict[str, Any]:
    """Garder les polygones d'une GeometryCollection, en disant ce qui est laissé."""
    membres = list(_membres(collection))
    simples = [m.get("coordinates") for m in membres if m.get("type") == "Polygon"]
    multiples = [m.get("coordinates") for m in membres if m.get("type") == "MultiPolygon"]
    polygones = simples + [p for m in multiples for p in _liste(m)]
    if not polygones:
        raise Refus("GeometryCollection sans contour", VERS_CONTOURS)
    if len(membres) > len(simples) + len(multiples):
        releve.noter(code, "point ou ligne ignoré, contour gardé")
    if len(polygones) > 1:
        releve.noter(code, f"{nombre(len(polygones))} contours réunis en un seul")
    releve.noter("", "GeometryCollection lue comme un contour", "information")
    return {"type": "MultiPolygon", "coordinates": polygones}


def _membres(collection: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rendre chaque géométrie d'une GeometryCollection, et de celles qu'elle emboîte."""
    membres = collection.get("geometries")
    if not isinstance(membres, list) or not membres:
        raise Refus("GeometryCollection sans contour", VERS_CONTOURS)
    for membre in membres:
        genre = membre.get("type") if isinstance(membre, dict) else None
        if genre not in _GEOMETRIES:
            raise Refus(
                "élément illisible dans une GeometryCollection", REEXPORTER, valeur=ecrire(membre)
            )
        _membres_permis(membre, "géométrie")
        if genre == "GeometryCollection":
            yield from _membres(membre)
        else:
            yield membre


def _liste(valeur: Any) -> list[Any]:
    if not isinstance(valeur, list) or not valeur:
        raise Refus("géométrie invalide", POSITION, valeur=ecrire(valeur))
    return valeur


def _anneau(brut: Any, code: str, releve: Releve) -> list[tuple[float, float]]:
    points = _liste(brut)
    anneau = [_position(p) for p in points]
    if any(len(p) > 2 for p in points):
        releve.noter("", ALTITUDES, "information")
    ouvert = anneau[0] != anneau[-1]
    if ouvert:
        anneau.append(anneau[0])
    if len(anneau) < 4:
        regle = "un contour doit avoir au moins 4 points, le dernier répétant le premier"
        conseil = "Complétez ce contour ou retirez cette partie."
        raise Refus(regle, conseil, valeur=ecrire(brut))
    if ouvert:
        releve.noter(code, "contour refermé")
    return anneau


def _position(brut: Any) -> tuple[float, float]:
    if not isinstance(brut, list) or len(brut) < 2:
        raise Refus("point sans longitude ou sans latitude", POSITION, valeur=ecrire(brut))
    if len(brut) > 2:
        for altitude in brut[2:]:
            _coordonnee(altitude)
    return _coordonnee(brut[0]), _coordonnee(brut[1])


def _coordonnee(brut: Any) -> float:
    # La comparaison écarte aussi NaN, Infinity et les entiers qu'un flottant ne peut pas porter.
    if isinstance(brut, bool) or not isinstance(brut, int | float) or not -1e9 < brut < 1e9:
        trouve = ecrire(brut)
        raise Refus(f"coordonnée non numérique ({trouve})", POSITION, valeur=trouve)
    return float(brut)


def _a_l_envers(anneau: list[tuple[float, float]], exterieur: bool) -> bool:
    """Dire si un anneau tourne contre la RFC 7946 : l'extérieur va dans le sens direct."""
    x0, y0 = anneau[0]
    aire = sum(
        (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairwise(anneau)
    )
    return aire < 0 if exterieur else aire > 0


def ecrire(valeur: object) -> str:
    """Écrire une valeur du fichier comme le fichier l'écrit, sans caractère de contrôle."""
    texte = valeur if isinstance(valeur, str) else json.dumps(valeur, ensure_ascii=False)
    return abreger(lisible(texte))
