"""Connaître toutes les communes de France : comptes, anciens codes, recherche."""

from __future__ import annotations

import re
import time

import pandas as pd
import pytest

from ctg_data import referentiel as r
from ctg_data.territoire import EMBARQUES


def test_les_comptes_sont_ceux_du_code_officiel_geographique() -> None:
    assert len(r.communes()) == 34_875 and r.communes().index.is_unique
    assert len(r.anciens()) == 4_240
    assert len(r.arrondissements()) == 20 + 16 + 9
    assert (len(r.epci()), len(r.departements()), len(r.regions())) == (1_255, 101, 18)


@pytest.mark.parametrize(
    ("ancien", "code", "date"),
    [
        ("30094", "30329", "2025-01-01"),
        ("30157", "30052", "2019-01-01"),
        ("30190", "30339", "2019-01-01"),
        ("20004", "2A004", "1976-01-01"),
        # Fusionnée entre deux états du code officiel éloignés de deux ans : date inconnue.
        ("16351", "16233", ""),
    ],
)
def test_un_ancien_code_mene_a_la_commune_actuelle(ancien: str, code: str, date: str) -> None:
    assert r.anciens()[ancien] == (code, date)
    assert ancien not in r.communes().index and code in r.communes().index


def test_aucun_ancien_code_ne_mene_nulle_part() -> None:
    suites = {code for code, _ in r.anciens().values()}
    assert suites <= set(r.communes().index)
    assert not set(r.anciens()) & set(r.communes().index)
    dates = {date for _, date in r.anciens().values()}
    assert all(re.fullmatch(r"(\d{4}-\d\d-\d\d)?", d) for d in dates)
    assert sum(date == "" for _, date in r.anciens().values()) == 9


def test_une_commune_retablie_est_actuelle() -> None:
    # Les Trois Lacs a changé deux fois de département ; Celles a été rétablie en 2025.
    assert r.communes().at["27676", "nom"] == "Les Trois Lacs"
    assert r.anciens()["27058"] == ("27676", "2023-01-01")
    assert "15031" in r.communes().index


@pytest.mark.parametrize(
    ("code", "nom"),
    [
        ("01001", "L'Abergement-Clémenciat"),
        ("2A004", "Ajaccio"),
        ("75056", "Paris"),
        ("97411", "Saint-Denis"),
    ],
)
def test_une_commune_se_lit_par_son_code(code: str, nom: str) -> None:
    assert r.communes().at[code, "nom"] == nom


def test_les_arrondissements_ne_sont_pas_des_communes() -> None:
    villes = r.arrondissements()
    assert (villes["75101"], villes["13201"], villes["69381"]) == ("75056", "13055", "69123")
    assert not set(villes) & set(r.communes().index)


def test_les_populations_tombent_juste() -> None:
    table = r.communes()
    assert table["population_municipale"].sum() == 68_350_798
    # Les arrondissements en double feraient 3,5 millions de plus.
    membres = table.dropna(subset="code_epci").groupby("code_epci")["population_totale"].sum()
    assert (membres == r.epci()["population_totale"].sort_index()).all()
    assert membres.sum() == 69_217_228


def test_les_epci_comptent_leurs_communes() -> None:
    comptes = r.communes()["code_epci"].value_counts()
    assert (comptes.sort_index() == r.epci()["communes"].sort_index()).all()
    assert len(r.codes_de_l_epci("200034692")) == 44
    assert r.codes_de_l_epci("000000000") == []


def test_ce_qui_manque_est_connu() -> None:
    table = r.communes()
    sans_epci = ["22016", "29083", "29155", "85113"]
    assert list(table.index[table["code_epci"].isna()]) == sans_epci
    assert list(table.index[table["population_totale"].isna()]) == sans_epci
    sans_position = ["15031", "15035", "15047", "15171"]
    assert list(table.index[table["longitude"].isna()]) == sans_position
    situees = table.dropna(subset="position")
    assert situees["latitude"].between(-22, 52).all()
    assert situees["longitude"].between(-64, 56).all()


@pytest.mark.parametrize("nom", ["costieres_camargue", "gard_rhodanien"])
def test_le_referentiel_dit_ce_que_disent_les_territoires_livres(nom: str) -> None:
    livrees = pd.read_csv(
        EMBARQUES / nom / "communes.csv", sep=";", dtype={"code_commune": str, "code_epci": str}
    ).set_index("code_commune")
    table = r.communes().loc[livrees.index]
    assert (table["nom"] == livrees["nom_commune"]).all()
    for colonne in ("code_epci", "nom_epci", "population_municipale", "population_totale"):
        assert (table[colonne] == livrees[colonne]).all(), colonne
    assert (table["codes_postaux"] == livrees["codes_postaux"].astype(str)).all()
    mairies = table["position"] == "mairie"
    assert (table["longitude"] - livrees["longitude_mairie"])[mairies].abs().max() < 1e-5
    # La Roque-sur-Cèze et Saint-Gervais : mairie mal placée par la source, commune située quand
    # même à moins de six kilomètres.
    assert (table["latitude"] - livrees["latitude_mairie"]).abs().max() < 0.05


@pytest.mark.parametrize("graphie", ["Saint-Gilles", "SAINT GILLES", "st-gilles", " St. Gilles "])
def test_un_nom_se_cherche_sous_toutes_ses_graphies(graphie: str) -> None:
    trouvees = r.chercher(graphie)
    assert trouvees.index[0] == "30258"
    assert trouvees["libelle"].iloc[0] == "Saint-Gilles (30, Gard)"
    # Les cinq homonymes exacts viennent avant « Saint-Gilles-les-Bois ».
    assert set(trouvees.head(5)["nom"]) == {"Saint-Gilles"}
    assert trouvees.head(5)["libelle"].is_unique


@pytest.mark.parametrize(
    ("texte", "code"),
    [
        ("nimes", "30189"),
        ("NÎMES", "30189"),
        ("oeting", "57521"),
        ("L Isle d'Abeau", "38193"),
        ("2a004", "2A004"),
        ("20004", "2A004"),
        ("30094", "30329"),
        ("75101", "75056"),
        ("30800", "30258"),
        ("Valleraugue", "30339"),
        ("Corbès", "30329"),
        ("ste-maxime", "83115"),
    ],
)
def test_un_code_un_code_postal_ou_un_nom_d_hier_se_cherche(texte: str, code: str) -> None:
    assert r.chercher(texte).index[0] == code


def test_un_code_postal_partage_rend_ses_communes() -> None:
    trouvees = r.chercher("30700", limite=100)
    assert len(trouvees) > 5
    assert trouvees["codes_postaux"].str.contains("30700").all()
    assert trouvees["population_municipale"].is_monotonic_decreasing


def test_un_code_commune_passe_avant_le_meme_code_postal() -> None:
    trouvees = r.chercher("30120", limite=100)
    assert trouvees.index[0] == "30120"
    assert trouvees["codes_postaux"].iloc[1:].str.contains("30120").all() and len(trouvees) > 5


@pytest.mark.parametrize("texte", ["", "  ", "-", "(", "zzzzz", "99999", "\x00", "’"])
def test_une_recherche_vaine_ne_rend_rien(texte: str) -> None:
    assert r.chercher(texte).empty


def test_la_limite_est_tenue() -> None:
    assert len(r.chercher("saint", limite=7)) == 7


def test_un_nom_unique_n_est_pas_alourdi() -> None:
    assert r.libelles(["30189", "30258"]) == ["Nîmes", "Saint-Gilles (30, Gard)"]


def test_un_epci_se_cherche_par_siren_et_par_mots() -> None:
    assert list(r.chercher_epci("200034692")["nom"]) == ["CA du Gard Rhodanien"]
    assert r.chercher_epci("gard rhodanien").index[0] == "200034692"
    assert r.chercher_epci("nimes").index[0] == "243000643"
    assert r.chercher_epci("").empty and r.chercher_epci("zzzz").empty


def test_le_referentiel_se_charge_vite_et_une_seule_fois() -> None:
    r.communes()  # le premier Parquet du processus charge aussi la bibliothèque
    temps = []
    for _ in range(5):
        r.communes.cache_clear()
        r.anciens.cache_clear()
        r.disparues.cache_clear()
        debut = time.perf_counter()
        r.communes(), r.anciens()
        temps.append(time.perf_counter() - debut)
    assert min(temps) < 0.1
    assert r.communes() is r.communes()
