"""Ramener les codes d'un fichier aux communes actuelles, sans rien compter deux fois."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from ctg_data import referentiel
from ctg_data.codes import completer

# Foyers non localisés, à l'étranger, ou ligne sans code (Cnaf, IGN).
SANS_LIEU = re.compile(r"|X+|Z+|9{5,}|NR|NC|NAN|NONE|0+")


@dataclass(frozen=True)
class Geographie:
    """Porter ce qu'il faut pour situer un code de commune, même ancien.

    `anciens` : ancien code → (code actuel, date d'effet) ; `arrondissements` : code → commune ;
    `postaux` : codes postaux.
    """

    actuelles: Collection[str]
    anciens: Mapping[str, tuple[str, str]]
    arrondissements: Mapping[str, str]
    postaux: Collection[str]

    def actuel(self, code: str) -> str:
        """Rendre le code actuel d'une commune ; vide si le code n'a jamais existé."""
        if code in self.actuelles:
            return code
        if code in self.arrondissements:
            return self.arrondissements[code]
        return self.anciens[code][0] if code in self.anciens else ""


@lru_cache(maxsize=1)
def france() -> Geographie:
    """Rendre la géographie de la France, du référentiel livré."""
    communes = referentiel.communes()
    postaux = {postal for liste in communes["codes_postaux"] for postal in str(liste).split("|")}
    return Geographie(
        frozenset(communes.index),
        referentiel.anciens(),
        referentiel.arrondissements(),
        frozenset(postaux),
    )


def ecrire_code(texte: str, longueur: int) -> str:
    """Écrire un code comme l'Insee : texte, capitales, zéro de tête, sans préfixe ni « .0 »."""
    brut = completer(texte)
    return brut.zfill(longueur) if brut.isdigit() and len(brut) == longueur - 1 else brut


def formes_des_codes(communes: Collection[str], geographie: Geographie) -> frozenset[str]:
    """Lister les écritures de communes, de leurs anciens codes et de leurs arrondissements."""
    actuels = {a: actuel for a, (actuel, _) in geographie.anciens.items()}
    tous = actuels | dict(geographie.arrondissements) | {c: c for c in communes}
    codes = [code for code, actuel in tous.items() if actuel in communes]
    return frozenset(forme for code in codes for forme in _formes(code))


def _formes(code: str) -> tuple[str, ...]:
    court = code.lstrip("0")
    return code, code.lower(), court, f'="{code}"', f"{court}.0"


def perimetres(communes: Collection[str]) -> dict[str, frozenset[str]]:
    """Rendre les codes d'EPCI, de départements et de régions qui contiennent ces communes."""
    table = referentiel.communes()
    table = table[table.index.isin(communes)]
    colonnes = {"epci": "code_epci", "departement": "code_departement", "region": "code_region"}
    return {niveau: frozenset(table[c].dropna().astype(str)) for niveau, c in colonnes.items()}


def nom_officiel(niveau: str, code: str, lu: str) -> str:
    """Rendre le nom d'un périmètre dans le référentiel ; celui du fichier s'il n'y est pas.

    La Cnaf écrit ses noms en capitales, sans accents ni articles.
    """
    tables = {
        "commune": referentiel.communes,
        "epci": referentiel.epci,
        "departement": referentiel.departements,
        "region": referentiel.regions,
    }
    noms = tables[niveau]()["nom"] if niveau in tables else {}
    return str(noms.get(code) or lu or code)


def codes_uniques(codes: pd.Series, longueur: int) -> pd.Series:
    """Écrire une colonne de codes ; chaque code différent n'est lu qu'une fois."""
    uniques = codes.unique()
    return codes.map({c: ecrire_code(str(c), longueur) for c in uniques})
