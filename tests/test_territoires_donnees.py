"""Vérifier les schémas déclarés, les deux territoires embarqués et leurs scripts.

Les CSV sont lus tels quels (texte, sans conversion) : ces vérités ne dépendent d'aucun chargeur.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import calibrer_demonstration as calibration
import construire_territoires as construction

RACINE = Path(__file__).resolve().parent.parent
DONNEES = RACINE / "ctg_data"
REEL = RACINE.parent / "shared" / "donnees"
SCHEMAS = {
    chemin.stem: json.loads(chemin.read_text("utf-8"))
    for chemin in sorted((DONNEES / "schemas").glob("*.json"))
}
TERRITOIRES = {"costieres_camargue": 8, "gard_rhodanien": 44}
# Les tables des territoires embarqués ; d'autres schémas (registres) peuvent exister à côté.
TABLES = (
    "communes",
    "population_age",
    "naissances",
    "allocataires",
    "revenus",
    "emploi",
    "equipements",
    "assistantes_maternelles",
    "taux_couverture",
    "statistiques",
)
STATUTS = [
    "officiel",
    "calcule",
    "estime",
    "local",
    "exemple",
    "secret",
    "non_renseigne",
    "zero_ambigu",
]
CONTRAINTES = {"required", "minimum", "maximum", "pattern", "enum", "minLength"}
CHAMPS = [(table, champ) for table in TABLES for champ in SCHEMAS[table]["fields"]]
FICHIERS = [(nom, table) for nom in TERRITOIRES for table in TABLES]


def lire(nom: str, table: str, dossier: Path = DONNEES / "territoires") -> pd.DataFrame:
    """Lire une table sans rien convertir : le vide reste un texte vide."""
    chemin = dossier / nom / f"{table}.csv"
    return pd.read_csv(chemin, sep=";", dtype=str, keep_default_na=False)


def entiers(colonne: pd.Series) -> pd.Series:
    """Lire une colonne d'entiers où le vide vaut 0."""
    return colonne.replace("", "0").astype(int)


# --- Schémas ----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_le_schema_est_complet(table: str) -> None:
    schema = SCHEMAS[table]
    noms = [champ["name"] for champ in schema["fields"]]
    assert schema["name"] == table
    assert schema["title"] and len(schema["description"]) > 80
    assert schema["nature"] in {"statistique", "registre"}
    assert len(set(noms)) == len(noms)
    assert set(schema["primaryKey"]) <= set(noms)
    assert "" in schema["missingValues"] and "s" in schema["missingValues"]
    assert noms[-2:] == ["statut", "source"]


@pytest.mark.parametrize(
    ("table", "champ"), CHAMPS, ids=lambda v: v if isinstance(v, str) else v["name"]
)
def test_chaque_champ_est_complet(table: str, champ: dict) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", champ["name"])
    assert champ["title"] and champ["description"].endswith(".")
    assert champ["type"] in {"string", "integer", "number", "date", "boolean"}
    assert champ["confidentialite"] in {"publique", "personnes", "fiscale"}
    assert ("unite" in champ) == (champ["type"] in {"integer", "number"})
    assert set(champ["constraints"]) <= CONTRAINTES
    assert fautes_valeur(str(champ["example"]), champ) == []
    if champ["name"] in SCHEMAS[table]["primaryKey"]:
        assert champ["constraints"]["required"]


@pytest.mark.parametrize("table", TABLES)
def test_le_statut_est_le_meme_partout(table: str) -> None:
    statut = next(c for c in SCHEMAS[table]["fields"] if c["name"] == "statut")
    assert statut["constraints"]["enum"] == STATUTS


@pytest.mark.parametrize("table", TABLES)
def test_les_textes_ont_la_typographie_francaise(table: str) -> None:
    for objet in (SCHEMAS[table], *SCHEMAS[table]["fields"]):
        for texte in (objet["title"], objet["description"]):
            assert not re.search(r" [:;!?%»]|« |\d \d{3}\b", texte), texte


def test_un_taux_de_couverture_peut_depasser_100() -> None:
    taux = [c for c in SCHEMAS["taux_couverture"]["fields"] if c["name"].startswith("txcouv")]
    assert len(taux) == 5
    assert all("maximum" not in champ["constraints"] for champ in taux)


def test_les_effectifs_d_assistantes_maternelles_sont_des_comptes_de_personnes() -> None:
    classes = {
        champ["name"]: champ["confidentialite"]
        for champ in SCHEMAS["assistantes_maternelles"]["fields"]
        if champ["type"] == "integer" and champ["name"] != "annee"
    }
    assert classes.pop("places") == "publique"
    assert set(classes.values()) == {"personnes"}


def fautes_valeur(valeur: str, champ: dict) -> list[str]:
    """Lister les règles du champ qu'une valeur enfreint ; le vide n'enfreint que « required »."""
    regles = champ["constraints"]
    if valeur == "":
        return ["required"] if regles["required"] else []
    formes = {"integer": r"-?\d+", "number": r"-?\d+(\.\d+)?", "date": r"\d{4}-\d{2}-\d{2}"}
    if champ["type"] in formes and not re.fullmatch(formes[champ["type"]], valeur):
        return [champ["type"]]
    return [
        nom
        for nom, tenue in {
            "pattern": lambda limite: re.fullmatch(limite, valeur),
            "enum": lambda limite: valeur in limite,
            "minLength": lambda limite: len(valeur) >= limite,
            "minimum": lambda limite: float(valeur) >= limite,
            "maximum": lambda limite: float(valeur) <= limite,
        }.items()
        if nom in regles and not tenue(regles[nom])
    ]


# --- Fichiers embarqués -----------------------------------------------------------------------


@pytest.mark.parametrize(("nom", "table"), FICHIERS)
def test_le_fichier_suit_son_schema(nom: str, table: str) -> None:
    schema, contenu = SCHEMAS[table], lire(nom, table)
    assert list(contenu.columns) == [champ["name"] for champ in schema["fields"]]
    assert not contenu.duplicated(schema["primaryKey"]).any()
    for champ in schema["fields"]:
        for valeur in contenu[champ["name"]].unique():
            assert fautes_valeur(valeur, champ) == [], (champ["name"], valeur)


@pytest.mark.parametrize(("nom", "table"), FICHIERS)
def test_le_fichier_est_en_utf8_sans_bom_et_en_lf(nom: str, table: str) -> None:
    octets = (DONNEES / "territoires" / nom / f"{table}.csv").read_bytes()
    assert not octets.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in octets and octets.endswith(b"\n")
    octets.decode("utf-8")


@pytest.mark.parametrize(("nom", "table"), FICHIERS)
def test_chaque_ligne_est_d_une_commune_du_territoire(nom: str, table: str) -> None:
    contenu, communes = lire(nom, table), set(lire(nom, "communes")["code_commune"])
    if "code_commune" in contenu:
        assert set(contenu["code_commune"]) <= communes
    elif table == "statistiques":
        assert set(contenu["code"]) == communes
    else:
        assert {"FR", "30", "200034692", "243000643"} <= set(contenu["code"])


@pytest.mark.parametrize(("nom", "nombre"), TERRITOIRES.items())
def test_la_fiche_dit_ses_communes_et_ses_reserves(nom: str, nombre: int) -> None:
    chemin = DONNEES / "territoires" / nom / "territoire.toml"
    fiche = tomllib.loads(chemin.read_text("utf-8"))
    communes = lire(nom, "communes")
    assert len(fiche["communes"]) == nombre
    assert fiche["communes"] == list(communes["code_commune"])
    assert [e["code"] for e in fiche["epci"]] == list(communes["code_epci"].unique())
    assert fiche["epci"][0]["couvre_exactement"] == (nom == "gard_rhodanien")
    assert len(fiche["missions"]) == 6
    assert all(m["a_verifier"] and m["reserve"] and m["article"] for m in fiche["missions"])
    assert fiche["ctg"]["a_verifier"] and fiche["ctg"]["reserve"]
    assert fiche["demonstration"]["tables"] == ["equipements", "assistantes_maternelles"]


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_references_de_la_fiche_ont_des_chiffres(nom: str) -> None:
    fiche = tomllib.loads((DONNEES / "territoires" / nom / "territoire.toml").read_text("utf-8"))
    niveaux = set(lire(nom, "taux_couverture")["niveau"])
    assert set(fiche["references"]) - {"territoire"} <= niveaux


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_la_somme_des_ages_est_la_population_legale(nom: str) -> None:
    sommes = lire(nom, "population_age").astype({"population": float})
    sommes = sommes.groupby("code_commune")["population"].sum()
    legales = lire(nom, "communes").set_index("code_commune")["population_municipale"].astype(int)
    # La population légale est l'arrondi à l'entier de cette somme.
    assert (sommes - legales).abs().max() <= 0.5 + 1e-6


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_moins_de_5_ans_des_deux_sexes_font_le_total_publie(nom: str) -> None:
    ages = lire(nom, "population_age").astype({"population": float})
    sommes = ages[ages["age_min"] == "0"].groupby("code_commune")["population"].sum()
    stats = lire(nom, "statistiques").query("indicateur == 'rp_population_0_4'").set_index("code")
    assert (sommes - stats["valeur"].astype(float)).abs().max() < 0.05


def test_aucune_cellule_publiee_ne_manque() -> None:
    tables = {
        table: pd.concat([lire(nom, table) for nom in TERRITOIRES])
        for table in TABLES
        if table != "taux_couverture"
    }
    stats = tables["statistiques"]["indicateur"]
    taux = lire("gard_rhodanien", "taux_couverture").query("annee == '2023'")
    comptes = {
        "naissances": len(tables["naissances"]),
        "allocataires": len(tables["allocataires"]),
        "revenus": len(tables["revenus"]),
        "emploi": len(tables["emploi"]),
        "ages": len(tables["population_age"]) + stats.str.startswith("rp_").sum(),
        "bpe": stats.str.startswith("bpe_").sum(),
        "taux": 5 * len(taux),
    }
    assert comptes == {
        "naissances": 52 * 18,
        "allocataires": 52 * 5 * 7,
        "revenus": 52 * 2,
        "emploi": 52,
        "ages": 52 * 45,
        "bpe": 52 * 7,
        "taux": 15 * 5,
    }
    assert sum(comptes.values()) == 5691


@pytest.mark.parametrize(
    ("nom", "table", "cle", "champ", "valeur"),
    [
        ("costieres_camargue", "communes", ("30258",), "population_totale", "14559"),
        ("costieres_camargue", "communes", ("30258",), "population_municipale", "14734"),
        ("gard_rhodanien", "communes", ("30222",), "nom_commune", "La Roque-sur-Cèze"),
        ("gard_rhodanien", "naissances", ("30028", "2020"), "naissances", "208"),
        ("gard_rhodanien", "naissances", ("30304", "2008"), "naissances", "0"),
        ("gard_rhodanien", "population_age", ("30028", "2023", "F", "0"), "population", "504.9"),
        ("gard_rhodanien", "population_age", ("30028", "2023", "H", "95"), "population", "16.5"),
        ("gard_rhodanien", "revenus", ("30028", "2023", "taux_pauvrete"), "valeur", "30.0"),
        ("gard_rhodanien", "revenus", ("30005", "2023", "taux_pauvrete"), "statut", "secret"),
        ("costieres_camargue", "allocataires", ("30258", "2024", "paje"), "valeur", "400"),
        (
            "costieres_camargue",
            "allocataires",
            ("30258", "2024", "personnes_couvertes"),
            "valeur",
            "7020",
        ),
        ("gard_rhodanien", "allocataires", ("30005", "2020", "paje"), "statut", "zero_ambigu"),
        (
            "costieres_camargue",
            "taux_couverture",
            ("commune", "30258", "2023"),
            "txcouv_eaje",
            "6.8",
        ),
        ("gard_rhodanien", "taux_couverture", ("departement", "30", "2022"), "statut", "estime"),
        ("gard_rhodanien", "taux_couverture", ("france", "FR", "2023"), "txcouv_global", "60.9"),
        (
            "costieres_camargue",
            "statistiques",
            ("commune", "30258", "bpe_eaje", "2025"),
            "valeur",
            "1",
        ),
    ],
)
def test_des_chiffres_connus_sont_a_leur_place(
    nom: str, table: str, cle: tuple[str, ...], champ: str, valeur: str
) -> None:
    contenu = lire(nom, table).set_index(SCHEMAS[table]["primaryKey"])
    assert contenu.loc[cle if len(cle) > 1 else cle[0], champ] == valeur


def test_les_prestations_ne_sont_pas_permutees() -> None:
    caf = lire("costieres_camargue", "allocataires").query("annee == '2024'")
    saint_gilles = caf[caf["code_commune"] == "30258"].set_index("prestation")["valeur"]
    assert saint_gilles.to_dict() == {
        "ndur": "2810",
        "personnes_couvertes": "7020",
        "rsa": "540",
        "ppa": "1095",
        "ndural": "1115",
        "af": "1010",
        "paje": "400",
    }


def test_les_equipements_recenses_ne_sont_pas_permutes() -> None:
    stats = lire("gard_rhodanien", "statistiques").query("code == '30202' and annee == '2025'")
    assert stats.set_index("indicateur")["valeur"].to_dict() == {
        "bpe_eaje": "1",
        "bpe_relais_petite_enfance": "1",
        "bpe_accueil_loisirs": "8",
        "bpe_micro_creche": "1",
        "bpe_ecole_maternelle": "3",
        "bpe_ecole_primaire": "1",
        "bpe_ecole_elementaire": "3",
    }


def test_les_taux_publies_ne_sont_pas_permutes() -> None:
    taux = lire("gard_rhodanien", "taux_couverture").query("code == '30202'")
    colonnes = [c for c in taux.columns if c.startswith("txcouv")]
    assert list(taux[colonnes].iloc[0]) == ["69.8", "29.0", "34.8", "5.3", "0.8"]


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_une_valeur_secrete_est_vide_et_jamais_nulle(nom: str) -> None:
    revenus = lire(nom, "revenus")
    assert ((revenus["statut"] == "secret") == (revenus["valeur"] == "")).all()
    assert (revenus["valeur"] != "0").all()


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_zeros_de_la_cnaf_disent_leur_doute(nom: str) -> None:
    caf = lire(nom, "allocataires")
    douteux = caf[(caf["valeur"] == "0") & caf["code_commune"].isin(construction.ZEROS_AMBIGUS)]
    assert set(caf.index[caf["statut"] == "zero_ambigu"]) == set(douteux.index)
    assert douteux["source"].str.contains("0 à 4 ou non publié", regex=False).all()
    assert (entiers(caf["valeur"]) % 5 == 0).all()


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_seule_la_presse_n_est_pas_tenue_pour_officielle(nom: str) -> None:
    taux = lire(nom, "taux_couverture")
    presse = taux[taux["statut"] != "officiel"]
    assert list(presse["code"]) == ["30"] and list(presse["annee"]) == ["2022"]
    assert presse["source"].str.contains("presse").all()
    assert presse["source"].str.contains("non vérifié").all()


# --- Offre de démonstration -------------------------------------------------------------------


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("table", ["equipements", "assistantes_maternelles"])
def test_l_offre_se_dit_exemple_a_chaque_ligne(nom: str, table: str) -> None:
    contenu = lire(nom, table)
    assert (contenu["statut"] == "exemple").all() and (contenu["annee"] == "2023").all()
    assert contenu["source"].str.startswith("Données d'exemple de Boussole CTG").all()


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_equipements_ne_nomment_ni_ne_placent_personne(nom: str) -> None:
    contenu = lire(nom, "equipements")
    assert contenu["nom"].str.contains("exemple", regex=False).all()
    inconnus = ["gestionnaire", "mode_gestion", "longitude", "latitude", "horaires"]
    assert (contenu[inconnus] == "").all(axis=None)


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_il_y_a_autant_d_etablissements_que_dans_la_bpe(nom: str) -> None:
    stats = lire(nom, "statistiques").query("annee == '2025'")
    stats = stats.assign(valeur=stats["valeur"].astype(int))
    publies = stats.pivot(index="code", columns="indicateur", values="valeur")
    ecoles = [f"bpe_ecole_{niveau}" for niveau in ("maternelle", "primaire", "elementaire")]
    attendus = {
        "eaje_psu": publies["bpe_eaje"],
        "micro_creche_paje": publies["bpe_micro_creche"],
        "rpe": publies["bpe_relais_petite_enfance"],
        "alsh": publies["bpe_accueil_loisirs"],
        "ecole": publies[ecoles].sum(axis=1),
    }
    contenu = lire(nom, "equipements")
    assert set(contenu["type"]) == set(attendus)
    for type_, attendu in attendus.items():
        comptes = contenu[contenu["type"] == type_]["code_commune"].value_counts()
        assert comptes.reindex(attendu.index, fill_value=0).equals(attendu.rename("count")), type_


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_places_des_etablissements_se_tiennent(nom: str) -> None:
    contenu = lire(nom, "equipements")
    accueil = contenu[contenu["type"].isin(["eaje_psu", "micro_creche_paje"])]
    etapes = ["capacite_agreee", "places_installees", "places_ouvertes", "places_financees"]
    tailles = accueil[etapes].astype(int)
    for large, etroite in pairwise(etapes):
        assert (tailles[large] >= tailles[etroite]).all()
    micro = accueil["type"] == "micro_creche_paje"
    assert (tailles.loc[micro, "capacite_agreee"] <= 12).all()
    assert (tailles.loc[micro, "places_financees"] == 0).all()
    assert (tailles.loc[~micro, "capacite_agreee"] >= 10).all()
    assert (contenu.loc[contenu.index.difference(accueil.index), etapes] == "").all(axis=None)


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_effectifs_d_assistantes_maternelles_se_tiennent(nom: str) -> None:
    contenu = lire(nom, "assistantes_maternelles")
    assert list(contenu["code_commune"]) == list(lire(nom, "communes")["code_commune"])
    n = contenu.drop(columns=["code_commune", "statut", "source"]).astype(int)
    assert (n["agreees"] >= n["actives"]).all()
    assert (n["agees_55_59"] + n["agees_60_plus"] <= n["actives"]).all()
    assert (n["dont_mam"] <= n["actives"]).all() and (n["dont_mam"] != 1).all()
    assert ((n["places"] == 0) == (n["actives"] == 0)).all()
    assert n["places"].sum() / n["actives"].sum() == pytest.approx(2.6, abs=0.02)
    assert (n["places"] <= 4 * n["actives"]).all()


def perimetres(nom: str) -> list[tuple[str, list[str]]]:
    """Lister les périmètres au taux publié : communes de plus de 10 000 habitants, puis EPCI."""
    communes, taux = lire(nom, "communes"), lire(nom, "taux_couverture")
    codes = list(communes["code_commune"])
    officielles = [(code, [code]) for code in codes if code in set(taux["code"])]
    return [*officielles, (communes["code_epci"].iloc[0], codes)]


def places(nom: str, mode: str, codes: list[str]) -> int:
    """Additionner les places d'exemple d'un mode dans des communes."""
    if mode == "txcouv_am_ind":
        contenu, colonne = lire(nom, "assistantes_maternelles"), "places"
    else:
        contenu, colonne = lire(nom, "equipements"), "capacite_agreee"
    return int(entiers(contenu.loc[contenu["code_commune"].isin(codes), colonne]).sum())


@pytest.mark.parametrize("mode", ["txcouv_eaje", "txcouv_am_ind"])
@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_taux_publies_sont_redonnes_a_moins_d_une_place(nom: str, mode: str) -> None:
    naissances = lire(nom, "naissances").query("annee in ['2021', '2022', '2023']")
    taux = lire(nom, "taux_couverture").query("annee == '2023'").set_index("code")[mode]
    for perimetre, codes in perimetres(nom):
        concernees = naissances["code_commune"].isin(codes)
        enfants = entiers(naissances.loc[concernees, "naissances"]).sum()
        visees = float(taux[perimetre]) * enfants / 100
        # L'arrondi à la place entière ne coûte jamais plus d'une demi-place.
        assert abs(places(nom, mode, codes) - visees) <= 0.5, perimetre


def test_les_tailles_citees_par_le_document_sont_celles_des_tables() -> None:
    tailles = lire("gard_rhodanien", "equipements").query("type == 'eaje_psu'")
    tailles = tailles.groupby("code_commune")["capacite_agreee"].agg(list)
    assert tailles["30028"] == ["62", "62"]
    assert tailles["30202"] == ["79"]
    assert tailles["30141"] == ["60"]


def test_saint_gilles_montre_l_ecart_publie() -> None:
    assert places("costieres_camargue", "txcouv_eaje", ["30258"]) == 36


# --- Répartition, aux vérités calculables à la main -------------------------------------------


def test_repartir_suit_les_poids() -> None:
    parts = calibration.repartir(10, {"a": 3, "b": 2}, {"a": 0, "b": 0}, {"a": 10, "b": 10})
    assert parts == {"a": 6, "b": 4}


def test_repartir_tient_ses_bornes() -> None:
    parts = calibration.repartir(10, {"a": 9, "b": 1}, {"a": 0, "b": 3}, {"a": 6, "b": 10})
    assert parts == {"a": 6, "b": 4}


def test_repartir_refuse_un_total_impossible() -> None:
    with pytest.raises(ValueError, match="bornes"):
        calibration.repartir(5, {"a": 1}, {"a": 0}, {"a": 4})


# --- Reconstruction ---------------------------------------------------------------------------


def ecrire_source(chemin: Path, lignes: list[dict[str, str]]) -> None:
    """Écrire un fichier source `;` dont les colonnes sont celles de la première ligne."""
    with chemin.open("w", encoding="utf-8", newline="") as fichier:
        ecrivain = csv.DictWriter(fichier, list(lignes[0]), delimiter=";", restval="")
        ecrivain.writeheader()
        ecrivain.writerows(lignes)


def sources_deduites(dossier: Path) -> None:
    """Récrire les fichiers sources à l'envers, à partir des territoires embarqués."""
    tables = {
        nom: {
            table: {
                tuple(ligne[c] for c in SCHEMAS[table]["primaryKey"]): ligne
                for ligne in lire(nom, table).to_dict("records")
            }
            for table in TABLES
        }
        for nom in TERRITOIRES
    }
    for fichier, cases in construction.FICHIERS.items():
        annees = [str(a) for a in range(2020, 2025)] if fichier.startswith("caf_") else [""]
        lignes = [
            ligne_source(code, nom, annee, cases, tables[nom])
            for nom in TERRITOIRES
            for (code,) in tables[nom]["communes"]
            for annee in annees
        ]
        ecrire_source(dossier / fichier, lignes)
    taux = list(tables["gard_rhodanien"]["taux_couverture"].values())
    for fichier in construction.FICHIERS_TAUX:
        ecrire_source(dossier / fichier, [ligne_taux(ligne, fichier) for ligne in taux])


def ligne_source(
    code: str, nom: str, annee: str, cases: list[construction.Case], tables: dict
) -> dict[str, str]:
    """Récrire la ligne source d'une commune."""
    totale = int(tables["communes"][(code,)]["population_totale"])
    ligne = {"code_insee": code, "territoire": nom, "seuil_sppe": construction.seuil(totale)}
    if annee:
        ligne["annee"] = annee
    for case in cases:
        cle = construction.identite(case.table, code) | {"annee": annee} | case.cle
        primaire = tuple(cle[c] for c in SCHEMAS[case.table]["primaryKey"])
        ligne[case.colonne] = tables[case.table][primaire][case.champ]
    return ligne


def ligne_taux(ligne: dict[str, str], fichier: str) -> dict[str, str]:
    """Récrire la ligne source d'un taux, avec la précision de sa source."""
    inverse = {vers: de for de, vers in construction.FICHIERS_TAUX[fichier].items()}
    garde = {c: v for c, v in ligne.items() if c != "statut"}
    garde["source"] = ligne["source"].partition("\u00a0; ")[2]
    if ligne["niveau"] == "france":
        garde["niveau"] = "national"
    return {inverse.get(colonne, colonne): valeur for colonne, valeur in garde.items()}


ORIGINES = ["deduites", "publiees"] if (REEL / "reel").is_dir() else ["deduites"]


@pytest.fixture
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Préparer un dossier source modifiable : fichiers publiés, ou déduits des territoires."""
    dossier = tmp_path / "donnees" / "reel"
    dossier.mkdir(parents=True)
    if getattr(request, "param", ORIGINES[-1]) == "publiees":
        for chemin in (REEL / "reel").glob("*.csv"):
            (dossier / chemin.name).write_bytes(chemin.read_bytes())
    else:
        sources_deduites(dossier)
    return dossier.parent


@pytest.mark.parametrize("source", ORIGINES, indirect=True)
def test_la_reconstruction_est_identique_a_l_octet(source: Path, tmp_path: Path) -> None:
    sortie, document = tmp_path / "territoires", tmp_path / "calibration.md"
    construction.executer(source, sortie, document)
    embarques = DONNEES / "territoires"
    for nom in TERRITOIRES:
        attendus = {chemin.name for chemin in (embarques / nom).iterdir()}
        assert attendus == {f"{table}.csv" for table in TABLES} | {"territoire.toml"}
        for fichier in sorted(attendus):
            reconstruit = (sortie / nom / fichier).read_bytes()
            assert reconstruit == (embarques / nom / fichier).read_bytes(), f"{nom}/{fichier}"
    publie = RACINE / "docs" / "calibration_demonstration.md"
    assert document.read_bytes() == publie.read_bytes()


def modifier(colonne: str, valeur: str) -> Callable[[list[dict[str, str]]], None]:
    """Changer la valeur d'une colonne dans la première ligne."""
    return lambda lignes: lignes[0].update({colonne: valeur})


FAUTES = {
    "age": ("population_age_rp2023.csv", modifier("P23_F4044", "999.0"), "somme des âges"),
    "moins_de_5_ans": (
        "population_age_rp2023.csv",
        modifier("P23_POP0004", "999.0"),
        "rp_population_0_4",
    ),
    "commune_perdue": ("communes_referentiel.csv", lambda li: li.pop(0), "communes au lieu de"),
    "doublon": ("emploi_rp2023.csv", lambda li: li.append(dict(li[0])), "en double"),
    "colonne": ("emploi_rp2023.csv", modifier("P23_CHOM", "3"), "non déclarée"),
    "nom": ("filosofi_2023.csv", modifier("commune", "Ailleurs"), "Ailleurs"),
    "territoire": ("emploi_rp2023.csv", modifier("territoire", "autre"), "territoire"),
    "strate": ("communes_referentiel.csv", modifier("seuil_sppe", "?"), "strate"),
    "taux": ("taux_couverture_gard.csv", modifier("txcouv_eaje", "1.5"), "dans une autre"),
}


@pytest.mark.parametrize("faute", FAUTES)
def test_une_source_fautive_arrete_la_construction(
    faute: str, source: Path, tmp_path: Path
) -> None:
    fichier, alterer, message = FAUTES[faute]
    chemin = source / "reel" / fichier
    lignes = construction.lire(chemin)
    if faute == "taux":  # Le taux doit figurer dans les deux fichiers pour se contredire.
        lignes = [ligne for ligne in lignes if ligne["code"] == "30258"]
    alterer(lignes)
    ecrire_source(chemin, lignes)
    with pytest.raises(construction.ErreurConstruction, match=message):
        construction.executer(source, tmp_path / "sortie", tmp_path / "calibration.md")


def test_une_valeur_perdue_se_voit_au_recomptage(source: Path, tmp_path: Path) -> None:
    sortie = tmp_path / "territoires"
    construction.executer(source, sortie, tmp_path / "calibration.md")
    chemin = sortie / "gard_rhodanien" / "naissances.csv"
    texte = chemin.read_text("utf-8")
    assert texte.count("30028;2020;208;") == 1
    chemin.write_text(texte.replace("30028;2020;208;", "30028;2020;;"), "utf-8")
    _, fautes = construction.recompter(source, sortie)
    assert len(fautes) == 1 and "208" in fautes[0]


def test_un_dossier_source_absent_se_dit_en_francais(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["construire_territoires.py", "--source", str(tmp_path)])
    assert construction.main() == 1
    assert "introuvable" in capsys.readouterr().err
