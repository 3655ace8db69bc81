"""Montrer le contrôle d'un fichier : verdict, ce qui est reconnu, ce qui est à corriger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from ctg_data.anomalies import GRAVITES, Anomalie
from ctg_data.controle import Controle
from ctg_data.exports.tableur import csv_octets
from ctg_data.lecture import familles
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, compte, echapper_markdown, nombre
from pages.composants.recu import titre_reconnu

# Le verdict se lit à son mot et à sa forme ; la couleur ne fait que les répéter.
VERDICTS = {
    "accepte": ("Accepté", ":material/check_circle:"),
    "normalise": ("Accepté, avec des remarques", ":material/rule:"),
    "refuse": ("Refusé", ":material/block:"),
}
EN_CLAIR = 5
HAUTEUR_MAX = 320


def phrase(controle: Controle, communes: int) -> str:
    """Écrire ce qui est reconnu : « Reconnu : Filosofi 2021 (Insee), 8 communes sur 8 ».

    `communes` : nombre de communes du territoire. Vide si rien n'est reconnu : les anomalies disent
    alors pourquoi.
    """
    titre = titre_reconnu(controle)
    if not titre:
        return ""
    millesime = f" {controle.millesime}" if controle.millesime else ""
    producteur = f" ({controle.producteur})" if controle.producteur else ""
    morceaux = [f"Reconnu{INSECABLE}: {titre}{millesime}{producteur}"]
    if controle.communes:
        morceaux.append(f"{compte(controle.communes, 'commune')} sur {nombre(communes)}")
    if controle.valeurs_secretes:
        secretes = compte(controle.valeurs_secretes, "valeur secrète", "valeurs secrètes")
        morceaux.append(secretes)
    return ", ".join(morceaux)


def montrer(controle: Controle, communes: int, audience: str, cle: str) -> None:
    """Montrer nom, verdict, reconnaissance, puis les anomalies, les plus graves d'abord."""
    mot, icone = VERDICTS[controle.verdict]
    nom = echapper_markdown(controle.fichier)
    st.markdown(f"{icone} **{mot}**{INSECABLE}: {nom}")
    if reconnu := phrase(controle, communes):
        st.text(reconnu)
    if controle.anomalies:
        anomalies(sans_secret(controle, audience), cle)


def sans_secret(controle: Controle, audience: str) -> list[Anomalie]:
    """Ôter des anomalies les valeurs confidentielles que cette audience n'a pas à voir."""
    famille = familles.catalogue().get(controle.reconnu or "")
    tables = famille.tables if famille else (controle.reconnu,)
    secretes = {c for t in tables if t in schemas() for c in confidentielles(t)}
    if audience == "interne":
        return list(controle.anomalies)
    return [replace(a, valeur=None) if a.colonne in secretes else a for a in controle.anomalies]


def confidentielles(table: str) -> set[str]:
    """Nommer les colonnes d'une table qui ne sont pas publiques."""
    return {c.nom for c in schemas()[table].colonnes if c.confidentialite != "publique"}


def anomalies(liste: Sequence[Anomalie], cle: str) -> None:
    """Écrire en clair les premières anomalies à regarder, et les offrir toutes en table."""
    rangees = sorted(liste, key=lambda a: GRAVITES.index(a.gravite))
    a_dire = [a for a in rangees if a.gravite != "information"]
    for anomalie in a_dire[:EN_CLAIR]:
        st.text(f"• {anomalie.constat} {anomalie.correction}".rstrip())
    reste = len(a_dire) - EN_CLAIR
    if reste > 0:
        st.text(f"… et {compte(reste, 'autre')}, dans la table ci-dessous.")
    with st.expander(
        f"{compte(len(rangees), 'remarque')}",
        icon=":material/list:",
        key=f"remarques_{cle}",
    ):
        tableau(rangees, cle)


def tableau(anomalies: Sequence[Anomalie], cle: str, *, fichiers: bool = False) -> None:
    """Montrer des anomalies en table, et de quoi l'emporter en CSV.

    `fichiers` : dire aussi de quel fichier est chacune.
    """
    table = en_table(anomalies)
    if fichiers:
        table.insert(1, "Fichier", [a.fichier for a in anomalies])
    st.dataframe(table, hide_index=True, height=_hauteur(len(table)))
    st.download_button(
        "Emporter en CSV",
        lambda: csv_octets(table),
        "anomalies.csv",
        "text/csv",
        icon=":material/download:",
        key=f"anomalies_csv_{cle}",
        on_click="ignore",
    )


def _hauteur(lignes: int) -> int:
    return min(36 * (lignes + 1) + 2, HAUTEUR_MAX)


def en_table(anomalies: Sequence[Anomalie]) -> pd.DataFrame:
    """Rendre des anomalies en table : où, quoi, quoi écrire à la place ; sans colonne vide."""
    table = pd.DataFrame(
        {
            "Gravité": [a.gravite for a in anomalies],
            "Ligne": pd.array([a.ligne for a in anomalies], dtype="Int64"),
            "Objet": pd.array([a.objet for a in anomalies], dtype="Int64"),
            "Colonne": [a.colonne or "" for a in anomalies],
            "Titre": [a.regle[:1].upper() + a.regle[1:] for a in anomalies],
            "Message": [a.constat for a in anomalies],
            "À écrire": [a.correction for a in anomalies],
        }
    )
    return table.loc[:, [colonne for colonne in table if _remplie(table[colonne])]]


def _remplie(colonne: pd.Series) -> bool:
    return bool((colonne.notna() & (colonne.astype(str) != "")).any())
