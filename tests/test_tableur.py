"""Écrire un CSV qu'un tableur français ouvre sans formule active et sans toucher aux nombres."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctg_data.exports.tableur import csv_octets, neutraliser
from ctg_data.lecture import lire_csv

FORMULES = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(A1)",
    "﹦1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u202f=1+1",
    "\u3000=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    '"=1+1',
    "'=1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\x01=1+1",
    "\tsimple",
    "-",
    "=",
]


def cellules(table: pd.DataFrame) -> list[list[str]]:
    texte = csv_octets(table).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(texte, newline=""), delimiter=";"))


@pytest.mark.parametrize("texte", FORMULES)
def test_une_formule_est_neutralisee(texte: str) -> None:
    assert neutraliser(texte).startswith("'")
    assert cellules(pd.DataFrame({"a": [texte]}))[1][0].startswith("'")


@pytest.mark.parametrize("texte", FORMULES)
def test_un_titre_de_colonne_est_neutralise(texte: str) -> None:
    assert cellules(pd.DataFrame({texte: ["x"]}))[0][0].startswith("'")


@pytest.mark.parametrize(
    "texte", ["Saint-Gilles", "a=b", "n.d. (secret)", "", "12 %", "-5", "-5,2", "+3", "-1 234,5"]
)
def test_un_texte_sans_danger_est_intact(texte: str) -> None:
    assert neutraliser(texte) == texte


@pytest.mark.parametrize(
    ("valeur", "ecrit"),
    [
        (5, "5"),
        (5.0, "5"),
        (-5.2, "-5,2"),
        (0.1, "0,1"),
        (54.2, "54,2"),
        (-3, "-3"),
        (np.int64(-7), "-7"),
        (np.float32(0.5), "0,5"),
    ],
)
def test_un_nombre_est_ecrit_nu_avec_une_virgule(valeur: float, ecrit: str) -> None:
    table = pd.DataFrame({"a": pd.Series([valeur], dtype=object)})
    assert csv_octets(table).decode("utf-8-sig").splitlines()[1] == ecrit


@pytest.mark.parametrize("valeur", [None, float("nan"), pd.NA, pd.NaT])
def test_une_valeur_absente_reste_vide(valeur: object) -> None:
    assert cellules(pd.DataFrame({"a": [valeur], "b": ["x"]}))[1] == ["", "x"]


@pytest.mark.parametrize(("valeur", "ecrit"), [(True, "oui"), (np.bool_(False), "non")])
def test_un_booleen_est_en_francais(valeur: bool, ecrit: str) -> None:
    assert cellules(pd.DataFrame({"a": pd.Series([valeur], dtype=object)}))[1] == [ecrit]


def test_les_octets_sont_ceux_qu_attend_un_tableur_francais() -> None:
    table = pd.DataFrame({"Commune": ["Générac"], "Taux": [44.6], "Rang": [1]})
    assert csv_octets(table) == '\ufeff"Commune";"Taux";"Rang"\r\n"Générac";44,6;1\r\n'.encode()


def test_un_entier_qui_peut_manquer_reste_entier() -> None:
    table = pd.DataFrame({"Rang": pd.array([1, None], dtype="Int64"), "b": ["x", "y"]})
    assert cellules(table)[1:] == [["1", "x"], ["", "y"]]


def test_une_table_vide_garde_ses_titres() -> None:
    assert csv_octets(pd.DataFrame(columns=["a", "b"])) == b'\xef\xbb\xbf"a";"b"\r\n'


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_un_texte_ne_coupe_jamais_la_ligne(textes: list[str]) -> None:
    lignes = cellules(pd.DataFrame({"a": textes, "b": "fin"}))
    assert [li[1] for li in lignes[1:]] == ["fin"] * len(textes)
    assert [li[0] for li in lignes[1:]] == [neutraliser(t) for t in textes]


@given(
    st.sampled_from("=+-@＝＋－＠"), st.text(), st.sampled_from(["", " ", "\u00a0", "'", "\ufeff"])
)
def test_aucun_debut_de_formule_ne_passe(signe: str, suite: str, amorce: str) -> None:
    ecrit = neutraliser(amorce + signe + "x" + suite)
    assert ecrit.startswith("'" + amorce + signe)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_un_nombre_se_relit_a_l_identique(nombres: list[float]) -> None:
    lignes = cellules(pd.DataFrame({"a": nombres}))
    assert [float(li[0].replace(",", ".")) for li in lignes[1:]] == nombres


def test_l_aller_retour_par_notre_lecteur_est_exact() -> None:
    table = pd.DataFrame({"nom": ["Le Pin", 'dit "x" ; y'], "valeur": [-1.5, 3.0]})
    tableau, anomalies = lire_csv(csv_octets(table), "export.csv")
    assert tableau is not None and {a.gravite for a in anomalies} == {"information"}
    assert tableau.entete == ("nom", "valeur")
    assert tableau.lignes == (("Le Pin", "-1,5"), ('dit "x" ; y', "3"))
