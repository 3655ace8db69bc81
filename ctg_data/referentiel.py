"""Connaître toutes les communes de France : code, nom, EPCI, populations, anciens codes.

Les tables sont écrites par scripts/construire_referentiel.py. Chacune n'est lue qu'au premier
besoin, puis gardée : personne ne doit la modifier.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import pandas as pd

from ctg_data.textes import cle_de_tri

DOSSIER = Path(__file__).parent / "france"


@lru_cache(maxsize=1)
def communes() -> pd.DataFrame:
    """Rendre les communes actuelles, par code commune (arrondissements municipaux exclus).

    Colonnes : nom, population_municipale (recensement), population_totale (DGCL, une année plus
    tôt), code_epci, nom_epci, code_departement, code_region, codes_postaux (« 30800|30540 »),
    longitude et latitude en degrés, position (« mairie », ou « contour » quand la mairie n'est pas
    connue : un point de la commune). Manquent : l'EPCI et la population totale de quatre îles sans
    EPCI, la position de communes rétablies que la source ne situe pas. Les collectivités
    d'outre-mer (975, 977, 978, 98x) n'y sont pas.
    """
    return _lire("communes").set_index("code")


@lru_cache(maxsize=1)
def anciens() -> dict[str, tuple[str, str]]:
    """Rendre ce qu'est devenu chaque ancien code : ancien → (code actuel, date d'effet).

    Fusions, changements de code ou de département, Corse d'avant 1976 (20004 → 2A004). La date
    (AAAA-MM-JJ) est celle de l'Insee, ou le 1er janvier dont le code officiel géographique ne
    compte plus la commune ; vide quand aucune source ne la dit.
    """
    table = disparues()
    return dict(zip(table.index, zip(table["code"], table["date_effet"], strict=True), strict=True))


@lru_cache(maxsize=1)
def disparues() -> pd.DataFrame:
    """Rendre les communes disparues, par ancien code : code actuel, nom d'alors, date_effet."""
    return _lire("anciens").set_index("ancien")


@lru_cache(maxsize=1)
def arrondissements() -> dict[str, str]:
    """Rendre la commune de chaque arrondissement municipal : 75101 → 75056."""
    table = _lire("arrondissements")
    return dict(zip(table["code"], table["code_commune"], strict=True))


@lru_cache(maxsize=1)
def epci() -> pd.DataFrame:
    """Rendre les EPCI à fiscalité propre, par SIREN.

    Colonnes : nom, type, population_municipale, population_totale, communes (leur nombre). Les
    populations sont celles de la DGCL, une année avant celles de la table des communes.
    """
    return _lire("epci").set_index("code")


@lru_cache(maxsize=1)
def departements() -> pd.DataFrame:
    """Rendre les départements, par code : nom et code_region."""
    return _lire("departements").set_index("code")


@lru_cache(maxsize=1)
def regions() -> pd.DataFrame:
    """Rendre les régions, par code : nom."""
    return _lire("regions").set_index("code")


@lru_cache(maxsize=1)
def source() -> dict[str, str]:
    """Rendre la source à écrire à côté d'une commune (source), et la réserve de sa position."""
    return tomllib.loads((DOSSIER / "source.toml").read_text("utf-8"))


def _lire(nom: str) -> pd.DataFrame:
    return pd.read_parquet(DOSSIER / f"{nom}.parquet")


# --- Chercher -----------------------------------------------------------------------------------

_SEPARATEURS = re.compile(r"[^0-9a-z]+")
_ABREGES = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}
# Rang d'une commune qui ne répond pas ; avant lui : égale, commence, contient, a porté ce nom.
_LOIN = 4
_CEDEX = re.compile(r"\bcedex( \d+)?\b")


def cle_de_nom(nom: str) -> str:
    """Rendre la clé de comparaison d'un nom de commune : ni accents, ni tirets, ni casse.

    « St-Gilles », « SAINT GILLES » et « Saint-Gilles » ont la même clé.
    """
    mots = _SEPARATEURS.sub(" ", cle_de_tri(nom)).split()
    return " ".join(_ABREGES.get(mot, mot) for mot in mots)


@lru_cache(maxsize=1)
def _cles() -> pd.Series:
    return pd.Series([cle_de_nom(n) for n in communes()["nom"]], index=communes().index)


def chercher(texte: str, limite: int = 20) -> pd.DataFrame:
    """Chercher des communes par code, code postal ou nom, les plus probables d'abord.

    Un ancien code mène à la commune actuelle, un arrondissement à sa ville. Le nom se cherche
    sans accents, tirets ni casse, « st » valant « saint » : égal d'abord, puis qui commence ainsi,
    puis qui contient, enfin qui a porté ce nom ; à rang égal, la plus peuplée. Rend au plus
    `limite` lignes de `communes()`, avec une colonne libelle qui distingue les homonymes par leur
    département.
    """
    cherche = texte.strip()
    trouvees = communes().loc[_par_code(cherche.upper()) or _par_nom(cherche)].head(limite)
    return trouvees.assign(libelle=libelles(list(trouvees.index)))


def _par_code(code: str) -> list[str]:
    """Rendre les codes communes qu'un code désigne : commune, ancien code, code postal."""
    actuel = anciens().get(code, (arrondissements().get(code, code), ""))[0]
    par_postal = codes_du_code_postal(code)
    # Un même nombre peut être un code commune et un code postal : le premier l'emporte, en tête.
    return [c for c in (actuel,) if c in communes().index] + [c for c in par_postal if c != actuel]


def codes_du_code_postal(code: str) -> list[str]:
    """Rendre les communes que dessert un code postal, la plus peuplée d'abord."""
    return _par_code_postal().get(code, [])


@lru_cache(maxsize=1)
def _par_code_postal() -> dict[str, list[str]]:
    """Rendre les communes de chaque code postal, la plus peuplée d'abord."""
    rangees = communes().sort_values("population_municipale", ascending=False)["codes_postaux"]
    sortie: dict[str, list[str]] = {}
    for code, postaux in rangees.items():
        for postal in postaux.split("|"):
            sortie.setdefault(postal, []).append(str(code))
    return sortie


def _par_nom(nom: str) -> list[str]:
    cle = cle_de_nom(_CEDEX.sub("", nom.casefold()))
    if not cle:
        return []
    rangs = _rangs(_cles(), cle)
    hier = rangs.index.isin(_noms_d_hier().get(cle, []))
    rangs[hier & (rangs == _LOIN)] = _LOIN - 1
    table = communes()[["population_municipale"]].assign(rang=rangs)
    proches = table[table["rang"] < _LOIN]
    ordre = proches.sort_values(["rang", "population_municipale"], ascending=[True, False])
    return [str(c) for c in ordre.index]


def _rangs(cles: pd.Series, cle: str) -> pd.Series:
    rangs = pd.Series(_LOIN, index=cles.index)
    rangs[cles.str.contains(cle, regex=False)] = 2
    rangs[cles.str.startswith(cle)] = 1
    rangs[cles == cle] = 0
    return rangs


def codes_du_nom(nom: str) -> list[str]:
    """Rendre les codes de toutes les communes qui portent exactement ce nom (à la clé près)."""
    return _homonymes().get(cle_de_nom(nom), [])


def codes_du_nom_d_hier(nom: str) -> list[str]:
    """Rendre les codes actuels des communes qui ont porté ce nom, ou absorbé qui le portait."""
    return _noms_d_hier().get(cle_de_nom(nom), [])


def nom_proche(nom: str) -> str:
    """Rendre le nom de commune le plus ressemblant ; vide si aucun ne s'en approche."""
    cle = cle_de_nom(nom)
    # Comparer à 35 000 noms prendrait une seconde : la première lettre est rarement fausse.
    voisins = [c for c in _homonymes() if c[:1] == cle[:1] and abs(len(c) - len(cle)) < 4]
    proches = get_close_matches(cle, voisins, 1, cutoff=0.75)
    return str(communes().at[_homonymes()[proches[0]][0], "nom"]) if proches else ""


@lru_cache(maxsize=1)
def _homonymes() -> dict[str, list[str]]:
    sortie: dict[str, list[str]] = {}
    for code, cle in _cles().items():
        sortie.setdefault(cle, []).append(str(code))
    return sortie


@lru_cache(maxsize=1)
def _noms_d_hier() -> dict[str, list[str]]:
    sortie: dict[str, list[str]] = {}
    for nom, code in _lire("noms").itertuples(index=False):
        codes = sortie.setdefault(cle_de_nom(nom), [])
        # Deux graphies d'un même nom ont la même clé.
        codes += [] if code in codes else [code]
    return sortie


def chercher_epci(texte: str, limite: int = 20) -> pd.DataFrame:
    """Chercher des EPCI à fiscalité propre par SIREN ou par mots du nom, les plus peuplés d'abord.

    Rend au plus `limite` lignes de `epci()`. Tous les mots doivent y être, sans accents ni casse.
    """
    table = epci()
    if texte.strip() in table.index:
        return table.loc[[texte.strip()]]
    mots, cles = cle_de_nom(texte).split(), pd.Series(map(cle_de_nom, table["nom"]), table.index)
    garde = cles.map(lambda cle: bool(mots) and all(mot in cle for mot in mots)).astype(bool)
    return table[garde].sort_values("population_municipale", ascending=False).head(limite)


def codes_d_epci_du_nom(nom: str) -> list[str]:
    """Rendre les SIREN des EPCI qui portent exactement ce nom (à la clé près)."""
    return [str(c) for c, n in epci()["nom"].items() if cle_de_nom(n) == cle_de_nom(nom)]


def libelles(codes: list[str]) -> list[str]:
    """Nommer des communes ; celles dont le nom existe ailleurs reçoivent leur département."""
    table, noms = communes(), departements()["nom"]
    sortie = []
    for code in codes:
        nom, departement = table.at[code, "nom"], table.at[code, "code_departement"]
        unique = len(codes_du_nom(nom)) == 1
        sortie.append(nom if unique else f"{nom} ({departement}, {noms[departement]})")
    return sortie


def codes_de_l_epci(code: str) -> list[str]:
    """Rendre les communes d'un EPCI, triées ; aucune si ce SIREN n'en est pas un."""
    table = communes()
    return [str(c) for c in table.index[table["code_epci"] == code]]
