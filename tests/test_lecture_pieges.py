"""Des pièges qui, lus trop vite, donneraient un chiffre faux sans un mot."""

import io
import zipfile

import openpyxl
import pytest

from ctg_data.controle import Controle, controler

ENTETE = "code;commune;places;enfants_0_2;taux_couverture\n"
GARD = ("30258", "30028")


def synthese(*lignes: str, entete: str = ENTETE, **options) -> Controle:
    return controler((entete + "\n".join(lignes)).encode(), "synthese.csv", **options)


def phrases(controle: Controle) -> str:
    return " ".join(a.message for a in controle.anomalies).replace("\u00a0", " ")


def test_deux_communes_fusionnees_s_additionnent_meme_a_valeurs_egales():
    lu = synthese("01091;;12;20;60", "01205;;12;20;60")
    assert lu.verdict == "refuse"
    assert "Additionnez les deux lignes" in phrases(lu)


def test_un_ancien_code_repete_reste_un_doublon():
    assert synthese("01091;;12;20;60", "01091;;12;20;60").verdict == "normalise"


def test_les_autres_communes_d_un_fichier_plus_large_sont_laissees_de_cote():
    lu = synthese("30258;;12;20;60", "01001;;15;20;75", "30047;;1;2;50", communes=GARD)
    assert lu.verdict == "normalise" and lu.communes == 1
    assert list(lu.tables["synthese_communale"]["places"]) == [12]
    assert "2 lignes d'autres communes, laissées de côté (01001 L'Abergement" in phrases(lu)


def test_un_fichier_sans_aucune_commune_du_territoire_est_refuse():
    lu = synthese("01001;;15;20;75", communes=GARD)
    assert lu.verdict == "refuse" and {a.ligne for a in lu.anomalies if a.erreur} == {2}


def test_un_taux_en_proportion_est_signale_sans_etre_converti():
    lu = synthese("01001;;;;0,571", "01004;;;;0,6")
    assert "proportion plutôt qu'un taux pour cent ? 0,571 → 57,1" in phrases(lu)
    assert list(lu.tables["synthese_communale"]["taux_couverture"]) == [0.571, 0.6]


@pytest.mark.parametrize(
    ("seconde", "verdict"), [("12", "normalise"), ("15", "refuse")], ids=["égale", "contraire"]
)
def test_deux_colonnes_de_meme_sens_ne_se_contredisent_pas(seconde, verdict):
    entete = "code;commune;places;Places;enfants_0_2\n"
    assert synthese(f"01001;;12;{seconde};20", entete=entete).verdict == verdict


def test_un_entier_trop_grand_pour_etre_exact_est_refuse():
    assert synthese(f"01001;;{2**53};20;").verdict == "refuse"


@pytest.mark.parametrize("marque", ["s.o.", "N/D", "non disponible", "Non renseigné", "sans objet"])
def test_une_absence_dite_en_francais_est_une_case_vide(marque):
    lu = synthese(f"01001;;{marque};20;", "01004;;3;20;")
    assert lu.verdict == "normalise" and lu.valeurs_secretes == 0
    assert lu.tables["synthese_communale"]["places"].isna().tolist() == [True, False]


def test_la_legende_d_une_marque_sous_le_tableau_est_une_note():
    lu = synthese("01001;;12;20;60", "", "n.d. : non disponible")
    assert lu.verdict == "normalise" and lu.lignes == 1


# --- Classeurs ----------------------------------------------------------------------------------


def classeur(remplacer: dict[str, str], format_taux: str = "General") -> bytes:
    """Écrire un petit classeur, puis y remplacer des morceaux de XML."""
    livre = openpyxl.Workbook()
    feuille = livre.active
    feuille.append(["code", "commune", "places", "enfants_0_2", "taux_couverture"])
    feuille.append(["01001", "L'Abergement-Clémenciat", 12, 21, 57.1])
    feuille.append(["2A004", "Ajaccio", 30, 60, 50])
    for ligne in (2, 3):
        feuille.cell(ligne, 5).number_format = format_taux
    tampon, sortie = io.BytesIO(), io.BytesIO()
    livre.save(tampon)
    with zipfile.ZipFile(tampon) as avant, zipfile.ZipFile(sortie, "w") as apres:
        for nom in avant.namelist():
            contenu = avant.read(nom)
            if nom == "xl/worksheets/sheet1.xml":
                for ancien, nouveau in remplacer.items():
                    assert ancien.encode() in contenu
                    contenu = contenu.replace(ancien.encode(), nouveau.encode())
            apres.writestr(nom, contenu)
    return sortie.getvalue()


DESORDRES = {
    "ligne_qui_recule": {'<row r="3"': '<row r="1"'},
    "ligne_en_double": {'<row r="3"': '<row r="2"'},
    "ligne_geante": {'<row r="3"': '<row r="99999999"'},
    "cellule_qui_recule": {'r="D2"': 'r="A2"'},
    "cellule_d_une_autre_ligne": {'r="D2"': 'r="D3"'},
}


@pytest.mark.parametrize("desordre", DESORDRES)
def test_un_classeur_en_desordre_est_refuse(desordre):
    lu = controler(classeur(DESORDRES[desordre]), "synthese.xlsx")
    assert lu.verdict == "refuse" and "abîmé" in phrases(lu)


@pytest.mark.parametrize("ecrit", ['0.0" %"', "0.0\\ \\%", "General"])
def test_un_pour_cent_ecrit_tel_quel_ne_multiplie_rien(ecrit):
    lu = controler(classeur({}, ecrit), "synthese.xlsx")
    assert list(lu.tables["synthese_communale"]["taux_couverture"]) == [57.1, 50]
