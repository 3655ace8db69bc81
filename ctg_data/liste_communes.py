"""Reconnaître les communes d'une liste en texte libre, sans jamais choisir en silence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ctg_data import referentiel
from ctg_data.anomalies import Anomalie, Gravite, abreger
from ctg_data.textes import INSECABLE, compte, enumeration

LISTE = "liste des communes"
TEXTE_MAX = 2_000_000
NOM_INCONNU = "aucune commune de ce nom"
# Chercher un nom voisin coûte : au-delà, la liste n'en est pas une.
SUGGESTIONS_MAX = 10

_CODE = re.compile(r"(\d{5}|2[AB]\d{3})", re.IGNORECASE)
_SANS_ZERO = re.compile(r"[1-9]\d{3}")
_SIREN = re.compile(r"\d{9}")
_CELLULES = re.compile(r"[;,\t|]")
_CODE_ET_NOM = re.compile(r"(\d{5}|2[AB]\d{3}|\d{9})\s*[-–—:]?\s+(\D.*)", re.IGNORECASE)
_ENTRE_PARENTHESES = re.compile(r"(.*?)\s*\(([^()]*)\)\s*")
_PUCE = re.compile(r"([-*•–]|\d{1,3}[.)])\s+")
_ENTETES_CODE = frozenset(
    {"code", "codes", "code commune", "code de la commune", "code insee", "insee", "codgeo", "com"}
    | {"depcom", "code geo", "insee com", "numcom", "codes communes", "codes insee", "code epci"}
)
_ENTETES_NOM = frozenset(
    {"commune", "communes", "nom", "noms", "nom commune", "nom de la commune", "libelle", "libgeo"}
    | {"libelle commune", "ville", "nomcom", "nom com", "epci"}
)


def propre(texte: str) -> str:
    """Ôter contrôles, invisibles et blancs en trop d'un texte saisi."""
    lisible = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in texte
    )
    return unicodedata.normalize("NFC", " ".join(lisible.split()))


def code_actuel(code: str) -> tuple[str, Anomalie | None]:
    """Rendre le code actuel d'une commune, et ce qu'il faut en dire ; « » s'il est inconnu."""
    if code in referentiel.communes().index:
        return code, None
    if code in referentiel.anciens():
        actuel, date = referentiel.anciens()[code]
        depuis = f"depuis le {_jour(date)}" if date else "depuis une date inconnue"
        regle = f"ancien code, {depuis}"
        return actuel, _remplace(code, regle, actuel)
    if code in referentiel.arrondissements():
        ville = referentiel.arrondissements()[code]
        return ville, _remplace(code, "arrondissement municipal", ville, "avertissement")
    conseil = "Vérifiez le code Insee : cinq caractères, à ne pas confondre avec le code postal."
    return "", Anomalie(LISTE, "code commune inconnu", conseil, valeur=abreger(code))


def _jour(date: str) -> str:
    return "/".join(reversed(date.split("-")))


def _remplace(code: str, regle: str, actuel: str, gravite: Gravite = "information") -> Anomalie:
    (nom,) = referentiel.libelles([actuel])
    conseil = f"La commune retenue est {actuel} {nom}."
    return Anomalie(LISTE, regle, conseil, valeur=code, gravite=gravite)


@dataclass(frozen=True)
class _Trouve:
    """Porter ce qu'une cellule désigne : des codes sûrs, ou des candidats à départager."""

    codes: tuple[str, ...] = ()
    candidats: tuple[str, ...] = ()
    anomalie: Anomalie | None = None


def reconnaitre_communes(texte: str) -> tuple[list[str], list[Anomalie]]:
    """Reconnaître les communes d'une liste en texte libre ; ne lève jamais.

    Une commune par ligne, ou plusieurs séparées par une virgule, un point-virgule ou une
    tabulation : code, nom, « nom (département) », « code nom », SIREN ou nom d'EPCI. Avec un
    en-tête, seule la colonne du code (à défaut, du nom) désigne. Rend les codes actuels dans
    l'ordre de la liste, sans doublon, et tout ce qui a été corrigé ou n'a pas pu l'être. Un
    homonyme n'est choisi que s'il est le seul du département des autres communes.
    """
    if len(texte) > TEXTE_MAX:
        conseil = "Donnez une liste de codes ou de noms de communes."
        return [], [Anomalie(LISTE, "texte trop long pour une liste de communes", conseil)]
    trouves = [(numero, cellule, _designer(cellule)) for numero, cellule in _cellules(texte)]
    departements = {_departement(code) for _, _, t in trouves for code in t.codes}
    codes: dict[str, None] = {}
    anomalies: list[Anomalie] = []
    for numero, cellule, trouve in trouves:
        retenus, anomalie = _trancher(cellule, trouve, departements)
        codes.update(dict.fromkeys(retenus))
        if anomalie:
            anomalies.append(replace(anomalie, ligne=numero))
    return list(codes), _suggerer(anomalies)


# --- Découper -----------------------------------------------------------------------------------


def _cellules(texte: str) -> list[tuple[int, str]]:
    """Découper un texte en désignations, chacune avec sa ligne (depuis 1)."""
    rangees = [
        (numero, [propre(c).strip(" \"'") for c in _CELLULES.split(_sans_puce(ligne))])
        for numero, ligne in enumerate(texte.splitlines(), 1)
    ]
    pleines = [(n, cellules) for n, cellules in rangees if any(cellules)]
    colonne = _colonne(pleines[0][1]) if pleines else None
    if colonne is None:
        return [(n, d) for n, cellules in pleines for d in _designations(cellules)]
    return [(n, li[colonne]) for n, li in pleines[1:] if len(li) > colonne and li[colonne]]


def _sans_puce(ligne: str) -> str:
    puce = _PUCE.match(ligne.strip())
    return ligne.strip()[puce.end() :] if puce else ligne


def _colonne(entete: Sequence[str]) -> int | None:
    """Rendre le rang de la colonne qui désigne les communes, ou None si ce n'est pas un en-tête."""
    cles = [referentiel.cle_de_nom(c) for c in entete]
    for connus in (_ENTETES_CODE, _ENTETES_NOM):
        for rang, cle in enumerate(cles):
            if cle in connus:
                return rang
    return None


def _designations(cellules: Sequence[str]) -> list[str]:
    """Rendre ce qui désigne une commune sur une ligne sans en-tête.

    « 30258;Saint-Gilles;14734 » : le premier code désigne, le reste le décrit.
    """
    parties = [c for c in cellules if c]
    codes = [p for p in parties if _CODE.fullmatch(p) or _SIREN.fullmatch(p)]
    if not codes or len(codes) == len(parties):
        return parties
    nom = next((p for p in parties if not any(c.isdigit() for c in p)), "")
    return [f"{codes[0]} {nom}".strip()]


# --- Désigner -----------------------------------------------------------------------------------


def _designer(cellule: str) -> _Trouve:
    """Dire ce qu'une cellule désigne, d'elle-même."""
    avec_nom = _CODE_ET_NOM.fullmatch(cellule)
    if avec_nom:
        return _designer_code(avec_nom[1].upper(), avec_nom[2])
    if _CODE.fullmatch(cellule) or _SIREN.fullmatch(cellule):
        return _designer_code(cellule.upper(), "")
    if _SANS_ZERO.fullmatch(cellule) and f"0{cellule}" in referentiel.communes().index:
        code = f"0{cellule}"
        return _Trouve((code,), (), _remplace(cellule, "code sans son zéro", code, "avertissement"))
    return _designer_nom(cellule)


def _designer_code(code: str, nom: str) -> _Trouve:
    if code in referentiel.epci().index:
        return _designer_epci(code)
    actuel, anomalie = code_actuel(code)
    if actuel:
        return _Trouve((actuel,), (), anomalie or _autre_nom(code, nom))
    postales = tuple(referentiel.codes_du_code_postal(code))
    nommees = [c for c in postales if c in referentiel.codes_du_nom(nom)]
    if len(nommees) == 1:
        return _Trouve((nommees[0],), (), _remplace(code, "code postal", nommees[0]))
    if postales:
        return _Trouve((), (), _code_postal(code, postales))
    return _Trouve((), (), anomalie)


def _autre_nom(code: str, nom: str) -> Anomalie | None:
    """Signaler un code et un nom qui ne disent pas la même commune."""
    voisins = {*referentiel.codes_du_nom(nom), *referentiel.codes_du_nom_d_hier(nom)}
    if not voisins or code in voisins:
        return None
    regle = "le code et le nom se contredisent"
    anomalie = _remplace(f"{code} {nom}", regle, code, "avertissement")
    conseil = f"{anomalie.correction} Corrigez le code si c'est le nom qui est juste."
    return replace(anomalie, correction=conseil)


def _code_postal(code: str, communes: Sequence[str]) -> Anomalie:
    noms = [f"{c} {n}" for c, n in zip(communes, referentiel.libelles(list(communes)), strict=True)]
    conseil = f"Écrivez le code Insee{INSECABLE}: {enumeration(noms, maximum=8)}."
    return Anomalie(LISTE, "code postal au lieu d'un code commune", conseil, valeur=code)


def _designer_epci(code: str) -> _Trouve:
    codes = tuple(referentiel.codes_de_l_epci(code))
    regle = f"EPCI reconnu, {compte(len(codes), 'commune')}"
    conseil = f"{referentiel.epci().at[code, 'nom']}{INSECABLE}: toutes ses communes sont retenues."
    return _Trouve(codes, (), Anomalie(LISTE, regle, conseil, valeur=code, gravite="information"))


def _designer_nom(nom: str) -> _Trouve:
    precise = _ENTRE_PARENTHESES.fullmatch(nom)
    seul, departement = (precise[1], precise[2]) if precise else (nom, "")
    codes = referentiel.codes_du_nom(nom) or _du_departement(seul, departement)
    if len(codes) == 1:
        return _Trouve((codes[0],))
    if codes:
        return _Trouve((), tuple(codes))
    hier = referentiel.codes_du_nom_d_hier(seul)
    if len(hier) == 1:
        return _Trouve((hier[0],), (), _remplace(nom, "ancien nom", hier[0], "avertissement"))
    if hier:
        return _Trouve((), tuple(hier))
    groupements = referentiel.codes_d_epci_du_nom(nom)
    if len(groupements) == 1:
        return _designer_epci(groupements[0])
    conseil = "Vérifiez le nom, ou écrivez le code Insee."
    return _Trouve((), (), Anomalie(LISTE, NOM_INCONNU, conseil, valeur=abreger(nom)))


def _du_departement(nom: str, departement: str) -> list[str]:
    """Garder les homonymes du département écrit à côté du nom, par code ou par nom."""
    codes = referentiel.codes_du_nom(nom)
    if not departement:
        return codes
    noms, cherche = referentiel.departements()["nom"], referentiel.cle_de_nom(departement)
    premier = cherche.split(" ")[0] if cherche else ""
    return [
        c
        for c in codes
        if premier.upper() == _departement(c)
        or cherche == referentiel.cle_de_nom(noms[_departement(c)])
    ]


def _departement(code: str) -> str:
    return str(referentiel.communes().at[code, "code_departement"])


# --- Trancher -----------------------------------------------------------------------------------


def _trancher(
    cellule: str, trouve: _Trouve, departements: Collection[str]
) -> tuple[tuple[str, ...], Anomalie | None]:
    """Choisir entre des homonymes par le département des autres communes, ou refuser."""
    if not trouve.candidats:
        return trouve.codes, trouve.anomalie
    ici = [c for c in trouve.candidats if _departement(c) in departements]
    ensemble = [
        f"{c} {n}"
        for c, n in zip(trouve.candidats, referentiel.libelles(list(trouve.candidats)), strict=True)
    ]
    regle = f"{len(trouve.candidats)} communes portent ce nom"
    if len(ici) == 1:
        regle += ", une seule dans le département des autres"
        return (ici[0],), _remplace(cellule, regle, ici[0], "avertissement")
    conseil = f"Écrivez le code Insee{INSECABLE}: {enumeration(ensemble, maximum=8)}."
    return (), Anomalie(LISTE, regle, conseil, valeur=abreger(cellule))


def _suggerer(anomalies: list[Anomalie]) -> list[Anomalie]:
    """Proposer le nom le plus proche aux premiers noms inconnus."""
    inconnus = [a for a in anomalies if a.regle == NOM_INCONNU]
    conseils = {id(a): _suggestion(a.valeur or "") for a in inconnus[:SUGGESTIONS_MAX]}
    return [
        replace(a, correction=conseils.get(id(a), "") + a.correction) if a in inconnus else a
        for a in anomalies
    ]


def _suggestion(nom: str) -> str:
    proche = referentiel.nom_proche(nom)
    return f"Vouliez-vous «{INSECABLE}{proche}{INSECABLE}»{INSECABLE}? " if proche else ""
