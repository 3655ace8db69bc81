"""Chaque page, seule, sur des données saines, absentes ou hostiles : jamais d'exception."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from ctg_data.indicateurs import Resultat
from ctg_data.lecture.texte import propre
from ctg_data.parametres import AUDIENCES
from ctg_data.territoire import EMBARQUES
from pages.composants.contexte import _empreinte
from pages.composants.donnees import _resultat

RACINE = Path(__file__).parents[1]
PAGES = ("accueil", "offre_besoins", "commune", "donnees")
COMMUNES = {"costieres_camargue": "30258", "gard_rhodanien": "30028"}
BLNS = RACINE.parent / "shared" / "corpus" / "strings" / "blns.json"
IMAGE = "![x](http://ailleurs.example/p.png)"
HOSTILES = (
    "{{7*7}}",
    "{% raw %}",
    IMAGE,
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    ":red[x]",
    "$\\frac{a}{b}$",
    "`${alert(1)}`",
    "[lien](javascript:alert(1))",
    '=HYPERLINK("http://ailleurs.example")',
    "'; DROP TABLE communes; --",
    "\u202eesrever",
    "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 👩‍👩‍👧",
    "NaN",
    "0",
    "a" * 3000,
)


def ouvrir(page: str, **adresse: str) -> AppTest:
    ecran = AppTest.from_file(str(RACINE / "pages" / f"{page}.py"), default_timeout=60)
    for cle, valeur in adresse.items():
        ecran.query_params[cle] = valeur
    return ecran.run()


def textes(ecran: AppTest) -> str:
    corps = ecran.main
    genres = (corps.markdown, corps.caption, corps.text, corps.warning, corps.error)
    return "\n".join(element.value for genre in genres for element in genre)


def sans_protection(texte: str) -> str:
    return re.sub(r"\\([^\w\s])", r"\1", texte).replace("\u00a0", " ")


def figures(ecran: AppTest) -> list[dict]:
    """Rendre les dessins envoyés au navigateur, dans l'ordre de la page."""
    composants = [c.proto for c in ecran.get("bidi_component")]
    envois = [json.loads(c.bytes) for c in composants if c.component_name == "figure"]
    return [e["dessin"] for e in envois if e["dessin"]]


def saine(ecran: AppTest) -> AppTest:
    assert not ecran.exception, ecran.exception[0].value
    return ecran


@pytest.fixture(autouse=True)
def sans_donnees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Écarter les données de la personne qui lance les tests."""
    monkeypatch.setenv("CTG_DONNEES", str(tmp_path))
    return tmp_path


@pytest.fixture
def essai(sans_donnees: Path) -> Path:
    """Rendre une copie d'un territoire livré, à abîmer."""
    dossier = sans_donnees / "territoires" / "essai"
    shutil.copytree(EMBARQUES / "costieres_camargue", dossier)
    return dossier


# --- Des données saines --------------------------------------------------------------------------


@pytest.mark.parametrize("commune", (False, True), ids=("territoire", "commune"))
@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("territoire", COMMUNES)
@pytest.mark.parametrize("page", PAGES)
def test_chaque_page_s_ouvre_seule(page, territoire, audience, commune):
    adresse = {"territoire": territoire, "audience": audience}
    if commune:
        adresse["commune"] = COMMUNES[territoire]
    ecran = saine(ouvrir(page, **adresse))
    assert not ecran.warning and not ecran.error
    assert dict(ecran.query_params).items() >= adresse.items()
    assert "### " in textes(ecran)


INDICATEURS = (
    "naissances",
    "taux_couverture",
    "places_manquantes",
    "evolution_naissances",
    "niveau_vie_median",
    "assistantes_maternelles_actives",
    "etablissements_eaje",
)


@pytest.mark.parametrize("estimateur", ("naissances", "recensement"))
@pytest.mark.parametrize("vue", ("presenter", "explorer"))
@pytest.mark.parametrize("indicateur", INDICATEURS)
def test_chaque_nature_d_indicateur_se_montre(indicateur, vue, estimateur):
    ecran = ouvrir(
        "offre_besoins",
        territoire="gard_rhodanien",
        indicateur=indicateur,
        vue=vue,
        estimateur=estimateur,
    )
    assert not saine(ecran).warning
    attendues = 1 if vue == "explorer" else 2
    assert len(figures(ecran)) == attendues
    assert len(ecran.get("component_instance")) == 2 - attendues


@pytest.mark.parametrize("detail", ("Nuage", "Tableau"))
def test_chaque_detail_se_montre(detail):
    ecran = ouvrir("offre_besoins", territoire="gard_rhodanien", commune="30028")
    ecran.segmented_control(key="detail").set_value(detail)
    saine(ecran.run())
    assert len(figures(ecran)) == (2 if detail == "Nuage" else 1)
    assert len(ecran.dataframe) == (1 if detail == "Tableau" else 0)


def test_app_seul_montre_l_accueil():
    application = AppTest.from_file(str(RACINE / "app.py"), default_timeout=60).run()
    assert textes(saine(application)) == textes(ouvrir("accueil"))


# --- Les choix partagés --------------------------------------------------------------------------

CHOIX = {
    "territoire": "gard_rhodanien",
    "commune": "30028",
    "reference": "epci",
    "indicateur": "niveau_vie_median",
    "audience": "interne",
    "estimateur": "recensement",
    "vue": "explorer",
    "situation": "2026-03-01",
}


def test_les_choix_survivent_d_une_page_a_l_autre():
    ecran = AppTest.from_file(str(RACINE / "app.py"), default_timeout=60)
    for cle, valeur in CHOIX.items():
        ecran.query_params[cle] = valeur
    ecran.run()
    for page in (*PAGES, "accueil"):
        saine(ecran.switch_page(f"pages/{page}.py").run())
        assert dict(ecran.query_params) == CHOIX
        assert ecran.selectbox(key="choix_commune").value == "30028"
        assert ecran.selectbox(key="choix_reference").value == "epci"
        assert ecran.selectbox(key="choix_audience").value == "interne"


def test_un_choix_a_l_ecran_change_l_adresse():
    ecran = ouvrir("offre_besoins")
    ecran.selectbox(key="choix_indicateur").set_value("taux_pauvrete").run()
    ecran.selectbox(key="choix_commune").set_value("30258").run()
    assert saine(ecran).query_params["indicateur"] == "taux_pauvrete"
    assert ecran.query_params["commune"] == "30258"


def test_changer_de_territoire_oublie_la_commune_sans_avertir():
    ecran = ouvrir("offre_besoins", territoire="costieres_camargue", commune="30258")
    ecran.selectbox(key="choix_territoire").set_value("gard_rhodanien").run()
    assert not saine(ecran).warning
    assert "commune" not in ecran.query_params


@pytest.mark.parametrize(
    ("cle", "defaut"),
    (
        ("territoire", "costieres_camargue"),
        ("commune", ""),
        ("reference", "france"),
        ("indicateur", "taux_couverture"),
        ("audience", "public"),
    ),
)
@pytest.mark.parametrize("valeur", ("zzz", "../../etc", "<b>x</b>", IMAGE, "30258\x00"))
@pytest.mark.parametrize("page", PAGES)
def test_une_adresse_fautive_avertit_et_garde_la_valeur_habituelle(page, cle, defaut, valeur):
    ecran = saine(ouvrir(page, **{cle: valeur}))
    assert len(ecran.warning) == 1
    assert valeur not in sans_protection(textes(ecran))
    assert ecran.query_params.get(cle, "") == defaut


@pytest.mark.parametrize("date", ("31/12/2026", "2026-02-30", "demain", "0000-00-00"))
def test_une_date_fausse_avertit(date):
    ecran = saine(ouvrir("accueil", situation=date))
    assert len(ecran.warning) == 1
    assert "situation" not in ecran.query_params


def test_l_avertissement_ne_dure_pas():
    ecran = ouvrir("offre_besoins", commune="99999")
    assert len(ecran.warning) == 1
    assert not saine(ecran.run()).warning


@pytest.mark.parametrize("page", ("accueil", "offre_besoins", "commune"))
def test_aucune_page_ne_modifie_ce_que_les_sessions_partagent(page):
    """Un résultat gardé en mémoire est le même après le passage d'une page qui s'en sert."""
    ecran = ouvrir(page, territoire="gard_rhodanien", commune="30028")
    gardes = {c: donnees_de_page(c) for c in INDICATEURS}
    avant = {c: r.table.copy(deep=True) for c, r in gardes.items()}
    saine(ecran.run())
    for code, resultat in gardes.items():
        assert donnees_de_page(code) is resultat
        pd.testing.assert_frame_equal(resultat.table, avant[code])


def donnees_de_page(code: str) -> Resultat:
    """Rendre le résultat que les pages gardent pour un indicateur vu par le public."""
    dossier = EMBARQUES / "gard_rhodanien"
    marque = (str(dossier), _empreinte(dossier))
    return _resultat(marque, code, ("public", "naissances", None, None))


# --- Le secret -----------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ("public", "partenaires"))
def test_un_effectif_tu_n_est_dans_aucune_figure(audience):
    """En interne, la figure porte les effectifs de 1 à 4 ; ailleurs, aucun."""
    indicateur = "assistantes_maternelles_actives"
    nombres = {}
    for vu_par in (audience, "interne"):
        ecran = ouvrir(
            "offre_besoins", territoire="gard_rhodanien", indicateur=indicateur, audience=vu_par
        )
        dessins = figures(saine(ecran))
        rangs = next(d["rangs"] for d in dessins if "rangs" in d)
        nombres[vu_par] = {r["texte"] for r in rangs if r["texte"] in ("1", "2", "3", "4")}
    assert nombres["interne"] and not nombres[audience]


# --- Des données absentes ou fautives ------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_un_territoire_sans_table_dit_ce_qui_manque(page, sans_donnees):
    dossier = sans_donnees / "territoires" / "essai"
    dossier.mkdir(parents=True)
    shutil.copy(EMBARQUES / "costieres_camargue" / "territoire.toml", dossier)
    ecran = saine(ouvrir(page, territoire="essai"))
    if page != "donnees":
        assert "communes.csv : fichier absent" in textes(ecran).replace("\u00a0", " ")
        assert "Déposez ce fichier" in textes(ecran)


def _remplacer(avant: bytes, apres: bytes) -> Callable[[Path], None]:
    def abimer(fichier: Path) -> None:
        octets = fichier.read_bytes()
        assert avant in octets
        fichier.write_bytes(octets.replace(avant, apres, 1))

    return abimer


def _en_mac_roman(fichier: Path) -> None:
    fichier.write_bytes(fichier.read_text("utf-8").encode("mac_roman"))


# Nom de la faute : fichier, façon de l'abîmer, lieu et réparation attendus à l'écran.
FAUTES = {
    "colonne_absente": (
        "naissances.csv",
        _remplacer(b";annee;", b";anne;"),
        ("ligne 1", "colonne « annee »", "« anne »"),
    ),
    "commune_inconnue": (
        "naissances.csv",
        _remplacer(b"\n30047;2008", b"\n30147;2008"),
        ("ligne 2", "colonne « code_commune »", "30147", "Vouliez-vous « 30047 »"),
    ),
    "texte_dans_un_nombre": (
        "naissances.csv",
        _remplacer(b"30047;2009;57", b"30047;2009;beaucoup"),
        ("ligne 3", "colonne « naissances »", "beaucoup", "Écrivez par exemple"),
    ),
    "mauvais_encodage": (
        "communes.csv",
        _en_mac_roman,
        ("communes.csv", "ligne 2", "UTF-8", "Enregistrer sous"),
    ),
    "fiche_cassee": (
        "territoire.toml",
        _remplacer(b"communes = [", b"communes = "),
        ("territoire.toml", "ligne 6", "Repartez d'une fiche livrée"),
    ),
    "communes_absentes": (
        "communes.csv",
        lambda fichier: fichier.unlink(),
        ("communes.csv", "fichier absent", "Déposez ce fichier"),
    ),
}


@pytest.mark.parametrize("page", ("accueil", "offre_besoins", "commune"))
@pytest.mark.parametrize("faute", FAUTES)
def test_une_faute_dit_ou_elle_est_et_quoi_ecrire(faute, page, essai):
    fichier, abimer, attendus = FAUTES[faute]
    abimer(essai / fichier)
    ecran = saine(ouvrir(page, territoire="essai"))
    assert len(ecran.error) == 1
    montre = textes(ecran).replace("\u00a0", " ")
    for attendu in (fichier, *attendus):
        assert attendu in montre
    assert not figures(ecran)
    # L'accueil montre les chiffres que la faute n'atteint pas ; les autres pages, aucun.
    assert page == "accueil" or not ecran.metric


@pytest.mark.parametrize("faute", FAUTES)
def test_la_page_donnees_s_ouvre_malgre_la_faute(faute, essai):
    fichier, abimer, attendus = FAUTES[faute]
    abimer(essai / fichier)
    ecran = saine(ouvrir("donnees", territoire="essai"))
    if faute == "communes_absentes":
        return
    assert "1 faute" in textes(ecran).replace("\u00a0", " ").replace("\u202f", " ")
    ecran.segmented_control[0].set_value("Fautes à corriger")
    table = saine(ecran.run()).dataframe[0].value
    montre = table.to_csv(index=False).replace("\u00a0", " ")
    assert fichier in montre and attendus[-1].strip("« »") in montre


def test_la_colonne_des_valeurs_ne_peut_pas_manquer(essai):
    _remplacer(b";naissances;", b";nombre;")(essai / "naissances.csv")
    assert ouvrir("accueil", territoire="essai").error


def test_une_faute_n_arrete_que_les_pages_qui_en_dependent(essai):
    (essai / "emploi.csv").write_text("n'importe quoi", "utf-8")
    assert ouvrir("accueil", territoire="essai").error
    assert not saine(ouvrir("offre_besoins", territoire="essai")).error
    assert not saine(ouvrir("commune", territoire="essai")).error


def test_une_faute_n_atteint_pas_les_autres_territoires(essai):
    (essai / "territoire.toml").write_bytes(b"\xff\xfe")
    assert not saine(ouvrir("accueil", territoire="gard_rhodanien")).error


def test_deux_territoires_de_meme_nom_restent_distincts(essai):
    ecran = ouvrir("accueil", territoire="costieres_camargue")
    options = ecran.selectbox(key="choix_territoire").options
    assert len(set(options)) == len(options)


def test_une_table_corrigee_est_relue_aussitot(essai):
    bonne = (essai / "naissances.csv").read_bytes()
    (essai / "naissances.csv").write_bytes(b"")
    ecran = ouvrir("accueil", territoire="essai")
    assert ecran.error
    (essai / "naissances.csv").write_bytes(bonne)
    assert not saine(ecran.run()).error


# --- Des noms hostiles ---------------------------------------------------------------------------


def _renommer(dossier: Path, noms: list[str]) -> None:
    """Récrire communes.csv (et la fiche) avec ces noms, un par commune."""
    fichier = dossier / "communes.csv"
    with fichier.open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    for ligne, nom in zip(lignes, noms, strict=False):
        ligne["nom_commune"] = nom
    with fichier.open("w", encoding="utf-8", newline="", errors="replace") as flux:
        plume = csv.DictWriter(flux, list(lignes[0]), delimiter=";")
        plume.writeheader()
        plume.writerows(lignes)


def _noms() -> list[str]:
    corpus = json.loads(BLNS.read_text("utf-8")) if BLNS.exists() else []
    # Vide une fois ses contrôles ôtés, ou porteur d'un octet nul : la lecture le refuse, et le
    # dit ; c'est un autre test.
    return [nom for nom in (*HOSTILES, *corpus) if propre(nom).strip() and "\x00" not in nom]


LOTS = [_noms()[debut : debut + 44] for debut in range(0, len(_noms()), 44)]


@pytest.mark.parametrize("lot", range(len(LOTS)))
def test_des_noms_hostiles_ne_cassent_rien_et_restent_du_texte(lot, sans_donnees):
    dossier = sans_donnees / "territoires" / "essai"
    shutil.copytree(EMBARQUES / "gard_rhodanien", dossier)
    _renommer(dossier, LOTS[lot])
    premiere = "30005"
    for page, vue in (
        ("offre_besoins", "presenter"),
        ("offre_besoins", "explorer"),
        ("commune", "presenter"),
    ):
        ecran = ouvrir(page, territoire="essai", commune=premiere, vue=vue)
        assert not saine(ecran).error
        assert not [m.value for m in (*ecran.markdown, *ecran.caption) if "![" in m.value]


@pytest.mark.parametrize("nom", HOSTILES[:9])
def test_un_nom_hostile_est_montre_mot_pour_mot(nom, essai):
    _renommer(essai, [nom])
    ecran = saine(ouvrir("offre_besoins", territoire="essai", commune="30047"))
    titre = next(m.value for m in ecran.markdown if m.value.startswith("### "))
    assert nom not in titre
    assert nom in sans_protection(titre)
    assert ecran.selectbox(key="choix_commune").value == "30047"


def test_l_indicateur_casse_d_une_page_n_arrete_pas_les_autres(essai):
    (essai / "revenus.csv").write_text("n'importe quoi", "utf-8")
    for page in ("accueil", "donnees"):
        assert not saine(ouvrir(page, territoire="essai", indicateur="taux_pauvrete")).error
    ecran = saine(ouvrir("offre_besoins", territoire="essai", indicateur="taux_pauvrete"))
    assert ecran.error and ecran.selectbox(key="choix_indicateur")
    ecran.selectbox(key="choix_indicateur").set_value("naissances")
    assert not saine(ecran.run()).error


def test_une_commune_absente_d_une_table_a_son_portrait_et_n_est_jamais_zero(essai):
    for fichier in ("naissances", "population_age", "assistantes_maternelles", "taux_couverture"):
        chemin = essai / f"{fichier}.csv"
        lignes = chemin.read_text("utf-8").splitlines(keepends=True)
        chemin.write_text("".join(x for x in lignes if "30155" not in x), "utf-8")
    ecran = saine(ouvrir("commune", territoire="essai", commune="30155"))
    assert "non renseigné" in {m.value for m in ecran.metric}
    assert "naissances non renseigné" in textes(ecran).replace("\\", "")


def test_une_offre_d_exemple_se_dit_meme_sous_un_indicateur_officiel():
    ecran = saine(
        ouvrir(
            "offre_besoins", territoire="gard_rhodanien", commune="30028", indicateur="naissances"
        )
    )
    assert "Offre d'exemple" in textes(ecran).replace("\\", "")
