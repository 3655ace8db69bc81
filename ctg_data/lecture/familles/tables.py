"""Réunir les observations en cases, puis en tables prêtes à déposer."""

from __future__ import annotations

import pandas as pd

from ctg_data.lecture.familles.communes import nom_officiel
from ctg_data.lecture.familles.formes import Cible
from ctg_data.lecture.familles.modele import Famille
from ctg_data.schema import Schema, schemas
from ctg_data.validation import COLONNE_COMMUNE

CASE = ["niveau", "code", "annee", "cible"]
MENTIONS = {
    "secret": "secret ou non publié",
    "zero_ambigu": "0 publié : 0 à 4 ou non publié",
}
IRIS_SECRET = "un Iris au moins est secret : pas de somme"
ZERO_DEDUIT = "0 déduit de l'absence de ligne pour cette commune"


def reunir(lignes: pd.DataFrame, compte: bool) -> pd.DataFrame:
    """Réunir les observations d'une même case : une ligne par case, valeur et statut.

    Colonnes ajoutées : valeur, statut, precision (ce que la source doit dire de plus). Un effectif
    dont une part est secrète ou inconnue n'a pas de somme. `compte` : les valeurs sont des
    dénombrements.
    """
    marquees = lignes.assign(
        vides=lignes["valeur"].isna(),
        secrets=lignes["statut"].eq("secret"),
        zeros=lignes["statut"].eq("zero_ambigu"),
        reunie=lignes["lu"].ne(lignes["code"]),
    )
    cases = marquees.groupby(CASE, sort=False, as_index=False).agg(
        nom=("nom", "first"),
        valeur=("valeur", "sum"),
        statut=("statut", "first"),
        parts=("valeur", "size"),
        vides=("vides", "max"),
        secrets=("secrets", "max"),
        zeros=("zeros", "min"),
        reunie=("reunie", "max"),
    )
    cases["precision"] = _precisions(cases, marquees)
    cases.loc[cases["vides"], "valeur"] = float("nan")
    somme = cases["parts"].gt(1) | compte
    cases.loc[somme, "statut"] = "calcule"
    cases.loc[somme & cases["zeros"], "statut"] = "zero_ambigu"
    cases.loc[somme & cases["vides"], "statut"] = "non_renseigne"
    cases.loc[somme & cases["secrets"], "statut"] = "secret"
    return cases.drop(columns=["vides", "secrets", "zeros", "reunie", "parts"])


def _precisions(cases: pd.DataFrame, lignes: pd.DataFrame) -> pd.Series:
    """Dire quels codes du fichier une case réunit ; rien quand c'est le sien seul."""
    precisions = pd.Series("", index=cases.index, dtype="object")
    touchees = lignes[lignes["code"].isin(lignes.loc[lignes["reunie"], "code"])]
    codes = {cle: sorted(set(lus)) for cle, lus in touchees.groupby(CASE, sort=False)["lu"]}
    for rang, *cle in cases.loc[cases["reunie"], CASE].itertuples(name=None):
        precisions[rang] = f"codes réunis : {', '.join(codes[tuple(cle)])}"
    return precisions


def zeros_deduits(cases: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Ajouter un 0 calculé aux communes décrites qui n'ont pas de ligne pour une mesure.

    `communes` : code et annee décrits par le fichier. Une mesure que le fichier ne porte nulle
    part n'a pas de zéro : son code n'existait peut-être pas ce millésime.
    """
    mesures = cases[["annee", "cible"]].drop_duplicates()
    attendues = communes.merge(mesures, on="annee").assign(niveau="commune")
    fusion = attendues.merge(cases[CASE], on=CASE, how="left", indicator=True)
    absentes = fusion.loc[fusion["_merge"] == "left_only", CASE]
    vides = absentes.assign(valeur=0.0, statut="calcule", precision=ZERO_DEDUIT, nom="")
    return pd.concat([cases, vides], ignore_index=True) if len(vides) else cases


def assembler(
    cases: pd.DataFrame, cibles: tuple[Cible, ...], famille: Famille
) -> dict[str, pd.DataFrame]:
    """Ranger les cases dans leurs tables : colonnes du schéma, statut et source remplis."""
    tables = {}
    cases = cases.assign(source=_sources(cases, famille))
    for nom in dict.fromkeys(c.table for c in cibles):
        rangs = [r for r, c in enumerate(cibles) if c.table == nom]
        choisies = cases[cases["cible"].isin(rangs)]
        if len(choisies):
            tables[nom] = _table(choisies, cibles, schemas()[nom])
    return tables


def _table(cases: pd.DataFrame, cibles: tuple[Cible, ...], schema: Schema) -> pd.DataFrame:
    """Monter une table : une ligne par clé, un champ par mesure."""
    colonnes = {c.nom for c in schema.colonnes}
    place = "code" if "niveau" in colonnes else COLONNE_COMMUNE
    table = cases.rename(columns={"code": place})
    for cle in {c for rang in cases["cible"].unique() for c, _ in cibles[rang].cle}:
        table[cle] = table["cible"].map({r: dict(c.cle).get(cle, "") for r, c in enumerate(cibles)})
    champs = table["cible"].map({rang: cible.champ for rang, cible in enumerate(cibles)})
    morceaux = [
        table[champs == champ].rename(columns={"valeur": champ}) for champ in champs.unique()
    ]
    table = _fondre(morceaux, list(schema.cle)) if len(morceaux) > 1 else morceaux[0]
    if "nom" in colonnes:
        trio = zip(table["niveau"], table[place], table["nom"], strict=True)
        table["nom"] = [nom_officiel(niveau, code, nom) for niveau, code, nom in trio]
    return typer(table, schema)


def _fondre(morceaux: list[pd.DataFrame], cle: list[str]) -> pd.DataFrame:
    """Fondre les champs d'une même ligne ; elle n'est secrète que si tous ses champs le sont."""
    toutes = pd.concat(morceaux, ignore_index=True)
    toutes["_tu"] = toutes["statut"].isin(["secret", "non_renseigne"])
    return toutes.sort_values("_tu", kind="stable").groupby(cle, as_index=False, sort=False).first()


def typer(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Donner à une table les colonnes, l'ordre, les types et le tri de son schéma."""
    typee = pd.DataFrame(index=table.index)
    for colonne in schema.colonnes:
        valeurs = table.get(colonne.nom, pd.Series([None] * len(table), index=table.index))
        if colonne.type in ("integer", "number"):
            typee[colonne.nom] = pd.to_numeric(valeurs, errors="coerce").astype("float64")
        else:
            textes = valeurs.astype("object")
            typee[colonne.nom] = textes.where(textes.notna() & textes.ne(""), None)
    return typee.sort_values(list(schema.cle), kind="stable", ignore_index=True)


def _sources(cases: pd.DataFrame, famille: Famille) -> pd.Series:
    """Écrire la source de chaque case ; les mêmes ingrédients donnent la même phrase."""
    colonnes = ["annee", "niveau", "statut", "precision"]
    uniques = cases[colonnes].drop_duplicates()
    uniques["source"] = [
        _source(famille, int(annee), niveau, statut, precision)
        for annee, niveau, statut, precision in uniques.itertuples(index=False, name=None)
    ]
    sources = cases[colonnes].merge(uniques, on=colonnes, how="left")["source"]
    return sources.set_axis(cases.index)


def _source(famille: Famille, annee: int, niveau: str, statut: str, precision: str) -> str:
    suffixe = famille.niveaux[niveau].suffixe if niveau in famille.niveaux else ""
    mention = famille.mention(annee)
    phrase = famille.source.format(annee=annee, niveau=niveau, suffixe=suffixe, mention=mention)
    secret = IRIS_SECRET if statut == "secret" and famille.iris else MENTIONS.get(statut, "")
    return " ; ".join(texte for texte in (phrase, precision, secret) if texte)
