"""Écrire en français : nombres, accords, dates, articles, et textes inertes en Markdown."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctg_data.textes import (
    a,
    absente,
    accorder,
    avec_unite,
    cle_de_tri,
    compte,
    date_courte,
    distinguer,
    echapper_markdown,
    enumeration,
    nombre,
)

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "strings" / "blns.json"
# Ce que le corpus public de chaînes hostiles contient de plus utile ici, s'il n'est pas livré.
HOSTILES = [
    "![image](http://exemple.invalid/x.png)",
    "[lien](http://exemple.invalid)",
    "<img src=x onerror=alert(1)>",
    "http://exemple.invalid",
    "$x^2$ :smile: :material/home: :red[rouge]",
    "# titre\n- puce\n1. rang\n> citation",
    "`code` **gras** _italique_ ~~barré~~ | table |",
    "\\![x](y) \\\\",
    "&lt;b&gt; <!-- -->",
    "\u2028# titre\u2029\x00\x85# autre",
]
PONCTUATION = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def hostiles() -> list[str]:
    return HOSTILES + (json.loads(CORPUS.read_text("utf-8")) if CORPUS.is_file() else [])


@pytest.mark.parametrize(
    ("valeur", "decimales", "ecrit"),
    [
        (0, 0, "0"),
        (1234, 0, "1\u202f234"),
        (1234567.8, 1, "1\u202f234\u202f567,8"),
        (54.2, 1, "54,2"),
        (54.25, 2, "54,25"),
        (60, 1, "60,0"),
        (-17.4, 0, "−17"),
        (-1234.5, 1, "−1\u202f234,5"),
        (-0.4, 0, "0"),
        (999.96, 1, "1\u202f000,0"),
        (None, 0, ""),
        (float("nan"), 1, ""),
    ],
)
def test_nombre_a_la_francaise(valeur: float | None, decimales: int, ecrit: str) -> None:
    assert nombre(valeur, decimales) == ecrit


@pytest.mark.parametrize(("valeur", "ecrit"), [(3, "+3"), (-3, "−3"), (0, "0"), (0.2, "0")])
def test_nombre_signe(valeur: float, ecrit: str) -> None:
    assert nombre(valeur, signe=True) == ecrit


@pytest.mark.parametrize("valeur", [None, float("nan"), pd.NA, pd.NaT])
def test_absente(valeur: object) -> None:
    assert absente(valeur)


@pytest.mark.parametrize("valeur", [0, 0.0, "", "nan", False, dt.date(2026, 1, 1)])
def test_presente(valeur: object) -> None:
    assert not absente(valeur)


def test_l_unite_suit_une_espace_insecable() -> None:
    assert avec_unite("54,2", "%") == "54,2\u00a0%"
    assert avec_unite("54,2", "") == "54,2"


@pytest.mark.parametrize(
    ("quantite", "mot"), [(0, "place"), (1, "place"), (1.9, "place"), (-1, "place"), (2, "places")]
)
def test_accord(quantite: float, mot: str) -> None:
    assert accorder(quantite, "place") == mot


def test_accord_irregulier() -> None:
    assert accorder(2, "valeur masquée", "valeurs masquées") == "valeurs masquées"


def test_le_compte_s_accorde_avec_le_nombre_ecrit() -> None:
    assert compte(1.6, "place") == "2\u00a0places"
    assert compte(1.4, "place") == "1\u00a0place"
    assert compte(1200, "enfant") == "1\u202f200\u00a0enfants"


@pytest.mark.parametrize(
    ("elements", "maximum", "ecrit"),
    [
        ([], None, ""),
        (["a"], None, "a"),
        (["a", "b"], None, "a et b"),
        (["a", "b", "c"], None, "a, b et c"),
        (["a", "b", "c"], 3, "a, b et c"),
        (["a", "b", "c"], 2, "a, b et 1\u00a0autre"),
        (["a", "b", "c", "d"], 2, "a, b et 2\u00a0autres"),
    ],
)
def test_enumeration(elements: list[str], maximum: int | None, ecrit: str) -> None:
    assert enumeration(elements, maximum) == ecrit


def test_dates() -> None:
    assert date_courte(dt.date(2026, 3, 1)) == "01/03/2026"


@pytest.mark.parametrize(
    ("nom", "attendu"),
    [
        ("Bagnols-sur-Cèze", "à Bagnols-sur-Cèze"),
        ("Le Pin", "au Pin"),
        ("Les Angles", "aux Angles"),
        ("La Roque-sur-Cèze", "à La Roque-sur-Cèze"),
        ("Lesquin", "à Lesquin"),
    ],
)
def test_articles_contractes(nom: str, attendu: str) -> None:
    assert a(nom) == attendu


def test_deux_noms_egaux_se_distinguent_par_leur_code() -> None:
    noms = {"01001": "Bel", "02001": "Bel", "03001": "Autre"}
    assert list(distinguer(noms).values()) == ["Bel (01001)", "Bel (02001)", "Autre"]


def test_ordre_alphabetique_francais() -> None:
    noms = ["Zoé", "Œuilly", "Étampes", "orsan", "Eaux"]
    assert sorted(noms, key=cle_de_tri) == ["Eaux", "Étampes", "Œuilly", "orsan", "Zoé"]


# --- Markdown ---------------------------------------------------------------------------------


def lu(echappe: str) -> str:
    """Lire un texte échappé comme CommonMark : une barre rend le signe qui suit littéral."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", echappe)


def inerte(echappe: str) -> bool:
    """Dire si chaque signe que Markdown interprète est protégé, sur une seule ligne."""
    restes = re.sub(r"\\[!-/:-@\[-`{-~]", "", echappe)
    return not set(restes) & PONCTUATION and echappe == sans_coupure(echappe)


def sans_coupure(texte: str) -> str:
    """Remplacer par une espace les contrôles et séparateurs qui ouvriraient une ligne."""
    coupures = {"Cc", "Cs", "Zl", "Zp"}
    return "".join(" " if unicodedata.category(c) in coupures else c for c in texte)


def test_les_chaines_hostiles_sont_inertes_en_markdown() -> None:
    assert [t for t in hostiles() if not inerte(echapper_markdown(t))] == []


def test_les_chaines_hostiles_se_lisent_mot_pour_mot() -> None:
    assert [t for t in hostiles() if lu(echapper_markdown(t)) != sans_coupure(t)] == []


def test_la_liste_du_test_verifie_quelque_chose() -> None:
    assert not [t for t in HOSTILES if inerte(t)]


@given(st.text())
def test_tout_texte_est_inerte_en_markdown(texte: str) -> None:
    assert inerte(echapper_markdown(texte))


def test_un_texte_ordinaire_reste_lisible() -> None:
    assert echapper_markdown("Nîmes 2026") == "Nîmes 2026"
    assert echapper_markdown("👨\u200d👩\u200d👧 crèche") == "👨\u200d👩\u200d👧 crèche"
    assert echapper_markdown(None) == "None"
