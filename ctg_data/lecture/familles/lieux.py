"""Situer chaque ligne d'un fichier public : code actuel, territoire, fusions de communes."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from ctg_data.anomalies import Anomalie
from ctg_data.codes import normaliser
from ctg_data.lecture.familles.communes import (
    SANS_LIEU,
    Geographie,
    codes_uniques,
    ecrire_code,
    perimetres,
)
from ctg_data.lecture.familles.formes import COMMUNE, Brut, Cible, Observations
from ctg_data.lecture.familles.modele import ADDITIVES, Famille, Reconnaissance
from ctg_data.lecture.familles.reconnaissance import annee_lue, colonne_du_role
from ctg_data.textes import INSECABLE, compte, enumeration

LONGUEURS = {"commune": 5, "epci": 9, "departement": 2, "region": 2, "france": 2}
IRIS = 9
NOMS_MAX = 8
# Au-delà de cette part de codes inconnus qui sont des codes postaux, la colonne en est faite.
PART_POSTALE = 0.2


def au_territoire(
    brut: Brut, famille: Famille, communes: Collection[str] | None, geographie: Geographie
) -> tuple[Brut, list[Anomalie]]:
    """Ne garder que les lignes des communes voulues, et dire les codes qui n'en sont pas.

    Se fait avant la mise à plat : une ligne large donne des centaines d'observations. Sans colonne
    de commune (fichier à plusieurs niveaux), tout est gardé.
    """
    rang = colonne_du_role(famille, "code", brut.noms)
    if rang is None or famille.niveaux:
        return brut, []
    lus = _codes(brut.cellules[rang], famille)
    actuels = {c: geographie.actuel(c) for c in lus.unique() if not SANS_LIEU.fullmatch(c)}
    anomalies = _postaux(actuels, geographie, brut.fichier)
    voulues = set(actuels.values()) - {""} if communes is None else set(communes)
    if communes is None:
        anomalies += _inconnus(actuels, brut.fichier)
    garde = lus.map(actuels).isin(voulues)
    return Brut(brut.fichier, brut.noms, brut.cellules[garde], brut.numeros), anomalies


def situer(
    obs: Observations, famille: Famille, communes: Collection[str] | None, geographie: Geographie
) -> pd.DataFrame:
    """Donner à chaque observation son code actuel et ne garder que le territoire.

    Colonnes ajoutées : brut (tel qu'écrit), lu (code du fichier), code (code actuel).
    """
    lignes = obs.lignes.assign(brut=obs.lignes["code"], lu="")
    for niveau in lignes["niveau"].unique():
        place = lignes["niveau"] == niveau
        lignes.loc[place, "lu"] = _codes(lignes.loc[place, "code"], famille, LONGUEURS[niveau])
    perdus = {c for c in lignes["lu"].unique() if SANS_LIEU.fullmatch(c)}
    lignes = lignes[~lignes["lu"].isin(perdus)]
    de_commune = lignes["niveau"] == COMMUNE
    lignes = lignes.assign(code=lignes["lu"])
    actuels = {c: geographie.actuel(c) for c in lignes.loc[de_commune, "lu"].unique()}
    lignes.loc[de_commune, "code"] = lignes.loc[de_commune, "lu"].map(actuels)
    return lignes[lignes["code"].ne("") & _dans(lignes, communes)]


def _codes(codes: pd.Series, famille: Famille, longueur: int = LONGUEURS[COMMUNE]) -> pd.Series:
    if famille.iris:
        return codes_uniques(codes, IRIS).str[: LONGUEURS[COMMUNE]]
    return codes_uniques(codes, longueur)


def _dans(lignes: pd.DataFrame, communes: Collection[str] | None) -> pd.Series:
    """Dire quelles observations concernent le territoire, à son niveau ou au-dessus."""
    if communes is None:
        return pd.Series(True, index=lignes.index)
    garde = lignes["niveau"].eq("france")
    for niveau, codes in {COMMUNE: communes, **perimetres(communes)}.items():
        garde |= lignes["niveau"].eq(niveau) & lignes["code"].isin(list(codes))
    return garde


def _postaux(actuels: dict[str, str], geographie: Geographie, fichier: str) -> list[Anomalie]:
    """Signaler une colonne de codes postaux prise pour des codes Insee."""
    postaux = sorted(c for c, actuel in actuels.items() if not actuel and c in geographie.postaux)
    if len(postaux) <= PART_POSTALE * len(actuels):
        return []
    regle = "la colonne des communes porte des codes postaux, pas des codes Insee"
    conseil = normaliser(postaux[0]).correction
    return [Anomalie(fichier, regle, conseil, valeur=postaux[0])]


def codes_postaux(codes: Collection[str], geographie: Geographie, fichier: str) -> list[Anomalie]:
    """Signaler des codes lus en tête de fichier qui sont des codes postaux."""
    ecrits = {ecrire_code(c, LONGUEURS[COMMUNE]) for c in codes}
    return _postaux({c: geographie.actuel(c) for c in ecrits}, geographie, fichier)


def _inconnus(actuels: dict[str, str], fichier: str) -> list[Anomalie]:
    inconnus = [c for c, actuel in actuels.items() if not actuel]
    if not inconnus:
        return []
    regle = f"{compte(len(inconnus), 'code')} de commune sans correspondance actuelle"
    conseil = f"Lignes laissées de côté{INSECABLE}: {enumeration(inconnus, NOMS_MAX)}."
    return [Anomalie(fichier, regle, conseil, gravite="avertissement")]


def decrites(reconnaissance: Reconnaissance, brut: Brut, geographie: Geographie) -> pd.DataFrame:
    """Lister les communes (et années) que le fichier décrit, même sans valeur pour nos mesures."""
    famille = reconnaissance.famille
    rang = colonne_du_role(famille, "code", brut.noms)
    if rang is None or famille.niveaux:
        return pd.DataFrame({"code": [], "annee": []})
    lus = _codes(brut.cellules[rang], famille)
    codes = lus.map({c: geographie.actuel(c) for c in lus.unique()})
    an = colonne_du_role(famille, "annee", brut.noms)
    dites = brut.cellules[an] if an is not None else reconnaissance.millesime or ""
    table = pd.DataFrame({"code": codes, "annee": dites}).drop_duplicates()
    table["annee"] = table["annee"].map(annee_lue)
    return table[table["code"].ne("")].drop_duplicates()


def reunissables(
    lignes: pd.DataFrame,
    cibles: tuple[Cible, ...],
    famille: Famille,
    geographie: Geographie,
    fichier: str,
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Écarter ce qui ne peut être ramené au code actuel : double compte, taux, somme trouée."""
    if lignes.empty:
        return lignes, []
    lignes, anomalies = _sans_double_compte(lignes, geographie, fichier)
    anciens = lignes["lu"].ne(lignes["code"]) & ~_changement_corse(lignes)
    if not anciens.any():
        return lignes, anomalies
    place = pd.MultiIndex.from_frame(lignes[["code", "annee"]])
    touchees = place.isin(place[anciens])
    seules = ~place.isin(place[~anciens])
    additive = lignes["cible"].map({r: c.nature in ADDITIVES for r, c in enumerate(cibles)})
    additive = additive.astype(bool)
    ville = lignes["lu"].isin(list(geographie.arrondissements))
    perdues = lignes.index[touchees & ~additive]
    # Un ancien code sans la ligne de sa commune actuelle n'en décrit qu'une partie.
    trouees = lignes.index[touchees & additive & seules & ~ville & (not famille.zero_deduit)]
    anomalies += _dire_fusions(lignes, perdues, trouees, anciens, fichier)
    return lignes.drop(index=perdues.union(trouees)), anomalies


def _changement_corse(lignes: pd.DataFrame) -> pd.Series:
    """Désigner les anciens codes corses (20004 → 2A004) : même commune, seul le code a changé."""
    return lignes["lu"].str.startswith("20") & lignes["code"].str[:2].isin(["2A", "2B"])


def _sans_double_compte(
    lignes: pd.DataFrame, geographie: Geographie, fichier: str
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Ôter les arrondissements quand leur ville est là : la somme la compterait deux fois."""
    arrondissement = lignes["lu"].isin(list(geographie.arrondissements)) & lignes["niveau"].eq(
        COMMUNE
    )
    place = pd.MultiIndex.from_frame(lignes[["code", "annee"]])
    doubles = arrondissement & place.isin(place[~arrondissement])
    if not doubles.any():
        return lignes, []
    noms = sorted(set(lignes.loc[doubles, "code"]))
    regle = f"arrondissements et ville entière dans le même fichier ({enumeration(noms)})"
    conseil = "Seule la ville entière est gardée, pour ne rien compter deux fois."
    return lignes[~doubles], [Anomalie(fichier, regle, conseil, gravite="information")]


def _dire_fusions(
    lignes: pd.DataFrame,
    perdues: pd.Index,
    trouees: pd.Index,
    anciens: pd.Series,
    fichier: str,
) -> list[Anomalie]:
    anomalies = []
    gardees = lignes[anciens & ~lignes.index.isin(perdues.union(trouees))]
    for code, groupe in gardees.groupby("code"):
        regle = f"{_liste(groupe)} : à réunir sous {code}, la commune actuelle"
        conseil = "Les effectifs sont additionnés."
        anomalies.append(Anomalie(fichier, regle, conseil, gravite="avertissement"))
    for code, groupe in lignes.loc[perdues].groupby("code"):
        regle = f"{code} réunit plusieurs codes du fichier ({_liste(groupe)})"
        conseil = "Un taux ou une médiane ne s'additionne pas : valeur laissée vide."
        anomalies.append(Anomalie(fichier, regle, conseil, gravite="avertissement"))
    for code, groupe in lignes.loc[trouees].groupby("code"):
        regle = f"{_liste(groupe)} n'est qu'une partie de {code}, qui n'a pas de ligne"
        conseil = "Valeur laissée de côté ; chargez un fichier à la géographie actuelle."
        anomalies.append(Anomalie(fichier, regle, conseil, gravite="avertissement"))
    return anomalies


def _liste(groupe: pd.DataFrame) -> str:
    return enumeration(sorted(set(groupe["lu"])), NOMS_MAX)
