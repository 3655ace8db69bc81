"""Convertir les cellules d'une colonne : valeurs typées, fautes, et formes rencontrées."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import pandas as pd

from ctg_data.dates import a_la_forme_d_une_date, lire_date
from ctg_data.ecriture import denuder
from ctg_data.nombres import ambigu, lire_entier, lire_nombre
from ctg_data.schema import Colonne
from ctg_data.textes import INSECABLE, cle_de_tri, compte, enumeration

# Marques de secret des producteurs : Insee (s, nd), Caf, Drees, BPE (_Z, _U), usages locaux.
_SECRETS = frozenset(
    {"s", "s.", "s*", "(s)", "[s]", "ns", "n.s", "n.s.", "nd", "n.d", "n.d.", "n.d. (secret)"}
    | {"c", "(c)", "[c]"}
    | {"conf", "confidentiel", "secret", "masque", "xx", "xxx", "xxxx", "xxxxx"}
    | {"_z", "_u", "_o", "*", "**", "***", "//", "///"}
)
_PETIT = re.compile(r"[<≤]\s*=?\s*\d{1,3}|moins de \d{1,3}|\d{1,2}\s*(ou moins|et moins)")
_VIDES = frozenset(
    {"-", "–", "—", ".", "..", "...", "…", "na", "n/a", "n.a.", "nan", "none", "null"}
    | {"nr", "n.r", "n.r.", "nc", "n.c", "n.c.", "n/d", "s.o", "s.o.", "sans objet", "/", "vide"}
    | {"non disponible", "non communique", "non renseigne"}
)
# Ce qu'un tableur français ou anglais écrit quand un calcul échoue.
_ERREUR_TABLEUR = re.compile(
    r"#(n/a|n/d|ref!|div/0!|valeur!|value!|nom\?|name\?|nombre!|num!|nul!|null!|calc!)"
)
# Une valeur mise à l'abri du tableur : ="2101" ou '2101.
_ABRITEE = re.compile(r"""=\s*"([^"]*)"|'([^']+)""")
_JOUR_OU_MOIS = re.compile(r"\d{1,2}[-/ ][a-zé]{3,9}\.?|[a-zé]{3,9}\.?[-/ ]\d{2,4}", re.IGNORECASE)
_VRAI = ("oui", "vrai", "true", "1", "o", "x")
_FAUX = ("non", "faux", "false", "0", "n")
# Ce qui se dit d'une forme de nombre ou de date, une fois par colonne.
_FORMES = {
    "point": "point décimal lu comme une virgule",
    "abritée": "nombres protégés comme des textes, lus comme des nombres",
    "texte": "nombres stockés en texte, convertis",
    "milliers": "espaces de milliers ôtées",
    "étranger": "format de nombre ambigu, vérifiez",
    "exposant": "notation scientifique, des chiffres peuvent manquer, vérifiez",
    "pourcentage": "pourcentages lus comme des nombres",
    "longue": "dates en toutes lettres converties",
    "deux chiffres": "années à deux chiffres complétées, vérifiez",
    "série": "numéros de jour Excel convertis en dates",
    "booléen": "vrai et faux lus oui et non",
    "liste": "valeurs rapprochées de la liste attendue",
    "vide": "marques de valeur absente lues comme des cases vides",
}
_A_VERIFIER = {"étranger", "exposant", "deux chiffres", "série"}


@dataclass
class Convertie:
    """Porter une colonne convertie.

    `fautes` : (rang de ligne, règle, conseil, texte trouvé) ; `formes` : combien de cellules de
    chaque forme, avec un exemple ; `secrets` : rangs des cellules masquées, avec leur marque.
    """

    valeurs: pd.Series
    fautes: list[tuple[int, str, str, str]] = field(default_factory=list)
    formes: Counter[str] = field(default_factory=Counter)
    exemples: dict[str, str] = field(default_factory=dict)
    secrets: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Cellule:
    valeur: object
    regle: str | None = None
    forme: str = ""
    secret: bool = False


def numerique(colonne: Colonne) -> bool:
    """Dire si une colonne porte des nombres."""
    return colonne.type in ("integer", "number")


def vide(colonne: Colonne, longueur: int) -> pd.Series:
    """Rendre une colonne sans valeur, du type déclaré."""
    return pd.Series([None] * longueur, dtype="float64" if numerique(colonne) else "object")


def convertir(
    textes: Sequence[str], colonne: Colonne, manquantes: frozenset[str], *, classeur: bool = False
) -> Convertie:
    """Convertir les textes d'une colonne déclarée ; ne lève jamais.

    Une cellule écrite de la même façon n'est lue qu'une fois. `classeur` : le point décimal vient
    du tableur, il n'y a rien à en dire.
    """
    if colonne.type == "string" and not classeur:
        # Nos exports neutralisent un texte qui commence comme une formule : le rendre tel quel.
        textes = [denuder(t) if t.startswith("'") else t for t in textes]
    lues: dict[str, _Cellule] = {}
    resultat = Convertie(pd.Series(dtype="object"))
    valeurs: list[object] = []
    for rang, brut in enumerate(textes):
        lue = lues.get(brut)
        if lue is None:
            lue = lues[brut] = _lire(brut.strip(), colonne, manquantes)
        valeurs.append(lue.valeur)
        if lue.regle is not None:
            conseil = _conseil(brut.strip(), colonne)
            resultat.fautes.append((rang, lue.regle, conseil, brut.strip()))
        elif lue.secret:
            resultat.secrets[rang] = brut.strip()
        elif lue.forme:
            resultat.formes[lue.forme] += 1
            resultat.exemples.setdefault(lue.forme, brut.strip())
    if classeur:
        # Un tableur écrit ses nombres avec un point : une virgule y est celle d'un texte.
        resultat.formes.pop("point", None)
        resultat.formes["texte"] = resultat.formes.pop("virgule", 0)
        resultat.exemples["texte"] = resultat.exemples.get("virgule", "")
    genre = "float64" if numerique(colonne) else "object"
    resultat.valeurs = pd.Series(valeurs, dtype=genre)
    return resultat


def remarques(convertie: Convertie) -> list[tuple[str, bool]]:
    """Écrire une phrase par forme rencontrée, et dire si elle appelle une vérification."""
    formes = dict(convertie.formes)
    melange = formes.get("point") and formes.get("virgule")
    phrases = []
    if melange:
        phrases.append(("virgules et points décimaux mêlés, lus comme des décimales", True))
        formes.pop("point")
    for forme, phrase in _FORMES.items():
        if formes.get(forme):
            exemple = f" («{INSECABLE}{convertie.exemples[forme]}{INSECABLE}»)"
            phrases.append((phrase + exemple, forme in _A_VERIFIER))
    return phrases


def phrase_secrets(lignes: dict[int, str]) -> str:
    """Écrire combien de lignes portent une valeur secrète, et sous quelles marques."""
    marques = enumeration(
        [f"«{INSECABLE}{m}{INSECABLE}»" for m in dict.fromkeys(lignes.values())], maximum=4
    )
    return (
        f"{compte(len(lignes), 'ligne')} sous secret statistique ({marques}){INSECABLE}: valeurs "
        "masquées, pas zéro"
    )


def est_secret(texte: str) -> bool:
    """Dire si un texte est la marque d'une valeur tue par son producteur."""
    net = cle_de_tri(texte)
    return net in _SECRETS or bool(_PETIT.fullmatch(net))


def est_vide(texte: str) -> bool:
    """Dire si un texte est la marque d'une valeur absente."""
    return cle_de_tri(texte) in _VIDES


def erreur_de_tableur(texte: str) -> bool:
    """Dire si un texte est l'erreur d'un calcul de tableur (#N/D, #REF!)."""
    return texte.startswith("#") and bool(_ERREUR_TABLEUR.fullmatch(texte.casefold()))


def _lire(texte: str, colonne: Colonne, manquantes: frozenset[str]) -> _Cellule:
    if not texte:
        return _Cellule(None, _absente(colonne))
    if erreur_de_tableur(texte):
        return _Cellule(None, "erreur de tableur")
    abritee = _ABRITEE.fullmatch(texte) if numerique(colonne) else None
    if abritee:
        nue = _lire((abritee[1] or abritee[2] or "").strip(), colonne, manquantes)
        return replace(nue, forme=nue.forme or "abritée")
    if numerique(colonne) and est_secret(texte):
        return _Cellule(None, _absente(colonne), secret=True)
    if texte in manquantes or (colonne.type != "string" and est_vide(texte)):
        return _Cellule(None, _absente(colonne), forme="vide" if numerique(colonne) else "")
    try:
        valeur, forme = LECTEURS[colonne.type](texte)
    except ValueError as faute:
        return _Cellule(None, str(faute))
    if colonne.valeurs and valeur not in colonne.valeurs:
        proche = [v for v in colonne.valeurs if cle_de_tri(v) == cle_de_tri(texte)]
        valeur, forme = (proche[0], "liste") if proche else (valeur, forme)
    regle = _contrainte(valeur, colonne)
    return _Cellule(None if regle else valeur, regle, forme)


def _absente(colonne: Colonne) -> str | None:
    return "valeur obligatoire absente" if colonne.obligatoire else None


def _conseil(texte: str, colonne: Colonne) -> str:
    """Dire quoi écrire à la place d'un texte refusé."""
    if erreur_de_tableur(texte):
        return "Corrigez la formule, ou videz la cellule si la valeur manque."
    if numerique(colonne):
        return _conseil_de_nombre(texte, colonne)
    proche = get_close_matches(texte, colonne.valeurs, 1)
    return f"Écrivez par exemple « {proche[0] if proche else colonne.exemple} »."


def _conseil_de_nombre(texte: str, colonne: Colonne) -> str:
    if texte and not texte.strip("#"):
        return "Élargissez la colonne dans le tableur, puis enregistrez de nouveau."
    if a_la_forme_d_une_date(texte) or _JOUR_OU_MOIS.fullmatch(texte):
        return (
            "Le tableur a pris la valeur pour une date : mettez la colonne au format Nombre et "
            "réécrivez-la."
        )
    if ambigu(texte):
        chiffres = re.sub("[.,]", "", texte)
        return f"Écrivez « {chiffres} » si ce sont des milliers, sinon un nombre entier."
    # Une longitude s'écrit avec un point ; le reste, à la française.
    virgule = colonne.exemple if colonne.unite == "degrés" else colonne.exemple.replace(".", ",")
    return f"Écrivez par exemple « {virgule} »."


def _contrainte(valeur: object, colonne: Colonne) -> str | None:
    if isinstance(valeur, float):
        return _bornes(valeur, colonne)
    if not isinstance(valeur, str):
        return None
    if colonne.valeurs and valeur not in colonne.valeurs:
        return f"valeur hors liste ({', '.join(colonne.valeurs)})"
    if colonne.motif and not re.fullmatch(colonne.motif, valeur):
        return f"forme inattendue (attendu : {colonne.titre.lower()})"
    if len(valeur) < colonne.longueur_min:
        return f"texte trop court (au moins {colonne.longueur_min} caractères)"
    return None


def _bornes(valeur: float, colonne: Colonne) -> str | None:
    if colonne.minimum is not None and valeur < colonne.minimum:
        if colonne.minimum == 0:
            return "nombre négatif"
        return f"nombre inférieur au minimum {colonne.minimum}"
    if colonne.maximum is not None and valeur > colonne.maximum:
        return f"nombre supérieur au maximum {colonne.maximum}"
    return None


def _texte(texte: str) -> tuple[object, str]:
    return texte, ""


def _nombre(texte: str) -> tuple[object, str]:
    lu = lire_nombre(texte)
    return lu.valeur, lu.forme


def _entier(texte: str) -> tuple[object, str]:
    lu = lire_entier(texte)
    # « 12,0 » n'est pas un mélange de décimales : c'est un entier.
    return lu.valeur, "" if lu.forme in ("point", "virgule") else lu.forme


def _date(texte: str) -> tuple[object, str]:
    lue = lire_date(texte)
    return lue.valeur, lue.forme


def _booleen(texte: str) -> tuple[object, str]:
    net = texte.casefold()
    if net in _VRAI:
        return True, "" if net in ("oui", "1") else "booléen"
    if net in _FAUX:
        return False, "" if net in ("non", "0") else "booléen"
    raise ValueError("ce n'est ni oui ni non")


LECTEURS: dict[str, Callable[[str], tuple[object, str]]] = {
    "string": _texte,
    "integer": _entier,
    "number": _nombre,
    "date": _date,
    "boolean": _booleen,
}
