"""Déposer, revenir, sauvegarder, créer un territoire : par les pages, comme on les emploie."""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from ctg_data import depot, examen
from ctg_data.creation import composer, creer
from ctg_data.exports.gabarits import gabarit
from ctg_data.lecture import lire_csv
from ctg_data.territoire import EMBARQUES, charger, lire_fiche
from geodata.contours import communes_de_france, en_geojson

RACINE = Path(__file__).parents[1]
PUBLICS = RACINE.parent / "shared" / "donnees" / "exemples_publics"
ARDECHE = ("07019", "07064", "07132", "07186", "07204")
TERRITOIRES = ("costieres_camargue", "gard_rhodanien", "essai_ardeche")
ANNEE = 2099
CSV = "text/csv"


@pytest.fixture(autouse=True)
def donnees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rendre un dossier de données neuf, avec un territoire créé dans un autre département."""
    monkeypatch.setenv("CTG_DONNEES", str(tmp_path))
    creer(tmp_path / "territoires", composer("Essai Ardèche", ARDECHE))
    return tmp_path


def ouvrir(page: str = "donnees", **adresse: str) -> AppTest:
    ecran = AppTest.from_file(str(RACINE / "pages" / f"{page}.py"), default_timeout=60)
    for cle, valeur in adresse.items():
        ecran.query_params[cle] = valeur
    return saine(ecran.run())


def saine(ecran: AppTest) -> AppTest:
    assert not ecran.exception, ecran.exception[0].value
    return ecran


def textes(ecran: AppTest) -> str:
    corps = ecran.main
    genres = (corps.markdown, corps.caption, corps.text, corps.warning, corps.error, corps.success)
    brut = "\n".join(element.value for genre in genres for element in genre)
    return re.sub(r"\\([^\w\s])", r"\1", brut).replace("\u00a0", " ").replace("\u202f", " ")


def deposer(ecran: AppTest, octets: bytes, nom: str) -> AppTest:
    ecran.file_uploader(key="depot_fichiers").set_value([(nom, octets, CSV)])
    return saine(ecran.run())


def appliquer(ecran: AppTest) -> AppTest:
    return saine(ecran.button(key="appliquer_0").click().run())


def vue(ecran: AppTest, nom: str) -> AppTest:
    return saine(ecran.segmented_control(key="vue_donnees").set_value(nom).run())


def communes_de(territoire: str, donnees: Path) -> tuple[str, ...]:
    racine = EMBARQUES if (EMBARQUES / territoire).exists() else donnees / "territoires"
    return lire_fiche(racine / territoire)[0].communes


def naissances(codes: Sequence[str], valeur: object = 12, annee: int = ANNEE) -> bytes:
    lignes = [f"{c};{annee};{valeur};officiel;Insee, état civil" for c in codes]
    return "\n".join(["code_commune;annee;naissances;statut;source", *lignes, ""]).encode()


def lues(dossier: Path, table: str) -> pd.DataFrame:
    return charger(dossier).tables[table]


# --- Déposer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("territoire", TERRITOIRES)
def test_on_lit_le_verdict_avant_d_appliquer_puis_on_revient(territoire, donnees):
    codes = communes_de(territoire, donnees)
    dossier = donnees / "territoires" / territoire
    ecran = deposer(ouvrir(territoire=territoire), naissances(codes), "mes naissances.csv")
    montre = textes(ecran)
    assert "**Accepté** : mes naissances.csv" in montre
    assert f"{len(codes)} communes sur {len(codes)}" in montre
    assert f"{len(codes)} lignes ajoutées" in montre
    assert not list(donnees.glob("territoires/*/depots"))

    ecran.text_input(key="depot_auteur").set_value("Camille")
    saine(ecran.run())
    montre = textes(appliquer(ecran))
    assert re.search(r"Enregistré à \d+ h \d\d : Naissances domiciliées", montre)
    assert ("copié chez vous" in montre) == (territoire != "essai_ardeche")
    assert set(lues(dossier, "naissances").query("annee == @ANNEE")["naissances"]) == {12}

    table = vue(ecran, "Historique").dataframe[0].value
    assert table.loc[0, ["Auteur", "Fichier", "Ajoutées"]].tolist() == [
        "Camille",
        "mes naissances.csv",
        len(codes),
    ]
    saine(ecran.button(key="revenir").click().run())
    assert "a été remis" in textes(ecran)
    livre = EMBARQUES / territoire / "naissances.csv"
    revenu = dossier / "naissances.csv"
    assert revenu.exists() == livre.exists()
    assert not revenu.exists() or revenu.read_bytes() == livre.read_bytes()
    assert sorted(d.nature for d in depot.historique(dossier)) == ["depot", "retour"]


def test_un_fichier_refuse_dit_ligne_colonne_et_quoi_ecrire(donnees):
    codes = communes_de("costieres_camargue", donnees)
    octets = naissances(codes).replace(b";12;", b";douze;", 1)
    ecran = deposer(ouvrir(territoire="costieres_camargue"), octets, "faute.csv")
    montre = textes(ecran)
    assert "**Refusé** : faute.csv" in montre
    assert re.search(r"Ligne 2, colonne « naissances » : .*douze.*Écrivez", montre)
    table = ecran.dataframe[0].value
    assert table.loc[0, "Ligne"] == 2 and table.loc[0, "Colonne"] == "naissances"
    assert not [b for b in ecran.button if (b.key or "").startswith("appliquer")]
    assert not (donnees / "territoires" / "costieres_camargue").exists()


def test_plusieurs_fichiers_ont_chacun_leur_verdict_et_leur_bouton(donnees):
    codes = communes_de("costieres_camargue", donnees)
    ecran = ouvrir(territoire="costieres_camargue")
    lots = [("a.csv", naissances(codes), CSV), ("b.csv", b"\x89PNG\r\n", CSV)]
    lots.append(("c.csv", naissances(codes, annee=ANNEE - 1), CSV))
    ecran.file_uploader(key="depot_fichiers").set_value(lots)
    saine(ecran.run())
    assert [b.key for b in ecran.button if (b.key or "").startswith("appliquer")] == [
        "appliquer_0",
        "appliquer_2",
    ]
    appliquer(ecran)
    montre = textes(ecran)
    assert "a.csv · Enregistré" in montre and "**Refusé** : b.csv" in montre
    saine(ecran.button(key="appliquer_2").click().run())
    dossier = donnees / "territoires" / "costieres_camargue"
    assert {ANNEE, ANNEE - 1} <= set(lues(dossier, "naissances")["annee"])


@pytest.mark.parametrize("territoire", TERRITOIRES[:2])
def test_les_lignes_d_exemple_s_en_vont_et_l_ecran_le_dit(territoire, donnees):
    codes = communes_de(territoire, donnees)
    entete = "code_commune;annee;agreees;actives;places;agees_55_59;agees_60_plus;dont_mam"
    lignes = [f"{c};{ANNEE};12;10;26;2;1;0;officiel;PMI" for c in codes]
    octets = "\n".join([f"{entete};statut;source", *lignes, ""]).encode()
    ecran = deposer(ouvrir(territoire=territoire), octets, "pmi.csv")
    assert f"{len(codes)} lignes d'exemple disparaissent" in textes(ecran)
    appliquer(ecran)
    table = lues(donnees / "territoires" / territoire, "assistantes_maternelles")
    assert set(table["statut"]) == {"officiel"}


def test_remplacer_toute_la_table_est_eteint_et_dit_ce_qu_il_retire(donnees):
    codes = communes_de("costieres_camargue", donnees)
    ecran = deposer(ouvrir(territoire="costieres_camargue"), naissances(codes), "n.csv")
    (bascule,) = ecran.toggle
    assert bascule.value is False and "retirée" not in textes(ecran)
    saine(bascule.set_value(True).run())
    assert "144 retirées" in textes(ecran) or "144 lignes retirées" in textes(ecran)
    appliquer(ecran)
    dossier = donnees / "territoires" / "costieres_camargue"
    assert set(lues(dossier, "naissances")["annee"]) == {ANNEE}


def test_un_apercu_depasse_n_ecrit_rien_et_le_dit(donnees):
    codes = communes_de("essai_ardeche", donnees)
    dossier = donnees / "territoires" / "essai_ardeche"
    ecran = deposer(ouvrir(territoire="essai_ardeche"), naissances(codes), "n.csv")
    ailleurs = deposer(ouvrir(territoire="essai_ardeche"), naissances(codes, 99), "autre.csv")
    appliquer(ailleurs)
    appliquer(ecran)
    assert "les données ont changé depuis l'aperçu" in textes(ecran)
    assert set(lues(dossier, "naissances")["naissances"]) == {99}
    # L'aperçu refait est à jour : le même geste passe alors.
    assert f"{len(codes)} lignes modifiées" in textes(ecran)
    appliquer(ecran)
    assert set(lues(dossier, "naissances")["naissances"]) == {12}


def test_redeposer_le_meme_fichier_ne_change_rien(donnees):
    codes = communes_de("essai_ardeche", donnees)
    appliquer(deposer(ouvrir(territoire="essai_ardeche"), naissances(codes), "n.csv"))
    ecran = deposer(ouvrir(territoire="essai_ardeche"), naissances(codes), "n.csv")
    assert "rien ne change" in textes(ecran)
    assert ecran.button(key="appliquer_0").disabled


@pytest.mark.parametrize("audience", ("public", "partenaires", "interne"))
def test_un_petit_effectif_n_est_montre_qu_au_travail_interne(audience, donnees):
    codes = communes_de("costieres_camargue", donnees)
    lignes = [f"{c};{ANNEE};af;3;officiel;Caf" for c in codes]
    octets = "\n".join(["code_commune;annee;prestation;valeur;statut;source", *lignes]).encode()
    ecran = ouvrir(territoire="costieres_camargue", audience=audience)
    deposer(ecran, octets, "caf.csv")
    (table,) = [d.value for d in ecran.dataframe if "prestation" in d.value]
    attendu = {3.0} if audience == "interne" else {"(masquée)"}
    assert set(table["valeur"]) == attendu


@pytest.mark.parametrize(
    "nom",
    ("![x](http://ailleurs.example/p.png).csv", "../../etc/passwd.csv", ":red[x].csv", "a" * 240),
)
def test_un_nom_de_fichier_hostile_reste_du_texte(nom, donnees):
    codes = communes_de("essai_ardeche", donnees)
    ecran = deposer(ouvrir(territoire="essai_ardeche"), naissances(codes), nom)
    assert nom in textes(ecran)
    assert not [m.value for m in (*ecran.markdown, *ecran.caption) if "![x](" in m.value]
    appliquer(ecran)
    dossier = donnees / "territoires" / "essai_ardeche"
    (fait,) = depot.historique(dossier)
    assert fait.fichier == nom
    assert depot.original(dossier, fait.identifiant) == naissances(codes)
    vue(ecran, "Historique")
    saine(ecran)


@pytest.mark.skipif(not PUBLICS.exists(), reason="exemples publics absents")
def test_un_fichier_public_est_reconnu_a_son_entete():
    octets = (PUBLICS / "FILO2014_DISP_COM_gard.csv").read_bytes()
    ecran = deposer(ouvrir(territoire="costieres_camargue"), octets, "sans nom.csv")
    reconnu = "Reconnu : Filosofi, revenus disponibles (DISP) 2014 (Insee), 8 communes sur 8"
    assert reconnu in textes(ecran)


def test_un_gabarit_se_telecharge_pour_chaque_table():
    ecran = ouvrir(territoire="essai_ardeche")
    for table in ecran.selectbox(key="gabarit").options:
        ecran.selectbox(key="gabarit").select(table)
        saine(ecran.run())
    assert gabarit("naissances", {"07019": "Aubenas"}).startswith(b"PK")


# --- Contours -----------------------------------------------------------------------------------


def geojson(codes: Sequence[str]) -> bytes:
    communes = communes_de_france(codes=codes)[["code", "nom", "geometry"]]
    return json.dumps(en_geojson(communes)).encode()


def test_des_contours_deposes_deviennent_ceux_de_la_carte(donnees):
    ecran = deposer(ouvrir(territoire="essai_ardeche"), geojson(ARDECHE), "contours.geojson")
    assert "contours de communes, 5 communes sur 5" in textes(ecran)
    appliquer(ecran)
    pose = donnees / "territoires" / "essai_ardeche" / "essai_ardeche.geojson"
    roles = [o["properties"]["role"] for o in json.loads(pose.read_bytes())["features"]]
    assert roles.count("territoire") == 5 and roles.count("voisine") > 20
    carte = ouvrir("offre_besoins", territoire="essai_ardeche", indicateur="population")
    sources = [json.loads(c.proto.bytes).get("source", "") for c in carte.get("bidi_component")]
    assert any("fichier déposé" in s for s in sources) and not any("IGN" in s for s in sources)


def test_des_contours_incomplets_sont_refuses():
    ecran = deposer(ouvrir(territoire="essai_ardeche"), geojson(ARDECHE[1:]), "c.geojson")
    montre = textes(ecran)
    assert "**Refusé**" in montre and "pas de contour pour 1 commune" in montre.lower()
    assert ARDECHE[0] in montre


# --- Fichiers nationaux -------------------------------------------------------------------------


def test_un_fichier_national_se_lit_du_dossier_a_charger(donnees, monkeypatch):
    monkeypatch.setattr(examen, "NATIONAL_MO", 0)
    dossier = donnees / "a_charger"
    dossier.mkdir()
    entete = "CODGEO;LIBGEO;NAISD19;NAISD20"
    lignes = [f"{code};x;{rang};{rang + 1}" for rang, code in enumerate(("01001", *ARDECHE), 10)]
    (dossier / "base_naissances_2020.csv").write_text("\n".join([entete, *lignes, ""]))
    (dossier / "lisez-moi.pdf").write_bytes(b"%PDF")
    (dossier / "lien.csv").symlink_to(dossier / "lisez-moi.pdf")
    ecran = ouvrir(territoire="essai_ardeche")
    assert ecran.selectbox(key="national_choisi").options == ["base_naissances_2020.csv"]
    saine(ecran.button(key="national_lire").click().run())
    montre = textes(ecran)
    assert "Reconnu : Naissances domiciliées 2020 (Insee), 5 communes sur 5" in montre
    appliquer(ecran)
    (fait,) = depot.historique(donnees / "territoires" / "essai_ardeche")
    assert fait.fichier == "base_naissances_2020.csv.csv"
    garde = depot.original(donnees / "territoires" / "essai_ardeche", fait.identifiant)
    assert garde is not None and b"01001" not in garde and b"07019" in garde


def test_sans_fichier_a_charger_la_page_dit_ou_les_poser(donnees):
    ecran = ouvrir(territoire="essai_ardeche")
    assert str(donnees / "a_charger") in [c.value for c in ecran.code]
    assert not [b for b in ecran.button if b.key == "national_lire"]


# --- Sources ------------------------------------------------------------------------------------


def test_les_sources_disent_d_ou_vient_chaque_table_et_quoi_charger(donnees):
    codes = communes_de("essai_ardeche", donnees)
    ecran = ouvrir(territoire="essai_ardeche")
    appliquer(deposer(ecran, naissances(codes), "n.csv"))
    vue(ecran, "Sources")
    provenance, manquants = (d.value for d in ecran.dataframe)
    ligne = provenance.set_index("Fichier").loc["naissances.csv"]
    assert ligne["Depuis"] == "n.csv" and ligne["Lignes"] == 5
    assert ligne["Prochaine parution"].startswith(str(int(ligne["Années"][-4:]) + 1))
    octets = (donnees / "territoires" / "essai_ardeche" / "naissances.csv").read_bytes()
    assert depot.empreinte(octets).startswith(ligne["Empreinte"])
    assert "Naissances domiciliées" not in set(manquants["Table"])
    assert "txcouv_pe_epci" in set(manquants["Jeu de données"])


# --- Sauvegarder --------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ("public", "partenaires", "interne"))
def test_les_fichiers_non_masques_ne_s_emportent_qu_en_interne(audience, donnees):
    codes = communes_de("essai_ardeche", donnees)
    ecran = ouvrir(territoire="essai_ardeche", audience=audience)
    appliquer(deposer(ecran, naissances(codes), "n.csv"))
    emportes = [b.label for b in vue(ecran, "Historique").get("download_button")]
    emportes += [b.label for b in vue(ecran, "Sauvegarde").button]
    bruts = {"Télécharger le fichier d'origine", "Préparer la sauvegarde"} & set(emportes)
    assert len(bruts) == (2 if audience == "interne" else 0)


def test_une_sauvegarde_se_telecharge_et_se_restaure(donnees):
    ecran = vue(ouvrir(territoire="essai_ardeche", audience="interne"), "Sauvegarde")
    preparer = next(b for b in ecran.button if b.label == "Préparer la sauvegarde")
    saine(preparer.click().run())
    assert "1 territoire, 2 fichiers" in textes(ecran)
    octets = ecran.session_state["sauvegarde_prete"][1]
    assert "manifeste.json" in zipfile.ZipFile(io.BytesIO(octets)).namelist()

    communes = donnees / "territoires" / "essai_ardeche" / "communes.csv"
    bonnes = communes.read_bytes()
    communes.write_bytes(b"abime")
    ecran.file_uploader(key="sauvegarde_a_restaurer").set_value(("s.zip", octets, "zip"))
    saine(ecran.run())
    assert "Archive saine" in textes(ecran)
    assert communes.read_bytes() == b"abime"
    saine(ecran.button(key="restaurer").click().run())
    assert "Restauré" in textes(ecran)
    assert communes.read_bytes() == bonnes
    assert list(donnees.glob("avant_restauration_*/territoires/essai_ardeche/communes.csv"))


@pytest.mark.parametrize("octets", (b"", b"PK\x03\x04", b"n'importe quoi"))
def test_une_fausse_sauvegarde_est_refusee(octets, donnees):
    ecran = vue(ouvrir(territoire="essai_ardeche"), "Sauvegarde")
    ecran.file_uploader(key="sauvegarde_a_restaurer").set_value(("s.zip", octets, "zip"))
    montre = textes(saine(ecran.run()))
    assert "ne peut pas être restaurée" in montre
    assert not [b for b in ecran.button if b.key == "restaurer"]


def test_ce_qu_une_coupure_a_interrompu_se_termine_a_l_ouverture(donnees):
    atelier = donnees / ".restauration" / "territoires" / "revenu"
    shutil.copytree(donnees / "territoires" / "essai_ardeche", atelier)
    journal = {"ancien": "avant_restauration_x", "sortants": ["territoires"]}
    journal |= {"entrants": ["territoires"]}
    (donnees / ".restauration.json").write_text(json.dumps(journal))
    ecran = ouvrir("accueil", territoire="revenu")
    assert ecran.selectbox(key="choix_territoire").value == "revenu"
    assert not (donnees / ".restauration.json").exists()


def test_un_journal_abime_est_dit_et_n_arrete_rien(donnees):
    depots = donnees / "territoires" / "essai_ardeche" / "depots"
    depots.mkdir()
    (depots / "bascule.json").write_text("{}")
    ecran = ouvrir("offre_besoins", territoire="essai_ardeche", indicateur="population")
    assert "journal de dépôt abîmé" in textes(ecran)
    assert ecran.get("bidi_component")


# --- Créer un territoire ------------------------------------------------------------------------


def choisir_commune(ecran: AppTest, texte: str, code: str) -> None:
    ecran.text_input(key="commune_cherchee").set_value(texte)
    saine(ecran.run())
    ecran.pills(key="commune_prise").set_value(code)
    saine(ecran.run())


def creer_ici(ecran: AppTest) -> AppTest:
    bouton = next(b for b in ecran.button if b.label == "Créer ce territoire")
    return saine(bouton.click().run())


def test_cinq_communes_font_un_territoire_ouvert_et_qui_dit_quoi_charger(donnees):
    ecran = ouvrir("territoires")
    ecran.text_input(key="nom_du_territoire").set_value("Bassin d'Aubenas")
    for texte, code in (("aubenas", "07019"), ("07064", "07064"), ("07132", "07132")):
        choisir_commune(ecran, texte, code)
    choisir_commune(ecran, "privas", "07186")
    choisir_commune(ecran, "07204", "07204")
    assert ecran.metric[0].value == "5"
    assert "Département : Ardèche." in textes(ecran)
    creer_ici(ecran)
    assert ecran.query_params["territoire"] == "bassin_d_aubenas"
    assert "Bassin d'Aubenas est créé" in textes(ecran)
    assert "s_ben_com_f" in set(ecran.dataframe[0].value["Jeu de données"])
    territoire, fautes = lire_fiche(donnees / "territoires" / "bassin_d_aubenas")
    assert sorted(territoire.communes) == sorted(ARDECHE) and not fautes
    accueil = ouvrir("accueil", territoire="bassin_d_aubenas")
    assert not accueil.error and "tables manquent" in textes(accueil)
    assert len(accueil.get("bidi_component")) >= 1
    assert ouvrir("offre_besoins", territoire="bassin_d_aubenas", indicateur="population")


def test_un_epci_se_prend_d_un_clic_et_une_commune_se_retire(donnees):
    ecran = ouvrir("territoires")
    ecran.segmented_control(key="facon_de_choisir").set_value("Par EPCI")
    saine(ecran.run())
    ecran.text_input(key="epci_cherche").set_value("gard rhodanien")
    saine(ecran.run())
    choix = ecran.pills(key="epci_pris")
    choix.set_value("200034692")
    saine(ecran.run())
    retenues = ecran.multiselect(key="communes_retenues")
    assert len(retenues.value) == 44
    retenues.set_value(retenues.value[1:])
    saine(ecran.run())
    assert ecran.metric[0].value == "43"


def test_une_liste_collee_dit_ce_qui_est_ambigu():
    ecran = ouvrir("territoires")
    ecran.segmented_control(key="facon_de_choisir").set_value("D'une liste")
    saine(ecran.run())
    ecran.text_area(key="liste_collee").set_value("07019\nSaint-Martin\nNullepart-sur-Rien")
    saine(ecran.run())
    table = ecran.dataframe[0].value
    assert "communes portent ce nom" in " ".join(table["Titre"])
    assert "Aucune commune de ce nom" in " ".join(table["Titre"])
    assert any("Ajouter 1" in b.label.replace("\u00a0", " ") for b in ecran.button)


@pytest.mark.parametrize("format_", ("csv", "xlsx"))
def test_une_liste_deposee_se_lit_quel_que_soit_son_format(format_):
    table = pd.DataFrame({"code_commune": list(ARDECHE), "commune": ["x"] * 5})
    sortie = io.BytesIO()
    if format_ == "csv":
        table.to_csv(sortie, index=False, sep=";")
    else:
        table.to_excel(sortie, index=False)
    ecran = ouvrir("territoires")
    ecran.segmented_control(key="facon_de_choisir").set_value("D'une liste")
    saine(ecran.run())
    ecran.file_uploader(key="liste_deposee").set_value((f"l.{format_}", sortie.getvalue(), CSV))
    saine(ecran.run())
    bouton = next(b for b in ecran.button if b.label.startswith("Ajouter"))
    saine(bouton.click().run())
    assert ecran.metric[0].value == "5"


def test_un_nom_deja_pris_se_dit_et_ne_cree_rien(donnees):
    ecran = ouvrir("territoires")
    ecran.text_input(key="nom_du_territoire").set_value("Essai Ardèche")
    choisir_commune(ecran, "07019", "07019")
    assert "un territoire porte déjà ce nom" in textes(ecran).lower()
    assert next(b for b in ecran.button if b.label == "Créer ce territoire").disabled


def test_la_table_deposee_est_celle_que_relit_l_application(donnees):
    codes = communes_de("essai_ardeche", donnees)
    appliquer(deposer(ouvrir(territoire="essai_ardeche"), naissances(codes), "n.csv"))
    octets = (donnees / "territoires" / "essai_ardeche" / "naissances.csv").read_bytes()
    tableau, anomalies = lire_csv(octets, "naissances.csv")
    assert tableau is not None and len(tableau.lignes) == 5
    assert not [a for a in anomalies if a.erreur]
