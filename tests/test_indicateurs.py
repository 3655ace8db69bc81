"""Calculer les indicateurs : des vérités refaites à la main, et un catalogue sans trou."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from ctg_data.indicateurs import (
    BADGES,
    Fiche,
    Options,
    Resultat,
    calculer,
    catalogue,
    ecrire,
    serie_commune,
    serie_ensemble,
)
from ctg_data.indicateurs.formules import FORMULES, composantes, structure
from ctg_data.indicateurs.mesures import SURETE, mesures, pire, pire_present
from ctg_data.indicateurs.options import ESTIMATEURS, NIVEAUX
from ctg_data.parametres import AUDIENCES, parametres
from ctg_data.schema import schemas
from ctg_data.territoire import EMBARQUES, Donnees, Territoire, charger

CHARGES = {nom: charger(EMBARQUES / nom) for nom in ("costieres_camargue", "gard_rhodanien")}
COSTIERES, RHODANIEN = CHARGES.values()
SAINT_GILLES, BAGNOLS = "30258", "30028"
FACULTATIFS = {"bornes", "unite_courte", "unite_singulier", "colonne_publiee", "fragilite"}


def avec(donnees: Donnees, **tables: pd.DataFrame) -> Donnees:
    """Remplacer des tables d'un territoire."""
    return replace(donnees, tables={**donnees.tables, **tables})


def sans(donnees: Donnees, table: str, **valeurs: object) -> Donnees:
    """Ôter d'une table les lignes qui portent ces valeurs."""
    lignes = donnees.tables[table]
    ici = pd.concat([lignes[c] == v for c, v in valeurs.items()], axis=1).all(axis=1)
    assert ici.any()
    return avec(donnees, **{table: lignes[~ici]})


def ecrit(donnees: Donnees, table: str, colonne: str, valeur: object, **ou: object) -> Donnees:
    """Changer une colonne des lignes qui portent ces valeurs."""
    lignes = donnees.tables[table].copy()
    ici = pd.concat([lignes[c] == v for c, v in ou.items()], axis=1).all(axis=1)
    assert ici.any()
    lignes.loc[ici, colonne] = valeur
    return avec(donnees, **{table: lignes})


def cellule(resultat: Resultat, commune: str) -> tuple[float, str, str]:
    ligne = resultat.table.loc[commune]
    return ligne["valeur"], ligne["statut"], ligne["texte"]


# --- Chiffres connus --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("donnees", "naissances", "evolution"), [(COSTIERES, 426, -17), (RHODANIEN, 602, -19)]
)
def test_naissances_de_2025_et_recul_depuis_2020(
    donnees: Donnees, naissances: int, evolution: int
) -> None:
    serie = serie_ensemble("naissances", donnees, Options())
    assert calculer("naissances", donnees, Options()).ensemble == serie[2025] == naissances
    assert round(100 * (serie[2025] / serie[2020] - 1)) == evolution


def test_le_taux_du_gard_rhodanien_est_celui_de_la_cnaf() -> None:
    resultat = calculer("taux_couverture", RHODANIEN, Options())
    assert (resultat.annee, resultat.ensemble, resultat.ensemble_statut) == (2023, 54.2, "officiel")


def test_le_taux_de_costieres_camargue_n_est_pas_celui_de_nimes() -> None:
    resultat = calculer("taux_couverture", COSTIERES, Options())
    assert resultat.ensemble_statut == "exemple" and resultat.ensemble != 49.6
    assert resultat.references["epci"].valeur == 49.6
    assert resultat.references["france"].valeur == 60.9
    assert (
        resultat.references["departement"].annee,
        resultat.references["departement"].statut,
    ) == (
        2022,
        "estime",
    )


@pytest.mark.parametrize(
    ("code", "taux"),
    [("taux_couverture", 44.6), ("taux_couverture_eaje", 6.8), ("taux_couverture_am", 32.3)],
)
@pytest.mark.parametrize("estimateur", ESTIMATEURS)
def test_saint_gilles_garde_ses_taux_publies(code: str, taux: float, estimateur: str) -> None:
    valeur, statut, _ = cellule(
        calculer(code, COSTIERES, Options(estimateur=estimateur)), SAINT_GILLES
    )
    assert valeur == pytest.approx(taux) and statut == "officiel"


def test_la_couverture_estimee_se_refait_a_la_main() -> None:
    """Garons : 37 places d'AM, N naissances en trois ans, 2,2 + 1,6 publiés pour l'EPCI."""
    eaje = calculer("places_eaje", COSTIERES, Options()).table.at["30125", "valeur"]
    serie = serie_commune("naissances", "30125", COSTIERES, Options())
    enfants = serie[2021] + serie[2022] + serie[2023]
    attendu = 100 * (eaje + 37) / enfants + 2.2 + 1.6
    resultat = calculer("taux_couverture", COSTIERES, Options())
    assert resultat.table.at["30125", "valeur"] == pytest.approx(attendu)
    assert resultat.table.at["30125", "denominateur"] == enfants


def test_places_manquantes_de_saint_gilles() -> None:
    """(60,9 − 44,6) pour 100 enfants."""
    resultat = calculer("places_manquantes", COSTIERES, Options(taux_reference=60.9))
    enfants = calculer("taux_couverture", COSTIERES, Options()).table.at[SAINT_GILLES, "effectif"]
    manque = resultat.table.at[SAINT_GILLES, "valeur"]
    assert manque == pytest.approx(enfants * (60.9 - 44.6) / 100)
    assert resultat.ensemble == pytest.approx(resultat.table["valeur"].sum())


def test_sans_reference_il_n_y_a_pas_de_manque() -> None:
    resultat = calculer("places_manquantes", COSTIERES, Options())
    assert resultat.annee == 2023 and resultat.renseignees == 0
    assert set(resultat.table["texte"]) == {"non renseigné"}


def test_une_commune_au_dessus_de_la_reference_a_un_manque_negatif() -> None:
    resultat = calculer("places_manquantes", COSTIERES, Options(taux_reference=0))
    assert (resultat.table["valeur"] < 0).all()


def test_l_ensemble_est_le_rapport_des_sommes_pas_la_moyenne_des_taux() -> None:
    resultat = calculer("taux_couverture", COSTIERES, Options())
    table = resultat.table
    rapport = 100 * table["numerateur"].sum() / table["denominateur"].sum()
    assert resultat.ensemble == pytest.approx(rapport)
    assert resultat.ensemble != pytest.approx(table["valeur"].mean(), abs=0.05)


def test_l_evolution_se_refait_a_la_main() -> None:
    serie = serie_commune("naissances", BAGNOLS, RHODANIEN, Options())
    fin, debut = serie[[2023, 2024, 2025]].sum(), serie[[2018, 2019, 2020]].sum()
    valeur = calculer("evolution_naissances", RHODANIEN, Options()).table.at[BAGNOLS, "valeur"]
    assert valeur == pytest.approx(100 * (fin / debut - 1))


def test_les_deux_estimateurs_des_moins_de_3_ans() -> None:
    naissances = calculer("enfants_moins_3_naissances", COSTIERES, Options(annee=2023))
    recensement = calculer("enfants_moins_3_recensement", COSTIERES, Options())
    jeunes = calculer("enfants_0_4", COSTIERES, Options())
    assert recensement.ensemble == pytest.approx(0.6 * jeunes.ensemble)
    assert (
        naissances.ensemble
        == serie_ensemble("naissances", COSTIERES, Options())[[2021, 2022, 2023]].sum()
    )


def test_aucune_mediane_ni_taux_publie_ne_se_somme() -> None:
    for code in ("niveau_vie_median", "taux_pauvrete"):
        assert pd.isna(calculer(code, COSTIERES, Options()).ensemble)


def test_la_structure_par_age_fait_100() -> None:
    parts = structure(COSTIERES.tables["population_age"])
    assert np.allclose(parts.sum(), 100)
    assert parts.index[0] == "0–4" and parts.index[-1] == "95 et +"


def test_la_structure_par_age_ne_mele_pas_deux_millesimes() -> None:
    table = COSTIERES.tables["population_age"]
    ancien = table.assign(annee=2017, population=table["age_min"] + 1.0)
    assert structure(pd.concat([ancien, table])).equals(structure(table))


# --- Absent n'est jamais zéro -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "table"),
    [
        ("naissances", "naissances"),
        ("places_am", "assistantes_maternelles"),
        ("foyers_paje", "allocataires"),
        ("actifs_occupes", "emploi"),
        ("niveau_vie_median", "revenus"),
        ("enfants_0_4", "population_age"),
    ],
)
def test_une_commune_absente_d_une_table_est_non_renseignee(code: str, table: str) -> None:
    donnees = sans(COSTIERES, table, code_commune=SAINT_GILLES)
    resultat = calculer(code, donnees, Options())
    valeur, statut, texte = cellule(resultat, SAINT_GILLES)
    assert pd.isna(valeur) and (statut, texte) == ("non_renseigne", "non renseigné")
    assert pd.isna(resultat.ensemble) and resultat.ensemble_statut == "non_renseigne"
    assert resultat.renseignees == 7


def test_un_registre_muet_la_ou_la_bpe_compte_un_eaje() -> None:
    donnees = COSTIERES
    for genre in ("eaje_psu", "micro_creche_paje"):
        lignes = donnees.tables["equipements"]
        if ((lignes["code_commune"] == "30047") & (lignes["type"] == genre)).any():
            donnees = sans(donnees, "equipements", code_commune="30047", type=genre)
    assert cellule(calculer("places_eaje", donnees, Options()), "30047")[2] == "non renseigné"
    assert cellule(calculer("taux_couverture", donnees, Options()), "30047")[2] == "non renseigné"


def test_un_zero_de_places_que_la_bpe_confirme_reste_zero() -> None:
    zeros = calculer("places_eaje", RHODANIEN, Options()).table.query("valeur == 0").index
    bpe = RHODANIEN.tables["statistiques"].query("indicateur == 'bpe_eaje' and valeur > 0")
    assert len(zeros) and not set(zeros) & set(bpe["code"])


def test_une_annee_du_registre_sans_eaje_n_est_pas_une_annee_sans_place() -> None:
    registre = COSTIERES.tables["equipements"]
    loisirs = registre[registre["type"] == "alsh"].assign(annee=2024.0)
    donnees = avec(COSTIERES, equipements=pd.concat([registre, loisirs], ignore_index=True))
    assert calculer("places_eaje", donnees, Options()).annee == 2023


def test_une_capacite_vide_rend_la_commune_non_renseignee() -> None:
    donnees = ecrit(
        COSTIERES, "equipements", "capacite_agreee", np.nan, code_equipement="EX-30047-EAJE-1"
    )
    assert cellule(calculer("places_eaje", donnees, Options()), "30047")[1] == "non_renseigne"
    assert cellule(calculer("places_total", donnees, Options()), "30047")[1] == "non_renseigne"


def test_un_zero_ambigu_n_est_pas_un_zero() -> None:
    table = calculer("foyers_paje", RHODANIEN, Options()).table
    ambigus = table[table["statut"] == "zero_ambigu"]
    assert len(ambigus) == 4 and ambigus["valeur"].isna().all()
    assert set(ambigus["texte"]) == {"0 à 4 ou non publié"}
    serie = serie_commune("foyers_paje", str(ambigus.index[0]), RHODANIEN, Options())
    assert not (serie == 0).any()


def test_un_zero_ambigu_rend_la_somme_estimee() -> None:
    resultat = calculer("foyers_paje", RHODANIEN, Options())
    assert resultat.ensemble == resultat.table["valeur"].sum()
    assert resultat.ensemble_statut == "estime"


def test_un_secret_du_producteur_reste_un_secret() -> None:
    table = calculer("taux_pauvrete", RHODANIEN, Options(audience="interne")).table
    secrets = table[table["statut"] == "secret"]
    assert len(secrets) and secrets["valeur"].isna().all()
    assert set(secrets["texte"]) == {"n.d. (secret)"}


@pytest.mark.parametrize("statut", ["secret", "non_renseigne"])
def test_une_valeur_dite_secrete_ou_absente_n_est_pas_montree(statut: str) -> None:
    donnees = ecrit(COSTIERES, "emploi", "statut", statut, code_commune=SAINT_GILLES)
    for code in ("actifs_occupes", "taux_emploi_adultes"):
        valeur, trouve, _ = cellule(calculer(code, donnees, Options()), SAINT_GILLES)
        assert pd.isna(valeur) and trouve == statut


def test_un_denominateur_nul_ne_donne_pas_de_taux_mais_garde_ses_places() -> None:
    donnees = ecrit(COSTIERES, "naissances", "naissances", 0.0, code_commune="30356")
    resultat = calculer("taux_couverture_am", donnees, Options())
    assert pd.isna(resultat.table.at["30356", "valeur"])
    assert resultat.table.at["30356", "texte"] == "aucun enfant"
    table = resultat.table
    attendu = 100 * table["numerateur"].sum() / table["denominateur"].sum()
    assert table.at["30356", "numerateur"] == 8 and resultat.ensemble == pytest.approx(attendu)


def test_une_population_inconnue_empeche_le_taux_et_l_ensemble() -> None:
    donnees = sans(COSTIERES, "population_age", code_commune=SAINT_GILLES)
    resultat = calculer("taux_emploi_adultes", donnees, Options())
    assert cellule(resultat, SAINT_GILLES)[1:] == ("non_renseigne", "non renseigné")
    assert pd.isna(resultat.ensemble)


def test_une_annee_manquante_au_milieu_ne_se_comble_pas() -> None:
    donnees = sans(COSTIERES, "naissances", annee=2022)
    resultat = calculer("enfants_moins_3_naissances", donnees, Options(annee=2023))
    assert set(resultat.table["texte"]) == {"non renseigné"}
    serie = serie_ensemble("enfants_moins_3_naissances", donnees, Options())
    assert serie[[2022, 2023, 2024]].isna().all() and serie[[2021, 2025]].notna().all()


def test_trop_peu_d_annees_ne_leve_pas() -> None:
    recentes = COSTIERES.tables["naissances"].query("annee >= 2024")
    donnees = avec(COSTIERES, naissances=recentes)
    for code in ("enfants_moins_3_naissances", "evolution_naissances"):
        resultat = calculer(code, donnees, Options())
        assert (resultat.annee, resultat.renseignees) == (2025, 0)


@pytest.mark.parametrize("code", ["foyers_paje", "taux_pauvrete", "etablissements_eaje"])
def test_une_table_sans_ligne_pour_l_indicateur_ne_leve_pas(code: str) -> None:
    lignes = {
        "allocataires": COSTIERES.tables["allocataires"].query("prestation == 'rsa'"),
        "revenus": COSTIERES.tables["revenus"].query("mesure == 'niveau_vie_median'"),
        "statistiques": COSTIERES.tables["statistiques"].query("indicateur == 'rp_population'"),
    }
    resultat = calculer(code, avec(COSTIERES, **lignes), Options())
    assert resultat.renseignees == 0 and pd.isna(resultat.ensemble)


def test_un_fichier_plus_recent_ne_vide_pas_la_couverture() -> None:
    table = COSTIERES.tables["assistantes_maternelles"]
    donnees = avec(
        COSTIERES, assistantes_maternelles=pd.concat([table, table.assign(annee=2024.0)])
    )
    resultat = calculer("taux_couverture", donnees, Options())
    assert (resultat.annee, resultat.renseignees) == (2023, 8)


def test_un_taux_peut_depasser_100() -> None:
    ou = {"code": SAINT_GILLES, "annee": 2023}
    donnees = ecrit(COSTIERES, "taux_couverture", "txcouv_global", 130.0, **ou)
    valeur, _, texte = cellule(calculer("taux_couverture", donnees, Options()), SAINT_GILLES)
    assert valeur == pytest.approx(130) and texte == "130,0\u00a0pour 100"


def test_une_ligne_publiee_vide_laisse_l_estimation() -> None:
    ou = {"code": SAINT_GILLES, "annee": 2023}
    donnees = ecrit(COSTIERES, "taux_couverture", "txcouv_global", np.nan, **ou)
    valeur, statut, _ = cellule(calculer("taux_couverture", donnees, Options()), SAINT_GILLES)
    assert valeur > 0 and statut == "exemple"


def test_l_edition_publiee_de_l_annee_demandee() -> None:
    taux = RHODANIEN.tables["taux_couverture"]
    ancien = taux[taux["niveau"] == "epci"].assign(annee=2022.0, txcouv_global=51.0)
    donnees = avec(RHODANIEN, taux_couverture=pd.concat([ancien, taux]))
    assert calculer("taux_couverture", donnees, Options(annee=2022)).ensemble == 51.0
    assert calculer("taux_couverture", donnees, Options(annee=2023)).ensemble == 54.2


def test_une_donnee_d_exemple_se_voit_jusque_dans_l_estimation() -> None:
    naissances = COSTIERES.tables["naissances"].assign(statut="exemple")
    donnees = avec(COSTIERES, naissances=naissances)
    for code in ("enfants_moins_3_naissances", "evolution_naissances"):
        assert calculer(code, donnees, Options()).exemple


def test_composantes_et_taux_disent_la_meme_chose() -> None:
    parts = composantes(COSTIERES, Options()).set_index("code_commune").loc["30125"]
    somme = parts[["eaje", "am", "ecole", "domicile"]].sum()
    assert somme == pytest.approx(
        calculer("taux_couverture", COSTIERES, Options()).table.at["30125", "valeur"]
    )


# --- Écriture, rangs, sûreté ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "valeur", "ecriture"),
    [
        ("naissances", 1, "1\u00a0naissance"),
        ("naissances", 1234, "1\u202f234\u00a0naissances"),
        ("assistantes_maternelles_actives", 1, "1\u00a0assistante maternelle"),
        ("taux_couverture", 54.2, "54,2\u00a0pour 100"),
        ("evolution_naissances", 3.2, "+3\u00a0%"),
        ("places_manquantes", -1.2, "−1\u00a0place"),
        ("niveau_vie_median", 20770, "20\u202f770\u00a0€ par an"),
        ("naissances", None, ""),
    ],
)
def test_une_valeur_s_ecrit_dans_son_unite(code: str, valeur: float | None, ecriture: str) -> None:
    assert ecrire(catalogue()[code], valeur) == ecriture


def test_le_rang_va_du_plus_haut_au_plus_bas_sans_les_tres_fragiles() -> None:
    table = calculer("taux_couverture", RHODANIEN, Options()).table
    fragiles = table["fragilite"] == "fragile_fort"
    assert fragiles.any() and (table.loc[fragiles, "effectif"] < 30).all()
    assert table.loc[fragiles, "rang"].isna().all()
    assert table.loc[~fragiles, "valeur"].idxmax() == table["rang"].idxmin()


def test_les_seuils_de_fragilite_sont_ceux_des_parametres() -> None:
    seuils = parametres().seuils
    table = calculer("taux_couverture", RHODANIEN, Options()).table
    moyens = table["effectif"].between(seuils["fragile_fort"], seuils["fragile"], inclusive="left")
    assert (seuils["fragile_fort"], seuils["fragile"], seuils["recensement"]) == (30, 50, 200)
    assert (table.loc[moyens, "fragilite"] == "fragile").all()
    assert (table.loc[table["effectif"] >= 50, "fragilite"] == "").all()


def test_un_calcul_vaut_sa_donnee_la_moins_sure() -> None:
    assert pire("officiel", "exemple", "estime") == "exemple"
    assert pire("exemple", "secret") == "secret"
    assert pire() == "officiel"
    assert pire_present(pd.Series(["officiel", "secret"]), "calcule") == "calcule"
    assert pire_present(pd.Series([], dtype=object)) == "local"


def test_une_mesure_vide_dit_pourquoi() -> None:
    table = pd.DataFrame({"code_commune": ["a", "b"], "annee": 2023, "v": [np.nan, 2.0]})
    sortie = mesures(table.assign(statut=["officiel", "secret"]), "v")
    assert sortie["statut"].tolist() == ["non_renseigne", "secret"]
    assert sortie["numerateur"].isna().all()


# --- Tout le catalogue ------------------------------------------------------------------------


def test_chaque_fiche_a_sa_formule_et_reciproquement() -> None:
    assert set(catalogue()) == set(FORMULES)


@pytest.mark.parametrize("fiche", catalogue().values(), ids=lambda f: f.code)
def test_la_fiche_est_complete(fiche: Fiche) -> None:
    vides = {c.name for c in fields(fiche) if getattr(fiche, c.name) in ("", (), None)}
    assert vides <= FACULTATIFS
    assert set(fiche.tables) <= set(schemas())
    assert fiche.nature in {"effectif", "taux", "evolution", "ecart", "montant"}
    assert fiche.agregation in {"somme", "rapport", "aucune"}
    assert fiche.sens in {"haut_favorable", "bas_favorable", "neutre"}
    assert fiche.fragilite in {"", "enfants", "recensement"}
    assert fiche.palette in {"couverture", "besoin", "divergente"}


@pytest.mark.parametrize("fiche", catalogue().values(), ids=lambda f: f.code)
def test_la_fiche_est_bien_ecrite(fiche: Fiche) -> None:
    assert fiche.definition.endswith(".") and all(p.endswith(".") for p in fiche.pieges)
    assert list(fiche.bornes) == sorted(set(fiche.bornes))
    assert fiche.nature != "taux" or fiche.agregation != "somme"
    assert not fiche.colonne_publiee or fiche.colonne_publiee in {
        c.nom for c in schemas()["taux_couverture"].colonnes
    }
    assert {(fiche.confidentialite, a) for a in AUDIENCES} <= set(parametres().secret)


@pytest.mark.parametrize("estimateur", ESTIMATEURS)
@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("nom", CHARGES)
def test_tout_se_calcule_sans_toucher_aux_tables(nom: str, audience: str, estimateur: str) -> None:
    donnees = CHARGES[nom]
    avant = {t: table.copy(deep=True) for t, table in donnees.tables.items()}
    options = Options(audience=audience, estimateur=estimateur, taux_reference=60.9)
    for code in catalogue():
        verifier(calculer(code, donnees, options), donnees.territoire)
        assert len(serie_ensemble(code, donnees, options)) > 0
    for t, table in donnees.tables.items():
        pd.testing.assert_frame_equal(table, avant[t])


def verifier(resultat: Resultat, territoire: Territoire) -> None:
    """Contrôler ce que toute page attend d'un résultat."""
    table = resultat.table
    assert tuple(table.index) == territoire.communes
    assert (table[["nom", "texte", "statut"]] != "").all(axis=None)
    assert set(table["statut"]) <= set(BADGES)
    assert set(table["fragilite"]) <= {"", "fragile", "fragile_fort"}
    assert resultat.renseignees == table["valeur"].notna().sum() > 0
    assert not table.loc[~table["statut"].isin(SURETE), "valeur"].notna().any()
    assert np.isfinite(table["valeur"].dropna()).all()
    assert pd.isna(resultat.ensemble) == (resultat.ensemble_statut in {"non_renseigne", "secret"})
    assert set(resultat.references) <= set(NIVEAUX)
    assert all(r.source and r.nom and r.annee for r in resultat.references.values())


@pytest.mark.parametrize("estimateur", ESTIMATEURS)
@pytest.mark.parametrize("code", catalogue())
def test_les_tables_de_la_fiche_suffisent_au_calcul(code: str, estimateur: str) -> None:
    """Les pages ne vérifient que ces tables avant de calculer."""
    suffisantes = {"communes", *catalogue()[code].tables}
    reduites = {t: v for t, v in COSTIERES.tables.items() if t in suffisantes}
    options = Options(audience="interne", estimateur=estimateur, taux_reference=60.9)
    assert calculer(code, replace(COSTIERES, tables=reduites), options).renseignees == 8


def test_un_code_inconnu_leve_keyerror() -> None:
    with pytest.raises(KeyError):
        calculer("absent", COSTIERES, Options())
