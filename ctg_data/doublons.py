"""Trouver les lignes de même clé : répétées, elles s'ignorent ; contradictoires, on les refuse."""

from __future__ import annotations

import pandas as pd

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture import Tableau
from ctg_data.schema import Colonne, Schema
from ctg_data.textes import INSECABLE, absente, compte, enumeration

# Au-delà, un fichier est recollé deux fois : une phrase suffit.
REPETITIONS_DITES = 50


def sans_doublons(
    table: pd.DataFrame, schema: Schema, tableau: Tableau
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Ôter les lignes répétées à l'identique ; refuser celles qui se contredisent."""
    cles = list(schema.cle)
    if not len(table) or not table.duplicated(cles).any():
        return table, []
    premieres = ~table.duplicated(cles)
    premiers = {
        cle: rang
        for rang, cle in zip(
            table.index[premieres],
            table.loc[premieres, cles].itertuples(index=False, name=None),
            strict=True,
        )
    }
    repetees = table.duplicated() & ~premieres
    completes = table[cles].notna().all(axis=1)
    fautes = _identiques(table, cles, repetees & completes, premiers, tableau)
    autres = table.index[~premieres & ~repetees & completes]
    dites = autres[:REPETITIONS_DITES]
    for rang, cle in zip(
        dites, table.loc[dites, cles].itertuples(index=False, name=None), strict=True
    ):
        fautes.append(_contradiction(table, schema, tableau, premiers[cle], rang))
    if len(autres) > len(dites):
        regle = f"{compte(len(autres) - len(dites), 'autre ligne')} de même clé qu'une précédente"
        numero = tableau.numeros[autres[len(dites)]]
        conseil = "Gardez une seule ligne de chaque."
        fautes.append(Anomalie(tableau.fichier, regle, conseil, numero, schema.cle[0]))
    attrs = table.attrs
    table = table[~(repetees & completes)].reset_index(drop=True)
    table.attrs = attrs
    return table, fautes


def _identiques(
    table: pd.DataFrame,
    cles: list[str],
    repetees: pd.Series,
    premiers: dict[tuple[object, ...], int],
    tableau: Tableau,
) -> list[Anomalie]:
    rangs = table.index[repetees]
    if len(rangs) > REPETITIONS_DITES:
        regle = f"{compte(len(rangs), 'ligne')} identiques à une autre, ignorées"
        return [_information(tableau.fichier, regle, tableau.numeros[rangs[0]])]
    cles_repetees = table.loc[rangs, cles].itertuples(index=False, name=None)
    return [
        _information(
            tableau.fichier,
            f"identique à la ligne{INSECABLE}{tableau.numeros[premiers[cle]]}, ignorée",
            tableau.numeros[rang],
        )
        for rang, cle in zip(rangs, cles_repetees, strict=True)
    ]


def _contradiction(
    table: pd.DataFrame, schema: Schema, tableau: Tableau, premier: int, rang: int
) -> Anomalie:
    avant, apres = table.iloc[premier], table.iloc[rang]
    regle = f"même clé ({', '.join(schema.cle)}) que la ligne {tableau.numeros[premier]}, "
    regle += f"valeurs différentes ({ecarts(avant, apres, schema)})"
    conseil = "Gardez une seule des deux lignes."
    trouve = abreger(" · ".join(ecrire(avant[nom]) for nom in schema.cle))
    numero = tableau.numeros[rang]
    return Anomalie(tableau.fichier, regle, conseil, numero, schema.cle[0], trouve)


def ecarts(avant: pd.Series, apres: pd.Series, schema: Schema) -> str:
    """Énumérer ce qui diffère entre deux lignes de même clé, deux colonnes au plus.

    La valeur d'une colonne qui n'est pas publique ne s'écrit pas : le message peut être affiché.
    """
    differents = [
        _ecart(avant[nom], apres[nom], schema.colonne(nom))
        for nom in avant.index
        if nom not in schema.cle and ecrire(avant[nom]) != ecrire(apres[nom])
    ]
    return enumeration(differents, maximum=2)


def _ecart(avant: object, apres: object, colonne: Colonne) -> str:
    nom = f"«{INSECABLE}{colonne.nom}{INSECABLE}»"
    publique = colonne.confidentialite == "publique"
    return f"{ecrire(avant)} et {ecrire(apres)} pour {nom}" if publique else nom


def ecrire(valeur: object) -> str:
    """Écrire une valeur comme dans le fichier : une année n'a pas de décimale."""
    if absente(valeur):
        return "vide"
    entier = isinstance(valeur, float) and valeur.is_integer()
    return f"{valeur:.0f}" if entier else str(valeur).replace(".", ",")


def _information(fichier: str, regle: str, ligne: int) -> Anomalie:
    return Anomalie(fichier, regle, "", ligne, gravite="information")
