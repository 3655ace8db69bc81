"""Confronter un tableau lu à son schéma : des valeurs typées, ou des anomalies qui réparent."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection
from difflib import get_close_matches

import pandas as pd

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture import Tableau
from ctg_data.schema import Colonne, Schema

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


def _colonnes(tableau: Tableau, schema: Schema) -> list[Anomalie]:
    declarees = [c.nom for c in schema.colonnes]
    fautes = []
    for nom in schema.obligatoires:
        if nom not in tableau.entete:
            proche = get_close_matches(nom, [c for c in tableau.entete if c not in declarees], 1)
            conseil = f"Renommez « {proche[0]} » en « {nom} »." if proche else ""
            exemple = f"Ajoutez une colonne « {nom} » (exemple : {schema.colonne(nom).exemple})."
            fautes.append(Anomalie(tableau.fichier, "colonne absente", conseil or exemple, 1, nom))
    for nom in tableau.entete:
        if nom not in declarees:
            fautes.append(
                Anomalie(
                    tableau.fichier,
                    "colonne non déclarée, ignorée",
                    f"Colonnes connues : {', '.join(declarees)}.",
                    1,
                    nom,
                    erreur=False,
                )
            )
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
            correction = f"Écrivez par exemple « {colonne.exemple} »."
            trouve = abreger(texte.strip())
            fautes.append(Anomalie(tableau.fichier, regle, correction, numero, colonne.nom, trouve))
    genre = "float64" if colonne.type in ("integer", "number") else "object"
    return pd.Series(valeurs, index=textes.index, dtype=genre), fautes


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
    return float(texte.translate(_ESPACES).replace(",", ".").replace("−", "-"))


def _entier(texte: str) -> float:
    valeur = _nombre(texte)
    if not valeur.is_integer():
        raise ValueError("ce n'est pas un nombre entier")
    if abs(valeur) > ENTIER_MAX:
        raise ValueError("nombre trop grand")
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
    cle = list(schema.cle)
    numeros = pd.Series(tableau.numeros, index=table.index)
    doubles = table[table.duplicated(cle, keep="first")]
    premiers = table.assign(_numero=numeros).drop_duplicates(cle).set_index(cle)["_numero"]
    fautes = []
    for rang, ligne in doubles.iterrows():
        valeurs = tuple(ligne[c] for c in cle)
        if any(v is None for v in valeurs):
            continue
        premier = premiers.loc[valeurs if len(cle) > 1 else valeurs[0]]
        fautes.append(
            Anomalie(
                tableau.fichier,
                f"même clé ({', '.join(cle)}) que la ligne {premier}",
                "Gardez une seule des deux lignes.",
                int(numeros[rang]),
                cle[0],
                " · ".join(str(v) for v in valeurs),
            )
        )
    return fautes
