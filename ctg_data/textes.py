"""Écrire les nombres, les listes et les dates comme on les lit en France."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

FINE = "\u202f"
INSECABLE = "\u00a0"
# Contrôles, demi-codets et séparateurs de lignes ; les liants (emoji, arabe) restent.
_COUPURES = {"Cc", "Cs", "Zl", "Zp"}
_PONCTUATION_MARKDOWN = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")


def nombre(valeur: float | None, decimales: int = 0, *, signe: bool = False) -> str:
    """Écrire un nombre : fine insécable entre milliers, virgule décimale, vrai signe moins.

    Une valeur absente (None ou NaN) rend une chaîne vide : c'est à l'appelant de dire pourquoi.
    """
    if absente(valeur):
        return ""
    assert valeur is not None
    arrondi = round(valeur + 0.0, decimales)
    texte = f"{abs(arrondi):,.{decimales}f}".replace(",", FINE).replace(".", ",")
    if arrondi < 0:
        return "−" + texte
    return "+" + texte if signe and arrondi > 0 else texte


def absente(valeur: object) -> bool:
    """Dire si une valeur manque (None, NaN, NaT ou pandas.NA)."""
    if valeur is None:
        return True
    try:
        return bool(math.isnan(valeur))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(valeur) in ("<NA>", "NaT")


def avec_unite(texte: str, unite: str) -> str:
    """Poser l'unité après un nombre déjà écrit, séparée par une espace insécable."""
    return f"{texte}{INSECABLE}{unite}" if unite else texte


def accorder(quantite: float, singulier: str, pluriel: str | None = None) -> str:
    """Accorder un nom : 0 et 1 au singulier, 2 et plus au pluriel."""
    return singulier if abs(quantite) < 2 else (pluriel or singulier + "s")


def compte(quantite: float, singulier: str, pluriel: str | None = None) -> str:
    """Écrire un compte accordé : « 3 communes » ; l'accord suit le nombre écrit, donc arrondi."""
    return f"{nombre(quantite)}{INSECABLE}{accorder(round(quantite), singulier, pluriel)}"


def enumeration(elements: list[str], maximum: int | None = None) -> str:
    """Énumérer à la française : « a, b et c », ou « a, b et 3 autres » au-delà du maximum."""
    if maximum is not None and len(elements) > maximum:
        reste = len(elements) - maximum
        return f"{', '.join(elements[:maximum])} et {reste}{INSECABLE}{accorder(reste, 'autre')}"
    if len(elements) < 2:
        return "".join(elements)
    return f"{', '.join(elements[:-1])} et {elements[-1]}"


def distinguer(noms: Mapping[str, str]) -> dict[str, str]:
    """Rendre des noms tous différents : ceux qui sont en double reçoivent leur code."""
    comptes = Counter(noms.values())
    return {c: nom if comptes[nom] == 1 else f"{nom} ({c})" for c, nom in noms.items()}


def date_courte(jour: dt.date) -> str:
    """Écrire une date en chiffres : « 21/11/2026 »."""
    return jour.strftime("%d/%m/%Y")


def cle_de_tri(texte: str) -> str:
    """Rendre la clé de tri alphabétique française d'un nom (sans accents ni casse)."""
    decompose = unicodedata.normalize("NFD", texte.casefold().replace("œ", "oe"))
    return "".join(c for c in decompose if not unicodedata.combining(c))


def a(nom: str) -> str:
    """Écrire « à » devant un nom de commune, article contracté : « au Pin », « aux Angles »."""
    for article, forme in (("Le ", "au "), ("Les ", "aux ")):
        if nom.startswith(article):
            return forme + nom.removeprefix(article)
    return f"à {nom}"


def echapper_markdown(texte: object) -> str:
    """Rendre un texte d'utilisateur inerte dans un libellé Markdown de Streamlit.

    Chaque signe de ponctuation ASCII est protégé : ni image, ni lien, ni formule, ni directive.
    Les caractères de contrôle et les sauts de ligne deviennent des espaces.
    """
    propre = "".join(" " if unicodedata.category(c) in _COUPURES else c for c in str(texte))
    return _PONCTUATION_MARKDOWN.sub(r"\\\1", propre)
