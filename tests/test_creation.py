"""Créer un territoire : noms sûrs, communes reconnues, dossier que l'application sait ouvrir."""

from __future__ import annotations

import errno
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctg_data import creation, ecriture, referentiel
from ctg_data.creation import (
    composer,
    creer,
    fichiers_a_charger,
    nom_de_dossier,
    reconnaitre_communes,
    table_des_communes,
)
from ctg_data.ecriture import ErreurEcriture
from ctg_data.schema import schemas
from ctg_data.territoire import EMBARQUES, FICHE, charger, lire_fiche, lister
from geodata.contours import contours_territoire

GARD_RHODANIEN = "200034692"


def regles(anomalies: list) -> list[str]:
    return [a.regle for a in anomalies]


# --- Reconnaître --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texte", "codes"),
    [
        ("30258\n30047, 30060", ["30258", "30047", "30060"]),
        ("30258;30047;30258", ["30258", "30047"]),
        ("\ufeff30258\r\n30047\r\n", ["30258", "30047"]),
        ("2a004", ["2A004"]),
        ("NIMES\nBagnols sur Ceze", ["30189", "30028"]),
        ("- Nîmes\n* Alès\n1. Uzès", ["30189", "30007", "30334"]),
        ("Saint-Gilles (30)\nSaint-Gilles (Manche)", ["30258", "50483"]),
        ("Saint-Denis (La Réunion)", ["97411"]),
        ("30189 – Nîmes\n30007 Alès", ["30189", "30007"]),
        # La population est un code commune de forme : elle n'en désigne pas une.
        ("30258;Saint-Gilles;14734", ["30258"]),
        ("code;nom;population\n30258;Saint-Gilles;14734", ["30258"]),
        ("Population;Code Insee\n14734;30258", ["30258"]),
        ("Commune;habitants\nNîmes;148561\n", ["30189"]),
        ("30800 Saint-Gilles", ["30258"]),
        ("Corbès", ["30329"]),
        ("30094", ["30329"]),
        ("75101", ["75056"]),
        ("1001", ["01001"]),
    ],
)
def test_une_liste_est_reconnue(texte: str, codes: list[str]) -> None:
    trouves, anomalies = reconnaitre_communes(texte)
    assert trouves == codes
    assert not [a for a in anomalies if a.erreur]


@pytest.mark.parametrize(
    ("texte", "regle", "gravite"),
    [
        ("30094", "ancien code, depuis le 01/01/2025", "information"),
        ("16351", "ancien code, depuis une date inconnue", "information"),
        ("75101", "arrondissement municipal", "avertissement"),
        ("1001", "code sans son zéro", "avertissement"),
        ("30800", "code postal au lieu d'un code commune", "erreur"),
        ("30800 Saint-Gilles", "code postal", "information"),
        ("99999", "code commune inconnu", "erreur"),
        ("Corbès", "ancien nom", "avertissement"),
        ("Saint-Denis", "4 communes portent ce nom", "erreur"),
        ("Nimse", "aucune commune de ce nom", "erreur"),
        ("30258 Nîmes", "le code et le nom se contredisent", "avertissement"),
    ],
)
def test_ce_qui_est_corrige_ou_refuse_est_dit(texte: str, regle: str, gravite: str) -> None:
    _, (anomalie,) = reconnaitre_communes(f"\n{texte}")
    assert (anomalie.regle, anomalie.gravite, anomalie.ligne) == (regle, gravite, 2)
    assert anomalie.correction


def test_un_homonyme_est_departage_par_le_departement_des_autres() -> None:
    codes, (anomalie,) = reconnaitre_communes("Nîmes\nSaint-Gilles")
    assert codes == ["30189", "30258"]
    assert anomalie.gravite == "avertissement" and "30258" in anomalie.correction


def test_un_homonyme_seul_n_est_pas_choisi() -> None:
    codes, (anomalie,) = reconnaitre_communes("Saint-Gilles")
    assert codes == [] and anomalie.erreur
    assert "30258 Saint-Gilles (30, Gard)" in anomalie.correction


def test_un_code_postal_propose_ses_communes() -> None:
    _, (anomalie,) = reconnaitre_communes("30700")
    assert "30334 Uzès" in anomalie.correction


def test_un_nom_mal_ecrit_propose_le_plus_proche() -> None:
    _, (anomalie,) = reconnaitre_communes("Bagnol-sur-Cèze")
    assert "Bagnols-sur-Cèze" in anomalie.correction


@pytest.mark.parametrize("texte", [GARD_RHODANIEN, "CA du Gard Rhodanien", "ca du gard rhodanien"])
def test_un_epci_amene_ses_communes(texte: str) -> None:
    codes, (anomalie,) = reconnaitre_communes(texte)
    assert len(codes) == 44 and anomalie.gravite == "information"


@pytest.mark.parametrize("texte", ["", "\n;;\n\t", "\ufeff", "code;nom\n"])
def test_une_liste_vide_ne_rend_rien(texte: str) -> None:
    assert reconnaitre_communes(texte) == ([], [])


def test_un_texte_demesure_est_refuse_sans_etre_lu() -> None:
    codes, (anomalie,) = reconnaitre_communes("x" * 2_000_001)
    assert codes == [] and anomalie.erreur


@given(st.text(max_size=300))
def test_aucun_texte_ne_leve(texte: str) -> None:
    codes, anomalies = reconnaitre_communes(texte)
    assert set(codes) <= set(referentiel.communes().index)
    assert all(a.message for a in anomalies)


@given(st.lists(st.sampled_from(list(referentiel.communes().index)), unique=True, max_size=30))
def test_une_liste_de_codes_se_relit_exactement(codes: list[str]) -> None:
    assert reconnaitre_communes("\n".join(codes)) == (codes, [])


# --- Composer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nom", "dossier"),
    [
        ("Pays d’Uzès", "pays_d_uzes"),
        ("Cœur d'Hérault", "coeur_d_herault"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\Windows", "c_windows"),
        ("CON", "territoire_con"),
        ("com1.csv", "territoire_com1_csv"),
        ("nul", "territoire_nul"),
        ("console", "console"),
        (".depots", "depots"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_le_nom_du_dossier_est_sur(nom: str, dossier: str) -> None:
    assert nom_de_dossier(nom) == dossier


@given(st.text(max_size=200))
def test_aucun_nom_ne_fait_un_chemin(nom: str) -> None:
    dossier = nom_de_dossier(nom)
    assert len(dossier) <= 80 and dossier.isascii()
    assert all(c.islower() or c.isdigit() or c == "_" for c in dossier)
    brouillon = composer(nom, ["30258"])
    assert brouillon.valide == bool(brouillon.dossier and len(brouillon.nom) <= 100)


@pytest.mark.parametrize(
    ("nom", "regle"),
    [
        ("  ", "nom vide ou illisible"),
        ("x" * 101, "nom trop long"),
        ("GARD rhodanien", "un territoire porte déjà ce nom"),
    ],
)
def test_un_nom_fautif_est_refuse(nom: str, regle: str) -> None:
    brouillon = composer(nom, ["30258"], connus=lister([EMBARQUES]))
    assert not brouillon.valide and regles(brouillon.anomalies) == [regle]


def test_les_codes_sont_ramenes_aux_communes_actuelles() -> None:
    brouillon = composer("Essai", ["30334", "30094", "30334"])
    assert brouillon.communes == ("30329", "30334") and brouillon.valide
    assert regles(brouillon.anomalies)[:2] == [
        "ancien code, depuis le 01/01/2025",
        "commune en double, comptée une fois",
    ]


def test_sans_commune_ou_avec_un_code_inconnu_le_brouillon_est_refuse() -> None:
    assert regles(composer("Essai", []).anomalies) == ["aucune commune choisie"]
    brouillon = composer("Essai", ["30258", "00000"])
    assert not brouillon.valide and "code commune inconnu" in regles(brouillon.anomalies)


def test_plusieurs_epci_et_departements_sont_dits() -> None:
    dites = [a.correction for a in composer("Essai", ["30007", "48095", "13004"]).anomalies]
    assert len(dites) == 2
    assert "CA d'Arles" in dites[0] and "Bouches-du-Rhône" in dites[1]


def test_metropole_et_outre_mer_melees_previennent() -> None:
    brouillon = composer("Essai", ["30258", "97411"])
    assert brouillon.valide
    assert "avertissement" in {a.gravite for a in brouillon.anomalies}
    assert composer("Antilles", ["97105", "97209"]).anomalies[0].gravite == "information"


# --- Écrire -------------------------------------------------------------------------------------


@pytest.fixture
def territoires(tmp_path: Path) -> Path:
    return tmp_path / "donnees" / "territoires"


@pytest.mark.parametrize(
    "codes",
    [
        ["30258"],
        referentiel.codes_de_l_epci(GARD_RHODANIEN),
        ["30007", "48095", "13004"],
        ["2A004", "2B033"],
        ["01001", "97411"],
        [str(c) for c in referentiel.communes().query("code_departement == '30'").index],
    ],
    ids=["une", "epci", "departements", "corse", "outre_mer", "gard"],
)
def test_le_territoire_cree_s_ouvre_sans_faute(territoires: Path, codes: list[str]) -> None:
    dossier = creer(territoires, composer("Pays d'Essai", codes))
    donnees = charger(dossier)
    assert donnees.anomalies == ()
    assert dossier.name == donnees.territoire.code == "pays_d_essai"
    assert donnees.territoire.communes == tuple(sorted(codes))
    assert set(donnees.tables) == {"communes"}
    assert set(donnees.tables["communes"]["statut"]) == {"officiel"}
    assert all(li.startswith("Insee, ") for li in donnees.tables["communes"]["source"])
    assert lister([territoires]) == {"pays_d_essai": dossier}


def test_les_niveaux_de_reference_sont_renseignes(territoires: Path) -> None:
    codes = referentiel.codes_de_l_epci(GARD_RHODANIEN)
    territoire, _ = lire_fiche(creer(territoires, composer("Essai", codes)))
    livre, _ = lire_fiche(EMBARQUES / "gard_rhodanien")
    assert (territoire.epci, territoire.departement) == (livre.epci, livre.departement)
    assert territoire.region == livre.region
    ailleurs, _ = lire_fiche(creer(territoires, composer("Autre", codes[:3])))
    assert ailleurs.epci[0]["couvre_exactement"] is False


def test_l_epci_et_le_departement_les_plus_peuples_viennent_d_abord(territoires: Path) -> None:
    dossier = creer(territoires, composer("Essai", ["48095", "30007", "30258"]))
    territoire, _ = lire_fiche(dossier)
    assert [e["code"] for e in territoire.epci] == ["200066918", "243000643", "244800405"]
    assert territoire.departement == {"code": "30", "nom": "Gard"}


def test_les_missions_sont_celles_des_territoires_livres_et_a_verifier(territoires: Path) -> None:
    territoire, _ = lire_fiche(creer(territoires, composer("Essai", ["30258"])))
    livre, _ = lire_fiche(EMBARQUES / "costieres_camargue")
    assert [(m.code, m.libelle, m.article) for m in territoire.missions] == [
        (m.code, m.libelle, m.article) for m in livre.missions
    ]
    assert all(m.a_verifier and m.reserve for m in territoire.missions)
    assert {m.titulaire for m in territoire.missions} == {"commune"}


@pytest.mark.parametrize(
    "nom", ['Le "Grand" Pays', "C:\\x", "a = [1]\n[ctg]", "{{ 7*7 }}", "Ærø 😀"]
)
def test_un_nom_hostile_ne_casse_pas_la_fiche(territoires: Path, nom: str) -> None:
    brouillon = composer(nom, ["30258"])
    dossier = creer(territoires, brouillon)
    territoire, anomalies = lire_fiche(dossier)
    assert anomalies == [] and territoire.nom == brouillon.nom
    assert territoire.communes == ("30258",)


def test_la_fiche_est_un_toml_lisible(territoires: Path) -> None:
    dossier = creer(territoires, composer("Essai", ["30258"], locatif="en Essai"))
    octets = (dossier / FICHE).read_bytes()
    assert octets.startswith(b"# ")
    fiche = tomllib.loads(octets.decode())
    assert (fiche["identifiant"], fiche["locatif"]) == ("essai", "en Essai")


def test_une_position_qui_n_est_pas_celle_de_la_mairie_est_dite() -> None:
    table = table_des_communes(["30222", "30258"])
    assert "mairie inconnue" in table["source"].iloc[0]
    assert "mairie inconnue" not in table["source"].iloc[1]


def test_un_brouillon_fautif_ou_deja_pris_n_ecrit_rien(territoires: Path) -> None:
    with pytest.raises(ErreurEcriture, match="aucune commune"):
        creer(territoires, composer("Essai", []))
    assert not territoires.exists()
    creer(territoires, composer("Essai", ["30258"]))
    avant = (territoires / "essai" / FICHE).read_bytes()
    with pytest.raises(ErreurEcriture, match="existe déjà"):
        creer(territoires, composer("essai", ["30047"]))
    assert (territoires / "essai" / FICHE).read_bytes() == avant


@pytest.mark.parametrize(
    ("faute", "regle"),
    [
        (OSError(errno.ENOSPC, "plein"), "le disque est plein"),
        (OSError(errno.EROFS, "lecture seule"), "écriture interdite"),
        (OSError(errno.EIO, "panne"), "le système refuse"),
    ],
)
def test_un_refus_du_disque_ne_laisse_rien(
    territoires: Path, monkeypatch: pytest.MonkeyPatch, faute: OSError, regle: str
) -> None:
    vrai, appels = ecriture.ecrire, []

    def ecrire(chemin: Path, octets: bytes) -> None:
        appels.append(chemin)
        if len(appels) == 2:
            raise faute
        vrai(chemin, octets)

    monkeypatch.setattr(creation, "ecrire", ecrire)
    with pytest.raises(ErreurEcriture, match=regle):
        creer(territoires, composer("Essai", ["30258"]))
    assert list(territoires.iterdir()) == []


@pytest.mark.parametrize(
    ("codes", "voisines"), [(["30258", "30047"], True), (["97411", "97415"], False)]
)
def test_un_territoire_cree_a_ses_contours(codes: list[str], voisines: bool) -> None:
    contours = contours_territoire("pays_neuf", codes)
    roles = contours["role"].value_counts().to_dict()
    assert roles["territoire"] == len(codes)
    assert ("voisine" in roles) or not voisines


# --- Ce qui reste à charger ---------------------------------------------------------------------


def test_un_territoire_neuf_dit_tous_les_fichiers_a_demander(territoires: Path) -> None:
    donnees = charger(creer(territoires, composer("Essai", ["30258"])))
    table = fichiers_a_charger(donnees)
    statistiques = {n for n, s in schemas().items() if "statut" in {c.nom for c in s.colonnes}}
    assert set(table["table"]) >= {"naissances", "revenus", "allocataires", "taux_couverture"}
    assert set(table["table"]) <= statistiques - {"communes"}
    assert set(table["etat"]) == {"absente"}
    obligatoires = ["titre", "producteur", "jeu_de_donnees", "fichier", "periodicite", "reserve"]
    assert (table[obligatoires] != "").all(axis=None)
    naissances = table.set_index("table").loc["naissances"]
    assert (naissances["producteur"], naissances["site"]) == ("Insee", "insee.fr")
    assert naissances["jeu_de_donnees"] == "DS_ETAT_CIVIL_NAIS_COMMUNES"


def test_les_exemples_livres_sont_a_remplacer() -> None:
    table = fichiers_a_charger(charger(EMBARQUES / "gard_rhodanien"))
    assert dict(zip(table["table"], table["etat"], strict=True)) == {
        "equipements": "exemple",
        "assistantes_maternelles": "exemple",
    }


def test_une_table_fautive_est_a_reprendre(territoires: Path) -> None:
    dossier = creer(territoires, composer("Essai", ["30258"]))
    (dossier / "naissances.csv").write_text("code_commune;annee\n30258;x\n", "utf-8")
    table = fichiers_a_charger(charger(dossier)).set_index("table")
    assert table.loc["naissances", "etat"] == "fautive"


def test_aucune_adresse_inventee() -> None:
    texte = (creation.PARAMETRES / "sources.toml").read_text("utf-8")
    assert "http" not in texte and "www." not in texte
    jeux = tomllib.loads(texte)["jeu"]
    assert {j["table"] for j in jeux} <= set(schemas())
    assert {j["site"] for j in jeux} <= {"insee.fr", "data.caf.fr", ""}
