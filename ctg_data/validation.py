"""Confronter un tableau lu à son schéma : des valeurs typées, ou des anomalies qui réparent."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from difflib import get_close_matches

import pandas as pd

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture import Tableau
from ctg_data.schema import Colonne, Schema, schemas
from ctg_data.textes import absente

# Au-delà, un entier n'est plus représenté exactement par un nombre à virgule flottante.
ENTIER_MAX = 2**53
COLONNE_COMMUNE = "code_commune"

_NOMBRE = re.compile(r"[-+−]?\d+([.,]\d+)?")
_MILLIERS = re.compile(r"[-+−]?\d{1,3}([ \u00a0\u202f]\d{3})+([.,]\d+)?")
_ESPACES = str.maketrans("", "", " \u00a0\u202f")


def valider(
    tableau: Tableau, schema: Schema, communes: Collection[str] | None = None
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Typer un tableau selon son schéma et relever toutes ses fautes.

    `communes` : codes connus du territoire ; une autre commune est une erreur. Rend une table
    (une colonne par colonne déclarée, vide quand elle est facultative et absente) et les
    anomalies, dans l'ordre des lignes. La table n'a de sens que si aucune n'est une erreur.
    """
    anomalies = _colonnes(tableau, schema)
    if any(a.erreur for a in anomalies):
        return pd.DataFrame(), anomalies
    brut = pd.DataFrame(list(tableau.lignes), columns=list(tableau.entete), dtype=object)
    table = pd.DataFrame(index=brut.index)
    for colonne in schema.colonnes:
        if colonne.nom not in brut:
            table[colonne.nom] = _vide(colonne, len(brut))
            continue
        valeurs, fautes = _convertir(brut[colonne.nom], colonne, schema, tableau)
        table[colonne.nom] = valeurs
        anomalies += fautes
    if communes is not None and COLONNE_COMMUNE in table:
        anomalies += _communes_inconnues(table, tableau, communes)
    anomalies += _doublons(table, schema, tableau)
    if not len(brut):
        anomalies.append(
            Anomalie(tableau.fichier, "aucune ligne de données", "Ajoutez au moins une ligne.")
        )
    return table, sorted(anomalies, key=lambda a: a.ligne or 0)


def sans_secret(anomalies: Iterable[Anomalie], audience: str) -> list[Anomalie]:
    """Ôter des fautes les valeurs trouvées que cette audience n'a pas à voir.

    Une colonne de personnes ou de données fiscales peut contenir un petit effectif mal écrit.
    """
    if audience == "interne":
        return list(anomalies)
    secretes = {
        (f"{schema.nom}.csv", colonne.nom)
        for schema in schemas().values()
        for colonne in schema.colonnes
        if colonne.confidentialite != "publique"
    }
    return [replace(a, valeur=None) if (a.fichier, a.colonne) in secretes else a for a in anomalies]


def _colonnes(tableau: Tableau, schema: Schema) -> list[Anomalie]:
    declarees = [c.nom for c in schema.colonnes]
    libres = [nom for nom in tableau.entete if nom not in declarees]
    fichier, ligne = tableau.fichier, tableau.ligne_entete
    fautes = []
    for nom in schema.obligatoires:
        if nom not in tableau.entete:
            proche = get_close_matches(nom, libres, 1)
            exemple = f"Ajoutez une colonne « {nom} » (exemple : {schema.colonne(nom).exemple})."
            conseil = f"Renommez « {proche[0]} » en « {nom} »." if proche else exemple
            fautes.append(Anomalie(fichier, "colonne absente", conseil, ligne, nom))
    for nom in libres:
        conseil = f"Colonnes connues : {', '.join(declarees)}."
        regle = "colonne non déclarée, ignorée"
        fautes.append(Anomalie(fichier, regle, conseil, ligne, abreger(nom), erreur=False))
    return fautes


def _vide(colonne: Colonne, longueur: int) -> pd.Series:
    genre = "float64" if colonne.type in ("integer", "number") else "object"
    return pd.Series([None] * longueur, dtype=genre)


def _convertir(
    textes: pd.Series, colonne: Colonne, schema: Schema, tableau: Tableau
) -> tuple[pd.Series, list[Anomalie]]:
    lire = LECTEURS[colonne.type]
    valeurs: list[object] = []
    fautes: list[Anomalie] = []
    for texte, numero in zip(textes, tableau.numeros, strict=True):
        valeur, regle = _cellule(texte.strip(), colonne, schema.manquantes, lire)
        valeurs.append(valeur)
        if regle:
            conseil, trouve = _conseil(texte.strip(), colonne), abreger(texte.strip())
            fautes.append(Anomalie(tableau.fichier, regle, conseil, numero, colonne.nom, trouve))
    genre = "float64" if colonne.type in ("integer", "number") else "object"
    return pd.Series(valeurs, index=textes.index, dtype=genre), fautes


def _conseil(texte: str, colonne: Colonne) -> str:
    proche = get_close_matches(texte, colonne.valeurs, 1)
    return f"Écrivez par exemple « {proche[0] if proche else colonne.exemple} »."


def _cellule(
    texte: str, colonne: Colonne, manquantes: frozenset[str], lire: Callable[[str], object]
) -> tuple[object, str | None]:
    """Lire une cellule : (valeur, None) ou (None, règle enfreinte)."""
    if texte in manquantes:
        return None, "valeur obligatoire absente" if colonne.obligatoire else None
    try:
        valeur = lire(texte)
    except ValueError as faute:
        return None, str(faute)
    regle = _contrainte(valeur, texte, colonne)
    return (None if regle else valeur), regle


def _contrainte(valeur: object, texte: str, colonne: Colonne) -> str | None:
    if colonne.valeurs and texte not in colonne.valeurs:
        return f"valeur hors liste ({', '.join(colonne.valeurs)})"
    if colonne.motif and not re.fullmatch(colonne.motif, texte):
        return f"forme inattendue (attendu : {colonne.titre.lower()})"
    if len(texte) < colonne.longueur_min:
        return f"texte trop court (au moins {colonne.longueur_min} caractères)"
    if isinstance(valeur, float):
        if colonne.minimum is not None and valeur < colonne.minimum:
            return f"nombre inférieur au minimum {colonne.minimum}"
        if colonne.maximum is not None and valeur > colonne.maximum:
            return f"nombre supérieur au maximum {colonne.maximum}"
    return None


def _texte(texte: str) -> str:
    return texte


def _nombre(texte: str) -> float:
    if not (_NOMBRE.fullmatch(texte) or _MILLIERS.fullmatch(texte)):
        raise ValueError("ce n'est pas un nombre")
    valeur = float(texte.translate(_ESPACES).replace(",", ".").replace("−", "-"))
    if abs(valeur) > ENTIER_MAX:
        raise ValueError("nombre trop grand")
    return valeur


def _entier(texte: str) -> float:
    valeur = _nombre(texte)
    if not valeur.is_integer():
        raise ValueError("ce n'est pas un nombre entier")
    return valeur


def _date(texte: str) -> dt.date:
    for forme in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return dt.datetime.strptime(texte, forme).date()
        except ValueError:
            continue
    raise ValueError("ce n'est pas une date (AAAA-MM-JJ ou JJ/MM/AAAA)")


def _booleen(texte: str) -> bool:
    if texte.casefold() in ("oui", "vrai", "true", "1"):
        return True
    if texte.casefold() in ("non", "faux", "false", "0"):
        return False
    raise ValueError("ce n'est ni oui ni non")


LECTEURS: dict[str, Callable[[str], object]] = {
    "string": _texte,
    "integer": _entier,
    "number": _nombre,
    "date": _date,
    "boolean": _booleen,
}


def _communes_inconnues(
    table: pd.DataFrame, tableau: Tableau, communes: Collection[str]
) -> list[Anomalie]:
    fautes = []
    for code, numero in zip(table[COLONNE_COMMUNE], tableau.numeros, strict=True):
        if code is not None and code not in communes:
            proche = get_close_matches(code, communes, 1, cutoff=0.75)
            conseil = f"Vouliez-vous « {proche[0]} » ? " if proche else ""
            fautes.append(
                Anomalie(
                    tableau.fichier,
                    "commune inconnue du territoire",
                    f"{conseil}Corrigez le code, ou ajoutez la commune à territoire.toml.",
                    numero,
                    COLONNE_COMMUNE,
                    code,
                )
            )
    return fautes


def _doublons(table: pd.DataFrame, schema: Schema, tableau: Tableau) -> list[Anomalie]:
    premiers: dict[tuple[object, ...], int] = {}
    fautes = []
    cles = table[list(schema.cle)].itertuples(index=False, name=None)
    for cle, numero in zip(cles, tableau.numeros, strict=True):
        if any(absente(v) for v in cle):
            continue
        premier = premiers.setdefault(cle, numero)
        if premier != numero:
            regle = f"même clé ({', '.join(schema.cle)}) que la ligne {premier}"
            trouve = abreger(" · ".join(_ecrire(v) for v in cle))
            conseil = "Gardez une seule des deux lignes."
            fautes.append(Anomalie(tableau.fichier, regle, conseil, numero, schema.cle[0], trouve))
    return fautes


def _ecrire(valeur: object) -> str:
    """Écrire une valeur de clé comme dans le fichier : une année n'a pas de décimale."""
    return f"{valeur:.0f}" if isinstance(valeur, float) else str(valeur)
