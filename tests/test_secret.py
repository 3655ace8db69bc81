"""Taire les petits effectifs : rien de ce qui est publié ne rend une cellule tue."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctg_data.exports.tableur import csv_octets
from ctg_data.figures.construire import classement
from ctg_data.figures.rendu_liste import lister
from ctg_data.indicateurs import Options, calculer, catalogue, serie_commune, serie_ensemble
from ctg_data.parametres import AUDIENCES, parametres
from ctg_data.secret import a_masquer, taire, total_a_taire
from ctg_data.territoire import EMBARQUES, Donnees, charger

ACTIVES, AGEES = "assistantes_maternelles_actives", "assistantes_maternelles_55_plus"


def tues(*effectifs: float, k: int = 5, plafonds: list[float] | None = None) -> list[int]:
    """Rendre le rang des cellules tues."""
    limites = None if plafonds is None else pd.Series(plafonds, dtype=float)
    masque = a_masquer(pd.Series(effectifs, dtype=float), k, limites)
    return [int(rang) for rang in masque.index[masque]]


# --- Règles, à la main ------------------------------------------------------------------------


def test_primaire_et_secondaire() -> None:
    """3 est trop petit ; seul, 3 = total − le reste : la plus petite autre se tait aussi."""
    assert tues(3, 10, 6, 40) == [0, 2]


def test_rien_a_taire() -> None:
    assert tues(5, 6, 0) == []
    assert tues(0, 0) == []


def test_un_zero_reste_publie() -> None:
    assert tues(2, 0, 30, 7) == [0, 3]


def test_deux_cellules_trop_petites_ensemble_en_appellent_une_troisieme() -> None:
    assert tues(1, 1, 6, 30) == [0, 1, 2]


def test_des_cellules_toutes_a_un_ne_se_trahissent_pas() -> None:
    """Cinq cellules tues de somme 5, toutes non nulles, vaudraient chacune 1."""
    assert tues(1, 1, 1, 1, 1, 30) == [0, 1, 2, 3, 4, 5]


def test_toute_la_ligne_se_tait_faute_de_mieux() -> None:
    assert tues(3, 0, 0) == [0, 1, 2]
    assert tues(3) == [0]


def test_une_valeur_absente_n_est_pas_tue() -> None:
    assert tues(3, float("nan"), 10) == [0, 2]


def test_une_partie_se_tait_quand_son_reste_est_petit() -> None:
    """8 sur 10 : les 2 autres seraient connues."""
    assert 0 in tues(8, 6, 20, plafonds=[10, 30, 60])


def test_une_partie_se_tait_quand_l_ensemble_est_tu() -> None:
    """3 et 20 sont tus : montrer 12 dirait que 20 vaut au moins 12."""
    assert tues(3, 20, 60) == [0, 1]
    assert tues(0, 12, 30, plafonds=[3, 20, 60]) == [1, 2]


@pytest.mark.parametrize(
    ("effectifs", "tu"),
    [([3], True), ([2, 2], True), ([4, 0], True), ([3, 4], False), ([0, 0], False), ([60], False)],
)
def test_le_total_se_tait_quand_il_rendrait_une_cellule(effectifs: list[float], tu: bool) -> None:
    assert total_a_taire(pd.Series(effectifs, dtype=float), 5) is tu


# --- Propriétés -------------------------------------------------------------------------------


def possibles(effectifs: list[int], masque: list[bool], limites: list[float]) -> list[set[int]]:
    """Chercher par énumération les valeurs de chaque cellule tue que le public ne peut exclure."""
    somme = sum(n for n, m in zip(effectifs, masque, strict=True) if m)
    # Quand tout est tu, les zéros le sont aussi.
    moins = 0 if all(masque) else 1
    bornes = [int(min(li, somme)) for li, m in zip(limites, masque, strict=True) if m]
    essais = [e for e in product(*(range(moins, b + 1) for b in bornes)) if sum(e) == somme]
    return [set(valeurs) for valeurs in zip(*essais, strict=True)]


LIGNES = st.lists(st.integers(0, 9), min_size=1, max_size=4)


@settings(deadline=None)
@given(LIGNES, st.integers(2, 6))
def test_chaque_cellule_tue_garde_k_valeurs_possibles(effectifs: list[int], k: int) -> None:
    serie = pd.Series(effectifs, dtype=float)
    if not total_a_taire(serie, k):
        masque = a_masquer(serie, k).tolist()
        libres = possibles(effectifs, masque, [float("inf")] * len(effectifs))
        assert all(len(valeurs) >= k for valeurs in libres)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12)), min_size=1, max_size=4))
def test_un_plafond_publie_ne_resserre_pas_sous_k(paires: list[tuple[int, int]]) -> None:
    k, effectifs = 4, [n for n, _ in paires]
    plafonds = pd.Series([n + reste for n, reste in paires], dtype=float)
    serie = pd.Series(effectifs, dtype=float)
    if not total_a_taire(serie, k, plafonds):
        masque = a_masquer(serie, k, plafonds).tolist()
        connus = plafonds.mask(a_masquer(plafonds, k), float("inf")).tolist()
        assert all(len(v) >= k for v in possibles(effectifs, masque, connus))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=50), st.integers(1, 15))
def test_aucune_petite_cellule_montree_et_aucune_tue_seule(effectifs: list[int], k: int) -> None:
    serie = pd.Series(effectifs, dtype=float)
    masque = a_masquer(serie, k)
    assert not ((serie > 0) & (serie < k) & ~masque).any()
    assert masque.sum() != 1 or total_a_taire(serie, k)
    assert not masque.any() or serie[masque].sum() >= k or total_a_taire(serie, k)


@given(st.lists(st.integers(5, 200), min_size=1, max_size=50))
def test_une_ligne_sans_petit_effectif_est_publiee(effectifs: list[int]) -> None:
    assert not a_masquer(pd.Series(effectifs, dtype=float), 5).any()


# --- Table, audience, figures, exports --------------------------------------------------------


@pytest.fixture(scope="module", params=["costieres_camargue", "gard_rhodanien"])
def donnees(request: pytest.FixtureRequest) -> Donnees:
    return charger(EMBARQUES / request.param)


def vrais(donnees: Donnees, code: str) -> pd.Series:
    return calculer(code, donnees, Options(audience="interne")).table["valeur"]


def test_taire_traite_chaque_annee_a_part() -> None:
    lignes = [(2022, 3.0), (2022, 9.0), (2023, 8.0), (2023, 9.0)]
    mesures = pd.DataFrame(lignes, columns=["annee", "numerateur"])
    mesures = mesures.assign(effectif=1.0, statut="local", plafond=float("nan"))
    assert taire(mesures, 5)["statut"].tolist() == ["secret", "secret", "local", "local"]
    assert taire(mesures, 0)["numerateur"].tolist() == [3, 9, 8, 9]


def test_chaque_classe_a_un_seuil_pour_chaque_audience() -> None:
    classes = {f.confidentialite for f in catalogue().values()}
    seuils = {(c, a): parametres().k(c, a) for c in classes for a in AUDIENCES}
    assert seuils["personnes", "public"] == seuils["personnes", "partenaires"] == 5
    assert seuils["personnes", "interne"] == seuils["publique", "public"] == 0


@pytest.mark.parametrize("audience", ["public", "partenaires"])
@pytest.mark.parametrize("code", [ACTIVES, AGEES])
def test_un_chiffre_tu_n_est_nulle_part(donnees: Donnees, code: str, audience: str) -> None:
    resultat = calculer(code, donnees, Options(audience=audience))
    cachees = resultat.table[resultat.table["statut"] == "secret"]
    assert len(cachees) == resultat.masquees > 0
    assert cachees[["valeur", "numerateur", "effectif", "rang"]].isna().all(axis=None)
    assert set(cachees["texte"]) == {"n.d. (secret)"}
    assert "plafond" not in resultat.table


@pytest.mark.parametrize("code", [ACTIVES, AGEES])
def test_aucun_petit_effectif_n_est_publie(donnees: Donnees, code: str) -> None:
    valeurs = calculer(code, donnees, Options()).table["valeur"].dropna()
    assert not ((valeurs > 0) & (valeurs < 5)).any()


def test_une_partie_n_est_montree_que_si_l_ensemble_l_est(donnees: Donnees) -> None:
    ensemble = calculer(ACTIVES, donnees, Options()).table["valeur"]
    partie = calculer(AGEES, donnees, Options()).table["valeur"]
    montrees = partie[partie > 0].index
    restes = ensemble[montrees] - partie[montrees]
    assert ensemble[montrees].notna().all() and not restes.between(1, 4).any()


@pytest.mark.parametrize("code", [ACTIVES, AGEES])
def test_la_figure_et_le_csv_taisent_ce_que_la_table_tait(donnees: Donnees, code: str) -> None:
    resultat = calculer(code, donnees, Options())
    figure = classement(resultat, {}, None, "")
    cachees = set(resultat.table.index[resultat.table["statut"] == "secret"])
    barres = [b for b in figure.barres if b.cle in cachees]
    assert {(b.valeur, b.texte) for b in barres} == {(None, "n.d. (secret)")}
    rangs = {r["code"]: r for r in lister(figure)["rangs"]}
    assert {(rangs[c]["largeur"], rangs[c]["texte"]) for c in cachees} == {(0, "n.d. (secret)")}
    texte = csv_octets(figure.habillage.table).decode("utf-8-sig")
    lignes = [li for li in csv.reader(io.StringIO(texte), delimiter=";") if li[0] in cachees]
    assert {(li[2], li[3], li[5]) for li in lignes} == {("", "", "n.d. (secret)")}


@pytest.mark.parametrize("code", [ACTIVES, AGEES])
def test_la_serie_d_une_commune_est_masquee_comme_la_table(donnees: Donnees, code: str) -> None:
    table = calculer(code, donnees, Options()).table
    for commune, valeur in table["valeur"].items():
        serie = serie_commune(code, str(commune), donnees, Options())
        assert serie.isna().all() if pd.isna(valeur) else serie.iloc[-1] == valeur


@pytest.mark.parametrize("audience", AUDIENCES)
def test_le_total_publie_est_celui_des_vraies_donnees(donnees: Donnees, audience: str) -> None:
    resultat = calculer(ACTIVES, donnees, Options(audience=audience))
    assert resultat.ensemble == vrais(donnees, ACTIVES).sum()


def seule_commune(donnees: Donnees, commune: str) -> Donnees:
    """Réduire un territoire à une commune."""
    tables = {
        nom: t[t["code_commune"] == commune] if "code_commune" in t else t
        for nom, t in donnees.tables.items()
    }
    return replace(
        donnees, tables=tables, territoire=replace(donnees.territoire, communes=(commune,))
    )


def test_le_total_d_une_seule_commune_tue_se_tait_aussi() -> None:
    seule = seule_commune(charger(EMBARQUES / "costieres_camargue"), "30356")
    resultat = calculer(ACTIVES, seule, Options())
    assert (resultat.masquees, resultat.ensemble_statut) == (1, "secret")
    assert pd.isna(resultat.ensemble) and "territoire" not in resultat.references
    assert serie_ensemble(ACTIVES, seule, Options()).isna().all()
    assert calculer(ACTIVES, seule, Options(audience="interne")).ensemble == 3
