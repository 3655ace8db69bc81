"""Lire les nombres comme on les écrit en France, et comme les tableurs les abîment."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Au-delà, un entier n'est plus représenté exactement par un nombre à virgule flottante.
ENTIER_MAX = 2**53

_ESPACES = "[ \u00a0\u2009\u202f'’]"
_SIMPLE = re.compile(r"[-+−]?\d+(?P<marque>[.,]\d+)?", re.ASCII)
_MILLIERS = re.compile(rf"[-+−]?\d{{1,3}}({_ESPACES}\d{{3}})+(?P<marque>[.,]\d+)?", re.ASCII)
# Deux marques différentes, ou la même deux fois : les milliers ne font pas de doute.
_ETRANGER = re.compile(
    r"[-+−]?\d{1,3}((\.\d{3})+(,\d+)|(,\d{3})+(\.\d+)|(\.\d{3}){2,}|(,\d{3}){2,})", re.ASCII
)
_EXPOSANT = re.compile(r"[-+−]?\d([.,]\d+)?[eE][+-]?\d{1,2}", re.ASCII)
_MILLIERS_OU_DECIMALES = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_OTER = re.compile(_ESPACES)


@dataclass(frozen=True)
class Nombre:
    """Porter un nombre lu et la forme qu'il avait.

    `forme` : "" (chiffres seuls), virgule, point, milliers, étranger (1.234,5), exposant (1E+05),
    pourcentage (57,1 %).
    """

    valeur: float
    forme: str = ""


def lire_nombre(texte: str) -> Nombre:
    """Lire un nombre écrit ; lève ValueError, avec la règle enfreinte, si ce n'en est pas un."""
    ecrit = texte.strip()
    pourcent = ecrit.endswith("%")
    if pourcent:
        ecrit = ecrit[:-1].strip()
    forme, brut = _forme(ecrit)
    valeur = float(brut)
    if abs(valeur) >= ENTIER_MAX:
        raise ValueError("nombre trop grand")
    return Nombre(valeur, "pourcentage" if pourcent else forme)


def _forme(ecrit: str) -> tuple[str, str]:
    net = ecrit.replace("−", "-")
    simple = _SIMPLE.fullmatch(net)
    if simple:
        marque = simple["marque"]
        return {"": "", ".": "point", ",": "virgule"}[marque[:1] if marque else ""], net.replace(
            ",", "."
        )
    if _MILLIERS.fullmatch(net):
        return "milliers", _OTER.sub("", net).replace(",", ".")
    if _ETRANGER.fullmatch(net):
        decimale = max(net.rfind("."), net.rfind(","))
        entier = net if net.count(net[decimale]) > 1 else net[:decimale]
        reste = "" if entier == net else "." + net[decimale + 1 :]
        return "étranger", re.sub("[.,]", "", entier) + reste
    if _EXPOSANT.fullmatch(net):
        return "exposant", net.replace(",", ".")
    raise ValueError("ce n'est pas un nombre")


def est_nombre(texte: str) -> bool:
    """Dire si un texte s'écrit comme un nombre."""
    try:
        lire_nombre(texte)
    except ValueError:
        return False
    return True


def ambigu(texte: str) -> bool:
    """Dire si un nombre peut être des milliers ou des décimales : « 2.101 »."""
    return bool(_MILLIERS_OU_DECIMALES.fullmatch(texte.strip()))


def lire_entier(texte: str) -> Nombre:
    """Lire un nombre entier ; lève ValueError s'il a une partie décimale ou s'il est ambigu.

    « 2.101 » peut être 2 101 ou un peu plus de 2 : dans une colonne d'entiers, on ne devine pas.
    """
    lu = lire_nombre(texte)
    if not lu.valeur.is_integer() or ambigu(texte):
        if ambigu(texte):
            chiffres = re.sub("[.,]", "", texte.strip())
            raise ValueError(f"nombre ambigu, milliers ou décimales ({chiffres} ?)")
        raise ValueError("ce n'est pas un nombre entier")
    if lu.forme == "pourcentage":
        raise ValueError("pourcentage dans une colonne d'effectifs")
    return lu
