"""Comparer des noms de colonnes sans s'arrêter à la casse, aux accents ni à la ponctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ctg_data.schema import schemas
from ctg_data.textes import cle_de_tri

_SIGNES = re.compile(r"[^0-9a-z<>+%]+")
# Une unité écrite après un nom : « Places (nb) », « Taux de couverture (%) ».
_UNITE = re.compile(
    r"\s*\(\s*(nb|nbre|nombre|en nombre|%|en %|unités?|effectifs?|places?|enfants?)\.?\s*\)\s*$",
    re.IGNORECASE,
)
# Noms qui trahissent l'en-tête d'un fichier public, où qu'il soit dans la feuille.
_PUBLICS = frozenset(
    {"codgeo", "libgeo", "geo", "geo_object", "time_period", "obs_value", "depcom", "com", "iris"}
    | {"typecom", "libelle", "com_av", "com_ap", "date_eff", "dtreffre", "numcom", "nomcom"}
    | {"numcomdo", "num_com", "nom_com", "insee_com", "codes_insee"}
)


@lru_cache(maxsize=4096)
def cle_de_nom(nom: str) -> str:
    """Rendre la clé d'un nom de colonne : « Code commune » et « code_commune » ont la même."""
    return _SIGNES.sub("_", cle_de_tri(nom)).strip("_")


def cle_sans_unite(nom: str) -> str:
    """Rendre la clé d'un nom de colonne, l'unité entre parenthèses ôtée."""
    return cle_de_nom(_UNITE.sub("", nom))


@lru_cache(maxsize=1)
def noms_connus() -> frozenset[str]:
    """Rendre les clés de tous les noms et synonymes déclarés, et des noms publics courants."""
    declares = {
        cle_de_nom(nom)
        for schema in schemas().values()
        for colonne in schema.colonnes
        for nom in (colonne.nom, *colonne.synonymes)
    }
    return frozenset(declares | _PUBLICS)


def connus(rangee: Sequence[str]) -> int:
    """Compter les noms de colonnes connus d'une rangée (au plus une fois chacun)."""
    return len({cle_sans_unite(c) for c in rangee[:400] if len(c) < 100} & noms_connus())
