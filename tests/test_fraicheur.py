"""La prochaine édition est annoncée, estimée en le disant, ou inconnue."""

import datetime as dt

import pytest

from ctg_data import fraicheur
from ctg_data.creation import jeux
from ctg_data.fraicheur import INCONNUE, prochaine_parution


@pytest.mark.parametrize(
    ("situation", "attendu"),
    [
        (2026, "2026\u00a0: en 2027 (estimation)"),
        (2027, "2026\u00a0: en 2027 (estimation)"),
        (2028, "2026\u00a0: sans doute parue, à chercher"),
    ],
)
def test_des_naissances_2025_attendent_l_edition_2026(situation, attendu):
    assert prochaine_parution("naissances", 2025, dt.date(situation, 6, 1)) == attendu


@pytest.mark.parametrize(("table", "millesime"), [("equipements", 2023), ("naissances", None)])
def test_rien_n_est_invente_sans_delai_ni_millesime(table, millesime):
    assert prochaine_parution(table, millesime, dt.date(2026, 6, 1)) == INCONNUE


def test_une_date_annoncee_l_emporte(monkeypatch):
    declares = jeux().copy()
    declares.loc[declares["table"] == "naissances", "prochaine_parution"] = "2027-09"
    monkeypatch.setattr(fraicheur, "jeux", lambda: declares)
    assert prochaine_parution("naissances", 2025, dt.date(2026, 6, 1)) == "2027-09"
