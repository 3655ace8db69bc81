"""Lire les valeurs des observations, ôter les doublons, signaler ce qui ne se lit pas."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.familles import valeurs
from ctg_data.lecture.familles.formes import COMMUNE, Cible, tranches_incompletes
from ctg_data.lecture.familles.lieux import NOMS_MAX
from ctg_data.lecture.familles.modele import Famille
from ctg_data.lecture.familles.tables import CASE
from ctg_data.schema import schemas
from ctg_data.textes import compte, enumeration


def lire(lignes: pd.DataFrame, famille: Famille) -> pd.DataFrame:
    """Ajouter valeur, statut et faute à chaque observation ; ce qui est tu n'a pas de valeur."""
    lus = valeurs.lire(lignes["texte"], famille)
    tue = lignes["tue"].astype(bool)
    return lignes.assign(
        valeur=lus["valeur"].astype("float64").mask(tue),
        statut=lus["statut"].mask(tue, "secret").astype("object"),
        faute=lus["faute"].mask(tue, ""),
    )


def fautes_de_nombre(
    lignes: pd.DataFrame, cibles: tuple[Cible, ...], fichier: str
) -> Iterator[Anomalie]:
    """Relever les cases illisibles, et les nombres que leur colonne ne peut recevoir."""
    minima = lignes["cible"].map({r: _minimum(c) for r, c in enumerate(cibles)})
    entiers = lignes["cible"].map({r: _entier(c) for r, c in enumerate(cibles)}).astype(bool)
    fautes = lignes["faute"].astype("object")
    fautes = fautes.mask(lignes["valeur"].lt(minima), "nombre négatif")
    coupe = entiers & lignes["valeur"].notna() & lignes["valeur"].mod(1).ne(0)
    fautes = fautes.mask(coupe, "ce n'est pas un nombre entier")
    mauvaises = lignes.assign(faute=fautes)[fautes.ne("")]
    for case in mauvaises.drop_duplicates(["ligne", "colonne", "texte"]).itertuples():
        conseil = f"Corrigez la valeur de la commune {case.lu}, ou laissez la case vide."
        ligne, trouve = int(case.ligne) or None, abreger(case.texte)
        yield Anomalie(fichier, case.faute, conseil, ligne, case.colonne or None, trouve)


def _minimum(cible: Cible) -> float:
    minimum = schemas()[cible.table].colonne(cible.champ).minimum
    return float("-inf") if minimum is None else minimum


def _entier(cible: Cible) -> bool:
    return schemas()[cible.table].colonne(cible.champ).type == "integer"


def sans_doublons(
    lignes: pd.DataFrame, cibles: tuple[Cible, ...], fichier: str
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Ôter les observations répétées ; deux valeurs contraires pour une case sont une erreur."""
    # Un ancien code et le nouveau sont deux lignes à réunir ; le même code deux fois, un doublon.
    identite = [*CASE, "lu", "brut", "partie"]
    repetees = lignes.duplicated(identite, keep="first")
    if not repetees.any():
        return lignes, []
    contraires = lignes[lignes.duplicated(identite, keep=False)].groupby(identite)["texte"]
    opposees = contraires.nunique().gt(1)
    anomalies = []
    # Un EPCI est répété sur chaque ligne de ses communes : ce n'est pas une faute.
    reelles = lignes[repetees & lignes["niveau"].eq(COMMUNE)]
    if len(reelles) and not opposees.any():
        regle = f"{compte(len(reelles), 'valeur répétée', 'valeurs répétées')} à l'identique"
        conseil = "Chaque valeur n'est comptée qu'une fois."
        anomalies.append(Anomalie(fichier, regle, conseil, gravite="avertissement"))
    for cle in opposees[opposees].index[:NOMS_MAX]:
        case = dict(zip(identite, cle, strict=True))
        memes = lignes[(lignes[identite] == list(cle)).all(axis=1)]
        deux = enumeration([abreger(t, 20) for t in memes["texte"].unique()])
        regle = f"la commune {case['lu']} a plusieurs valeurs ({deux})"
        conseil = (
            f"Gardez une seule ligne ({cibles[case['cible']].cle_texte()}, {case['annee']:.0f})."
        )
        ligne, colonne = memes.iloc[-1]["ligne"], memes.iloc[-1]["colonne"]
        anomalies.append(Anomalie(fichier, regle, conseil, int(ligne) or None, colonne or None))
    return lignes[~repetees], anomalies


def sans_secours(lignes: pd.DataFrame, cibles: tuple[Cible, ...]) -> pd.DataFrame:
    """Ôter les âges simples qui ne servent pas : tranche publiée, ou tranche incomplète."""
    if lignes.empty:
        return lignes
    directes = lignes.loc[~lignes["secours"].astype(bool), CASE].drop_duplicates()
    publiees = lignes[CASE].merge(directes, on=CASE, how="left", indicator=True)["_merge"]
    inutiles = lignes["secours"].astype(bool) & publiees.eq("both").to_numpy()
    garde = lignes[~inutiles]
    incompletes = {str(t) for t in tranches_incompletes(garde["age"].astype(int))}
    trouees = {
        rang for rang, cible in enumerate(cibles) if dict(cible.cle).get("age_min") in incompletes
    }
    return garde[~(garde["age"].astype(int).ge(0) & garde["cible"].isin(trouees))]
