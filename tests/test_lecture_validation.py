"""Lire et valider des fichiers fautifs : chaque faute est située, expliquée, jamais une exception.

Un fichier par faute dans fichiers_fautifs/, nommé par sa faute.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctg_data.anomalies import Anomalie
from ctg_data.lecture import Tableau, lire_csv
from ctg_data.schema import schemas
from ctg_data.validation import valider

DOSSIER = Path(__file__).parent / "fichiers_fautifs"
COMMUNES = ["30047", "30258"]
ENTETE = "code_commune;annee;naissances;statut;source"
LIGNE = "30258;2023;160;officiel;Insee"

# Faute → (ligne, colonne, début de la règle, valeur trouvée, morceau de la correction).
Attendu = tuple[int | None, str | None, str, str | None, str]
FAUTES: dict[str, Attendu] = {
    "annee_hors_bornes": (3, "annee", "nombre supérieur au maximum 2100", "20233", "2023"),
    "code_commune_sans_zero": (3, "code_commune", "commune inconnue", "01004", "Corrigez le code"),
    "colonne_absente": (1, "annee", "colonne absente", None, "Ajoutez une colonne « annee »"),
    "colonne_mal_ecrite": (1, "annee", "colonne absente", None, "Renommez « anee » en « annee »"),
    "colonne_sans_nom": (1, None, "colonne 4 : pas de nom", None, "Nommez-la"),
    "commune_inconnue": (3, "code_commune", "commune inconnue", "30259", "« 30258 »"),
    "date_americaine": (2, "date_ouverture", "ce n'est pas une date", "09-23-2012", "2012-09-03"),
    "date_fausse": (2, "date_ouverture", "ce n'est pas une date", "31/02/2012", "2012-09-03"),
    "decimale_dans_un_entier": (3, "naissances", "ce n'est pas un nombre entier", "160,5", "160"),
    "donnees_a_la_virgule": (3, None, "1 colonne au lieu de 5", "30258,2023", "« ; »"),
    "doublon": (4, "code_commune", "même clé (code_commune, annee) que la ligne 3", "30258", "une"),
    "entete_double": (1, "annee", "la colonne « annee » est présente 2 fois", None, "une seule"),
    "entete_seul": (None, None, "aucune ligne de données", None, "au moins une ligne"),
    "entier_geant": (3, "naissances", "nombre trop grand", "9" * 31, "160"),
    "fichier_vide": (None, None, "le fichier est vide", None, "Déposez le fichier d'origine"),
    "guillemet_mal_place": (3, None, "guillemet mal placé", None, "Doublez les guillemets"),
    "guillemet_non_ferme": (3, None, "guillemet mal placé ou jamais refermé", None, "guillemets"),
    "image_png": (None, None, "ce n'est pas un CSV (image PNG)", None, "Déposez un tableau"),
    "ligne_trop_courte": (3, None, "3 colonnes au lieu de 5", "30258;2023;160", "« ; »"),
    "ligne_trop_longue": (3, None, "6 colonnes au lieu de 5", "30258;2023;1;60", "guillemets"),
    "longitude_en_lambert": (2, "longitude", "nombre supérieur", "812 345,6", "4.4299"),
    "nombre_negatif": (3, "naissances", "nombre négatif", "-3", "160"),
    "octet_isole": (3, "source", "caractère illisible (octet 0xE9)", None, "CSV UTF-8"),
    "octet_nul": (3, "naissances", "caractère nul", "octet 0x00", "CSV UTF-8"),
    "que_des_blancs": (None, None, "le fichier est vide", None, "Écrivez l'en-tête"),
    "retour_chariot_isole": (4, None, "1 colonne au lieu de 5", "état civil", "guillemets"),
    "sans_entete": (1, None, "aucun nom de colonne reconnu", "30047 ; 2023", "première ligne"),
    "source_trop_courte": (3, "source", "texte trop court (au moins 3", "x", "Insee"),
    "texte_dans_un_nombre": (3, "naissances", "ce n'est pas un nombre", "cent soixante", "160"),
    "type_inconnu": (2, "type", "valeur hors liste (eaje_psu", "crèche", "eaje_psu"),
    "valeur_hors_liste": (3, "statut", "valeur hors liste (officiel", "offciel", "« officiel »"),
    "valeur_obligatoire_absente": (3, "annee", "valeur obligatoire absente", "", "2023"),
}
PLUSIEURS = {"colonne_non_declaree", "toutes_les_fautes"}
# Ce qui se répare sans risque se dit, et n'arrête rien.
REPARES = {
    "encodage_cp1252": "encodage Windows-1252 détecté",
    "encodage_utf16": "encodage UTF-16 détecté",
    "encodage_utf16_sans_marque": "encodage UTF-16 détecté",
    "separateur_tabulation": "colonnes séparées par des tabulations",
    "separateur_virgule": "colonnes séparées par des virgules",
}


def controler(octets: bytes, fichier: str = "naissances.csv") -> list[Anomalie]:
    """Lire puis valider, comme un territoire le fait ; rend toutes les anomalies."""
    tableau, anomalies = lire_csv(octets, fichier)
    if tableau is None:
        return anomalies
    table = "equipements" if "capacite_agreee" in tableau.entete else "naissances"
    return anomalies + valider(tableau, schemas()[table], COMMUNES)[1]


def fichier_fautif(faute: str) -> list[Anomalie]:
    return controler((DOSSIER / f"{faute}.csv").read_bytes(), f"{faute}.csv")


def lire(*lignes: str) -> Tableau:
    tableau, anomalies = lire_csv("\n".join([ENTETE, *lignes]).encode(), "naissances.csv")
    assert tableau is not None and {a.gravite for a in anomalies} <= {"information"}
    return tableau


def test_chaque_fichier_fautif_est_attendu() -> None:
    assert {f.stem for f in DOSSIER.iterdir()} == set(FAUTES) | PLUSIEURS | set(REPARES)


@pytest.mark.parametrize("reparation", REPARES)
def test_une_reparation_sans_risque_se_dit_et_garde_les_valeurs(reparation: str) -> None:
    octets = (DOSSIER / f"{reparation}.csv").read_bytes()
    tableau, anomalies = lire_csv(octets, f"{reparation}.csv")
    assert tableau is not None
    assert tableau.lignes[0][:4] == ("30047", "2023", "48", "officiel")
    assert tableau.lignes[0][4].replace(",", "") == "Insee état civil"
    (anomalie,) = anomalies
    assert anomalie.regle.startswith(REPARES[reparation]) and anomalie.gravite == "information"
    assert not [a for a in fichier_fautif(reparation) if a.erreur]


@pytest.mark.parametrize("faute", FAUTES)
def test_la_faute_est_situee_et_reparee(faute: str) -> None:
    premiere = next(a for a in fichier_fautif(faute) if a.erreur)
    ligne, colonne, regle, valeur, correction = FAUTES[faute]
    assert (premiere.fichier, premiere.ligne, premiere.colonne) == (f"{faute}.csv", ligne, colonne)
    assert premiere.regle.replace("\u00a0", " ").startswith(regle)
    assert (premiere.valeur or "").startswith(valeur or "")
    assert (premiere.valeur is None) == (valeur is None)
    assert correction in premiere.correction.replace("\u00a0", " ")


@pytest.mark.parametrize("faute", FAUTES)
def test_une_seule_erreur_par_fichier_d_une_faute(faute: str) -> None:
    assert sum(a.erreur for a in fichier_fautif(faute)) == 1


@pytest.mark.parametrize("faute", FAUTES)
def test_le_message_est_en_francais_et_se_suffit(faute: str) -> None:
    for anomalie in fichier_fautif(faute):
        assert anomalie.correction or not anomalie.erreur
        assert anomalie.message.startswith(f"{faute}.csv")
        assert anomalie.message.endswith((".", "?"))
        assert not [
            m for m in ("Error", "None", "nan", "codec", "unexpected") if m in anomalie.message
        ]


def test_toutes_les_fautes_sont_dites_a_la_fois() -> None:
    trouvees = [(a.ligne, a.colonne) for a in fichier_fautif("toutes_les_fautes")]
    assert sorted(trouvees) == [
        (2, "code_commune"),
        (2, "naissances"),
        (3, "annee"),
        (3, "statut"),
        (5, "code_commune"),
    ]


def test_les_anomalies_suivent_l_ordre_des_lignes() -> None:
    lignes = [a.ligne for a in fichier_fautif("toutes_les_fautes")]
    assert lignes == sorted(lignes, key=lambda n: n or 0)


def test_une_colonne_de_trop_est_un_avertissement() -> None:
    (anomalie,) = fichier_fautif("colonne_non_declaree")
    assert (anomalie.ligne, anomalie.colonne) == (1, "remarque")
    assert anomalie.gravite == "information"


# --- Pièges de lecture ------------------------------------------------------------------------


@pytest.mark.parametrize("fin", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("marque", ["", "\ufeff", "\ufeff\ufeff"])
def test_marque_et_fins_de_ligne_ne_changent_rien(fin: str, marque: str) -> None:
    tableau, anomalies = lire_csv((marque + fin.join([ENTETE, LIGNE, ""])).encode(), "f.csv")
    assert tableau is not None and {a.gravite for a in anomalies} <= {"information"}
    assert bool(anomalies) == bool(marque or fin == "\r")
    assert tableau.entete == tuple(ENTETE.split(";"))
    assert tableau.lignes == (tuple(LIGNE.split(";")),)


def test_la_ligne_est_celle_du_tableur() -> None:
    """Un saut de ligne dans une cellule n'ajoute pas de ligne ; une ligne vide compte."""
    tableau = lire('30258;2022;1;officiel;"Insee\nétat civil"', "", LIGNE)
    assert tableau.numeros == (2, 4)


def test_des_lignes_vides_avant_l_en_tete_decalent_tout() -> None:
    anomalies = controler(f"\n;;\n{ENTETE.replace('annee', 'quand')}\n{LIGNE}\n".encode())
    assert {a.ligne for a in anomalies if a.colonne} == {3}


def test_les_lignes_de_points_virgules_sont_ignorees() -> None:
    assert lire(LIGNE, ";;;;", " ; ;\u00a0; ;").lignes == (tuple(LIGNE.split(";")),)


def test_une_cellule_protegee_garde_separateurs_et_guillemets() -> None:
    tableau = lire('30258;2023;160;officiel;"Insee ; dit ""état civil"""')
    assert tableau.lignes[0][-1] == 'Insee ; dit "état civil"'


def test_l_encodage_fautif_apres_une_cellule_protegee_est_bien_situe() -> None:
    avant = f'{ENTETE}\n30258;2022;1;officiel;"état;\ncivil"\n"30258";2023;1;'
    (anomalie,) = controler(avant.encode() + b"\xe9;c\n")
    assert (anomalie.ligne, anomalie.colonne) == (3, "statut")


# --- Valeurs ----------------------------------------------------------------------------------


def naissances(cellule: str) -> object:
    table, anomalies = valider(
        lire(f"30258;2023;{cellule};officiel;Insee"), schemas()["naissances"]
    )
    assert {a.gravite for a in anomalies} <= {"information"}
    return table.at[0, "naissances"]


@pytest.mark.parametrize(
    ("ecrit", "lu"),
    [
        ("160", 160),
        (" 160 ", 160),
        ("1 234", 1234),
        ("1\u202f234", 1234),
        ("1\u00a0234 567", 1234567),
        ("12,0", 12),
        ("12.0", 12),
        ("+3", 3),
        ("0", 0),
    ],
)
def test_un_nombre_francais_est_lu(ecrit: str, lu: float) -> None:
    assert naissances(ecrit) == lu


@pytest.mark.parametrize("marque", sorted(schemas()["naissances"].manquantes))
def test_une_marque_de_vide_n_est_jamais_zero(marque: str) -> None:
    valeur = naissances(marque)
    assert valeur != valeur


@pytest.mark.parametrize(
    "ecrit", ["12 34", "1.234,5", "1.234", "inf", "0x10", "--1", "1,", "٣", "1e5,2"]
)
def test_un_nombre_douteux_est_refuse(ecrit: str) -> None:
    (anomalie,) = controler(f"{ENTETE}\n30258;2023;{ecrit};officiel;Insee\n".encode())
    assert anomalie.colonne == "naissances" and anomalie.valeur == ecrit


def test_un_nombre_geant_n_est_pas_infini() -> None:
    tableau, _ = lire_csv(
        (
            "niveau;code;indicateur;annee;valeur;statut;source\n"
            f"commune;30258;bpe_eaje;2025;{'9' * 400};officiel;Insee\n"
        ).encode(),
        "f.csv",
    )
    assert tableau is not None
    (anomalie,) = valider(tableau, schemas()["statistiques"])[1]
    assert anomalie.regle == "nombre trop grand"


@pytest.mark.parametrize(("ecrit", "lu"), [("1.234.567", 1234567), ("1,6E+02", 160)])
def test_un_nombre_etranger_est_lu_en_demandant_un_regard(ecrit: str, lu: float) -> None:
    table, anomalies = valider(lire(f"30258;2023;{ecrit};local;Insee"), schemas()["naissances"])
    assert table.at[0, "naissances"] == lu
    assert [(a.gravite, a.colonne) for a in anomalies] == [("avertissement", "naissances")]


def test_une_colonne_facultative_absente_est_vide() -> None:
    entete = b"code_commune;annee;actives;places;statut;source\n"
    tableau, _ = lire_csv(entete + b"30258;2023;4;11;local;Insee\n", "f.csv")
    assert tableau is not None
    table, anomalies = valider(tableau, schemas()["assistantes_maternelles"])
    assert not anomalies and table["agreees"].isna().all()


def test_une_mesure_peut_etre_vide_mais_pas_absente() -> None:
    assert not controler(f"{ENTETE}\n30258;2023;;local;Insee".encode())
    sans = controler(b"code_commune;annee;statut;source\n30258;2023;local;Insee")
    assert [(a.colonne, a.regle) for a in sans] == [("naissances", "colonne absente")]


def test_deux_annees_illisibles_ne_sont_pas_un_doublon() -> None:
    ligne = "30258;?;1;officiel;Insee"
    anomalies = controler("\n".join([ENTETE, ligne, ligne]).encode())
    assert {a.regle for a in anomalies} == {"ce n'est pas un nombre"}


# --- Jamais d'exception -----------------------------------------------------------------------

CELLULES = st.text(alphabet=st.sampled_from('0123456789,.;"-= \r\n\té\x00AZnd'), max_size=12)


@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b'"')
def test_aucun_octet_ne_leve(octets: bytes) -> None:
    assert all(a.message for a in controler(octets))


@given(st.text(max_size=200))
def test_aucun_texte_ne_leve(texte: str) -> None:
    assert all(a.message for a in controler(f"{ENTETE}\n{texte}".encode("utf-8", "replace")))


@given(st.lists(st.lists(CELLULES, min_size=5, max_size=5), max_size=6))
def test_aucune_cellule_ne_leve(lignes: list[list[str]]) -> None:
    texte = "\n".join([ENTETE, *(";".join(li) for li in lignes)])
    assert all(a.message for a in controler(texte.encode()))
