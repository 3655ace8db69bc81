"""Tirer d'un fichier public reconnu les tables d'un territoire."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from ctg_data.anomalies import Anomalie
from ctg_data.lecture import Tableau
from ctg_data.lecture.familles import epurer
from ctg_data.lecture.familles.communes import Geographie, france
from ctg_data.lecture.familles.fiches import catalogue
from ctg_data.lecture.familles.formes import COMMUNE, Brut, Cible, garder, observations
from ctg_data.lecture.familles.lieux import (
    NOMS_MAX,
    au_territoire,
    decrites,
    reunissables,
    situer,
)
from ctg_data.lecture.familles.modele import Extraction, Famille, Reconnaissance
from ctg_data.lecture.familles.reconnaissance import annee_lue, nettoyer
from ctg_data.lecture.familles.tables import assembler, reunir, zeros_deduits
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, compte, enumeration

# Famille des fichiers longs de l'Insee sans correspondance déclarée.
MELODI = "melodi"

_MOIS = re.compile(r"(?:(?:19|20)\d\d)-(\d\d)|(\d\d)/(?:19|20)\d\d")


def extraire_tableau(
    reconnaissance: Reconnaissance,
    tableau: Tableau,
    communes: Collection[str] | None,
    geographie: Geographie | None = None,
) -> Extraction:
    """Tirer d'un tableau déjà lu les tables du territoire ; `communes=None` : toute la France.

    Ne lève rien sur des données fautives : les anomalies disent ligne, colonne et quoi faire.
    `geographie` : celle du référentiel livré, si l'on n'en donne pas d'autre.
    """
    cellules = pd.DataFrame(list(tableau.lignes), columns=range(len(tableau.entete)), dtype=object)
    noms = tuple(nettoyer(nom) for nom in tableau.entete)
    numeros = pd.Series(tableau.numeros, index=cellules.index, dtype="int64")
    brut = Brut(tableau.fichier, noms, cellules.fillna("").astype(str), numeros)
    return convertir(reconnaissance, brut, communes, len(cellules), geographie or france())


def convertir(
    reconnaissance: Reconnaissance,
    brut: Brut,
    communes: Collection[str] | None,
    lignes_lues: int,
    geographie: Geographie,
) -> Extraction:
    """Convertir des lignes brutes : territoire, mise à plat, valeurs, cases, tables."""
    famille, fichier = reconnaissance.famille, brut.fichier
    brut, lieux = au_territoire(garder(brut, famille), famille, communes, geographie)
    ici = decrites(reconnaissance, brut, geographie)
    obs = observations(reconnaissance, brut)
    if famille.total and not famille.libre and obs.lignes.empty and len(brut.cellules):
        # Un autre jeu Melodi aux mêmes dimensions : gardé tel quel plutôt que perdu.
        libre = replace(reconnaissance, famille=catalogue()[MELODI])
        return convertir(libre, brut, communes, lignes_lues, geographie)
    lignes, dates = _dater(situer(obs, famille, communes, geographie), reconnaissance, fichier)
    lignes, doublons = epurer.sans_doublons(epurer.lire(lignes, famille), obs.cibles, fichier)
    lignes = epurer.sans_secours(lignes, obs.cibles)
    fautes = list(epurer.fautes_de_nombre(lignes, obs.cibles, fichier))
    lignes, fusions = reunissables(lignes, obs.cibles, famille, geographie, fichier)
    cases, vides = _obligatoires(_cases(lignes, famille, ici), obs.cibles, fichier)
    trouvees = frozenset(lignes.loc[lignes["niveau"] == COMMUNE, "code"]) | frozenset(ici["code"])
    secretes = int(cases["statut"].eq("secret").sum())
    anomalies = [*lieux, *obs.anomalies, *dates, *doublons, *fautes, *fusions, *vides]
    anomalies += _absences(trouvees, bool(len(cases)), communes, famille, fichier)
    anomalies += _dire_secrets(secretes, famille, fichier) + _dire_catalogue(famille, fichier)
    return Extraction(
        famille=famille,
        millesime=_millesime(reconnaissance, cases),
        tables=assembler(cases, obs.cibles, famille),
        lignes_lues=lignes_lues,
        communes_trouvees=trouvees,
        valeurs_secretes=secretes,
        anomalies=tuple(anomalies),
    )


def _cases(lignes: pd.DataFrame, famille: Famille, ici: pd.DataFrame) -> pd.DataFrame:
    """Réunir les observations en cases ; un dénombrement a aussi ses zéros."""
    compte_lignes = "valeur" not in famille.roles and not any(m.colonne for m in famille.mesures)
    cases = reunir(lignes, compte=compte_lignes)
    return zeros_deduits(cases, ici) if famille.zero_deduit else cases


# --- Quand ---------------------------------------------------------------------------------------


def _dater(
    lignes: pd.DataFrame, reconnaissance: Reconnaissance, fichier: str
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Lire l'année de chaque observation ; sans année, rien ne peut être rangé."""
    famille = reconnaissance.famille
    textes = lignes["annee"].astype(str)
    annees = textes.map({t: annee_lue(t) for t in textes.unique()})
    anomalies = []
    if annees.isna().any():
        ligne = int(lignes.loc[annees.isna(), "ligne"].iloc[0]) or None
        conseil = "Remettez l'année dans le nom du fichier, comme chez le producteur (…_AAAA.csv)."
        anomalies.append(Anomalie(fichier, "année introuvable", conseil, ligne))
    elif reconnaissance.millesime and str(reconnaissance.annee_du_nom) == reconnaissance.millesime:
        anomalies += _annee_du_nom(reconnaissance, fichier)
    garde = annees.notna()
    if famille.mois:
        mois = textes.map({t: _mois(t) for t in textes.unique()})
        autres = mois.notna() & mois.ne(famille.mois)
        if autres.any():
            regle = f"{compte(int(textes[autres].nunique()), 'mois', 'mois')} hors décembre"
            conseil = "Seul décembre entre dans la table ; les autres mois sont laissés de côté."
            anomalies.append(Anomalie(fichier, regle, conseil, gravite="information"))
        garde &= ~autres
    return lignes.assign(annee=annees)[garde], anomalies


def _annee_du_nom(reconnaissance: Reconnaissance, fichier: str) -> list[Anomalie]:
    """Dire que l'année vient du nom du fichier, quand c'est vraiment le cas."""
    famille = reconnaissance.famille
    if "annee" in famille.roles or any("<an>" in m.colonne for m in famille.mesures):
        return []
    regle = f"année {reconnaissance.millesime} lue dans le nom du fichier"
    conseil = "Vérifiez-la : le fichier lui-même ne la dit pas."
    return [Anomalie(fichier, regle, conseil, gravite="information")]


def _mois(texte: str) -> int | None:
    trouve = _MOIS.search(texte)
    return int(trouve[1] or trouve[2]) if trouve else None


def _millesime(reconnaissance: Reconnaissance, cases: pd.DataFrame) -> str | None:
    if reconnaissance.millesime is None and len(cases):
        return str(int(cases["annee"].max()))
    return reconnaissance.millesime


# --- Ce qui manque -------------------------------------------------------------------------------


def _obligatoires(
    cases: pd.DataFrame, cibles: tuple[Cible, ...], fichier: str
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Écarter les cases vides des tables qui n'en acceptent pas."""
    if cases.empty:
        return cases, []
    exigees = [r for r, c in enumerate(cibles) if schemas()[c.table].colonne(c.champ).obligatoire]
    vides = cases["cible"].isin(exigees) & cases["valeur"].isna()
    if not vides.any():
        return cases, []
    regle = f"{compte(int(vides.sum()), 'valeur vide', 'valeurs vides')} dans une table sans vide"
    conseil = "Ces lignes sont laissées de côté ; elles ne valent pas zéro."
    return cases[~vides], [Anomalie(fichier, regle, conseil, gravite="avertissement")]


def _absences(
    trouvees: Collection[str],
    remplie: bool,
    communes: Collection[str] | None,
    famille: Famille,
    fichier: str,
) -> list[Anomalie]:
    """Dire quelles communes du territoire le fichier ne décrit pas : absente n'est pas zéro."""
    if communes is None or (remplie and not trouvees):
        return []
    absentes = sorted(set(communes) - set(trouvees))
    if not absentes:
        return []
    if not trouvees:
        conseil = "Vérifiez que le fichier couvre votre territoire."
        return [Anomalie(fichier, "aucune commune du territoire dans ce fichier", conseil)]
    regle = f"{compte(len(absentes), 'commune')} du territoire sans ligne dans ce fichier"
    liste = f"{enumeration(absentes, NOMS_MAX)}{INSECABLE}: sans valeur, et non à zéro."
    conseil = f"{liste} {famille.absence}".strip()
    return [Anomalie(fichier, regle, conseil, gravite="avertissement")]


def _dire_secrets(secretes: int, famille: Famille, fichier: str) -> list[Anomalie]:
    if not secretes:
        return []
    regle = f"{compte(secretes, 'valeur')} sous secret statistique"
    iris = "Un Iris secret cache la somme de sa commune. " if famille.iris else ""
    conseil = f"{iris}Valeur laissée vide, jamais zéro."
    return [Anomalie(fichier, regle, conseil, gravite="information")]


def _dire_catalogue(famille: Famille, fichier: str) -> list[Anomalie]:
    """Dire qu'un fichier reconnu ne remplit aucune table : il ne sert qu'à vérifier."""
    if famille.mesures:
        return []
    conseil = " ".join(famille.reserves)
    regle = "ce fichier ne remplit aucune table"
    return [Anomalie(fichier, regle, conseil, gravite="information")]
