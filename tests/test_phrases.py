"""Les phrases disent vrai, en français, et se taisent quand le chiffre ne porte rien."""

import pytest

from ctg_data import phrases
from ctg_data.indicateurs import Options, calculer
from ctg_data.territoire import EMBARQUES, charger

GARD = charger(EMBARQUES / "gard_rhodanien")
COSTIERES = charger(EMBARQUES / "costieres_camargue")


def message(donnees, code, commune=None, niveau="france", **choix):
    return phrases.message(calculer(code, donnees, Options(**choix)), commune, niveau)


def test_le_message_du_territoire_compare_a_la_reference():
    attendu = "Gard rhodanien\u00a0: 54,2\u00a0places pour 100 enfants de moins de 3 ans"
    assert message(GARD, "taux_couverture") == f"{attendu}, contre 60,9 en France (2023)"


def test_une_reference_non_confirmee_est_dite():
    assert "52,5 dans le département (Gard, 2022, à confirmer)" in message(
        COSTIERES, "taux_couverture", "30258", "departement"
    )


def test_un_effectif_dit_sa_part_du_territoire():
    attendu = "Saint-Gilles\u00a0: 126\u00a0naissances (2025), soit 30\u00a0% du territoire"
    assert message(COSTIERES, "naissances", "30258") == attendu


def test_une_commune_trop_petite_n_est_pas_comparee():
    texte = message(GARD, "taux_couverture", "30005")
    assert (
        texte
        == "Aiguèze\u00a0: 0\u00a0place pour 3\u00a0enfants (2023), trop peu pour comparer un taux"
    )


def test_un_secret_est_un_secret():
    assert message(GARD, "taux_pauvrete", "30005").endswith("n.d. (secret)")


def test_sans_valeur_d_ensemble_le_message_donne_l_etendue():
    texte = message(GARD, "taux_pauvrete")
    assert "de 7\u00a0% (Saint-Victor-la-Coste) à 30\u00a0% (Bagnols-sur-Cèze)" in texte
    assert texte.endswith("5 communes renseignées sur 44")


@pytest.mark.parametrize(
    ("serie", "attendu"),
    [
        (
            {2020: 514, 2025: 426},
            "En 2025, 426\u00a0naissances ici, 17\u00a0% de moins qu'en 2020.",
        ),
        ({2020: 10, 2025: 11}, "En 2025, 11\u00a0naissances ici, 10\u00a0% de plus qu'en 2020."),
        ({2020: 4, 2025: 4}, "En 2025, 4\u00a0naissances ici, comme en 2020."),
        ({2020: 0, 2025: 4}, ""),
        ({2021: 5, 2025: 4}, ""),
        ({2020: 5, 2025: float("nan")}, ""),
        ({}, ""),
    ],
)
def test_la_tendance_des_naissances(serie, attendu):
    assert phrases.naissances_en_cinq_ans("ici", serie) == attendu


@pytest.mark.parametrize(
    ("places", "attendu"),
    [
        (38.2, "Il manque 38\u00a0places pour atteindre le niveau de l'EPCI."),
        (0.6, "Il manque 1\u00a0place pour atteindre le niveau de l'EPCI."),
        (-11, "L'offre dépasse de 11\u00a0places le niveau de l'EPCI."),
        (0.2, "L'offre atteint le niveau de l'EPCI."),
        (float("nan"), ""),
    ],
)
def test_l_ecart_en_places(places, attendu):
    assert phrases.manque(places, "epci") == attendu


def test_le_mode_le_plus_loin():
    ici, la = {"eaje": 6.8, "am": 32.3}, {"eaje": 23.5, "am": 31.9}
    texte = phrases.mode_le_plus_loin("Saint-Gilles", ici, la, "en France")
    assert texte.startswith("Saint-Gilles\u00a0: 6,8 places d'EAJE") and texte.endswith(
        "23,5 en France"
    )
    assert phrases.mode_le_plus_loin("X", {"eaje": float("nan")}, la, "") == ""


@pytest.mark.parametrize(
    ("officielles", "debut"), [(0, "Aucune"), (1, "1\u00a0commune"), (2, "2\u00a0communes")]
)
def test_la_part_officielle_s_accorde(officielles, debut):
    texte = phrases.part_officielle(officielles, 8)
    assert texte.startswith(debut) and (" ont " in texte) is (officielles > 1)


def test_la_source_compte_ce_qui_est_masque():
    texte = phrases.source(calculer("taux_pauvrete", GARD, Options()))
    assert (
        texte == "Source\u00a0: Insee, Filosofi 2023 · officiel · 39\u00a0valeurs masquées (secret)"
    )
