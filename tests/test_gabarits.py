"""Remplir chaque gabarit et le rendre : accepté, valeurs exactes, exemple jamais pris pour vrai."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
import pytest

from ctg_data.controle import Controle, controler
from ctg_data.exports.gabarits import LIGNES, LISTE_MAX, gabarit
from ctg_data.ligne_exemple import FEUILLE_AIDE, FEUILLE_SAISIE, MARQUE, colonne_marquee
from ctg_data.referentiel import communes as communes_de_france
from ctg_data.schema import Colonne, Schema, schemas

COMMUNES = {"01004": "Ambérieu-en-Bugey", "2A004": "Ajaccio", "30258": "Saint-Gilles"}
TABLES = sorted(schemas())
par_table = pytest.mark.parametrize("table", TABLES)


def ouvrir(octets: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(octets))


def rendre(classeur: Any) -> bytes:
    sortie = io.BytesIO()
    classeur.save(sortie)
    return sortie.getvalue()


def modifier(table: str, geste: Callable[[Any], object]) -> Controle:
    """Ouvrir un gabarit comme un tableur, y faire un geste, l'enregistrer et le contrôler."""
    classeur = ouvrir(gabarit(table, COMMUNES))
    geste(classeur[FEUILLE_SAISIE])
    return controler(rendre(classeur), f"{table}.xlsx", communes=list(COMMUNES))


def valeur(colonne: Colonne, code: str) -> object:
    """Rendre une vraie valeur d'une colonne pour une commune, d'après l'exemple du schéma."""
    propres = {"code_commune": code, "code": code, "commune": COMMUNES[code]}
    propres |= {"nom_commune": COMMUNES[code], "code_equipement": f"{code}-1"}
    if colonne.nom in propres:
        return propres[colonne.nom]
    if colonne.type == "date":
        return dt.date.fromisoformat(colonne.exemple)
    numerique = colonne.type in ("integer", "number")
    return float(colonne.exemple) if numerique else colonne.exemple


def remplir(schema: Schema, debut: int) -> Callable[[Any], None]:
    """Rendre le geste qui écrit une ligne par commune, comme la main dans un tableur."""

    def geste(feuille: Any) -> None:
        for ligne, code in enumerate(COMMUNES, debut):
            for rang, colonne in enumerate(schema.colonnes, 1):
                feuille.cell(ligne, rang).value = valeur(colonne, code)

    return geste


def lignes_lues(controle: Controle, table: str) -> list[dict[str, object]]:
    """Rendre les lignes lues en valeurs Python, pour une comparaison exacte."""
    return [
        {str(c): v.date() if isinstance(v, dt.datetime) else v for c, v in ligne.items()}
        for ligne in controle.tables[table].to_dict("records")
    ]


@par_table
@pytest.mark.parametrize("debut", [2, 3], ids=["par-dessus l'exemple", "sous l'exemple"])
def test_le_gabarit_rempli_est_accepte_et_rend_les_valeurs_exactes(table: str, debut: int) -> None:
    schema = schemas()[table]
    controle = modifier(table, remplir(schema, debut))
    assert controle.verdict in ("accepte", "normalise")
    # Les exemples d'un taux et de ses deux termes, pris séparément, peuvent ne pas s'accorder.
    autres = [a for a in controle.anomalies if "rapport de" not in a.regle]
    assert {a.gravite for a in autres} <= {"information"}
    assert controle.reconnu == table
    attendues = [{c.nom: valeur(c, code) for c in schema.colonnes} for code in COMMUNES]
    assert lignes_lues(controle, table) == attendues
    ignorees = [a.ligne for a in controle.anomalies if "exemple du gabarit" in a.regle]
    assert ignorees == ([2] if debut == 3 else [])


@par_table
def test_le_gabarit_vide_est_refuse(table: str) -> None:
    controle = controler(gabarit(table, COMMUNES), f"{table}.xlsx", communes=list(COMMUNES))
    assert controle.verdict == "refuse" and not controle.tables
    assert [a.constat for a in controle.anomalies if a.erreur] == ["Aucune ligne de données."]


@par_table
def test_le_gabarit_sans_sa_ligne_d_exemple_est_refuse_de_meme(table: str) -> None:
    controle = modifier(table, lambda feuille: feuille.delete_rows(2))
    assert [a.constat for a in controle.anomalies if a.erreur] == ["Aucune ligne de données."]


@par_table
def test_un_exemple_a_moitie_change_est_refuse_en_disant_ou(table: str) -> None:
    schema = schemas()[table]
    mesures = [i for i, c in enumerate(schema.colonnes, 1) if c.type in ("integer", "number")]

    def geste(feuille: Any) -> None:
        feuille.cell(2, mesures[-1]).value += 1

    fautes = [a for a in modifier(table, geste).anomalies if a.erreur]
    (dite,) = [a for a in fautes if "encore marquée comme exemple" in a.regle]
    assert (dite.ligne, dite.colonne, dite.valeur) == (2, colonne_marquee(schema), MARQUE)
    assert dite.correction.startswith("Écrivez ici sa vraie valeur")


@par_table
def test_l_exemple_est_reconnu_apres_un_passage_en_csv_francais(table: str) -> None:
    feuille = ouvrir(gabarit(table))[FEUILLE_SAISIE]
    sortie = io.StringIO(newline="")
    plume = csv.writer(sortie, delimiter=";")
    for rangee in feuille.iter_rows(values_only=True):
        plume.writerow([francais(v) for v in rangee])
    controle = controler(sortie.getvalue().encode("utf-8-sig"), f"{table}.csv")
    assert [a.constat for a in controle.anomalies if a.erreur] == ["Aucune ligne de données."]
    assert [a.ligne for a in controle.anomalies if "exemple du gabarit" in a.regle] == [2]


def francais(cellule: object) -> str:
    if isinstance(cellule, dt.datetime):
        return cellule.strftime("%d/%m/%Y")
    return str(cellule).replace(".", ",") if isinstance(cellule, float) else str(cellule)


def test_une_vraie_ligne_egale_a_l_exemple_du_schema_est_gardee() -> None:
    texte = (
        "code_commune;commune;places;enfants_0_2;taux_couverture\n30258;Saint-Gilles;60;550;57,1"
    )
    controle = controler(texte.encode(), "synthese.csv", communes=["30258"])
    assert controle.verdict != "refuse"
    assert list(controle.tables["synthese_communale"]["places"]) == [60]


# --- La forme du classeur -----------------------------------------------------------------------


@par_table
def test_les_deux_feuilles_ont_un_titre_fixe_et_aucune_formule(table: str) -> None:
    octets = gabarit(table, COMMUNES)
    classeur = ouvrir(octets)
    assert classeur.sheetnames == [FEUILLE_SAISIE, FEUILLE_AIDE]
    cellules = [c for f in classeur for rangee in f.iter_rows() for c in rangee]
    assert {c.data_type for c in cellules if c.value is not None} <= {"s", "n", "d"}
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        feuilles = [archive.read(n) for n in archive.namelist() if "worksheets/sheet" in n]
    assert len(feuilles) == 2 and not any(b"<f>" in f for f in feuilles)


@par_table
def test_l_en_tete_dit_l_obligation_et_l_aide_de_chaque_colonne(table: str) -> None:
    feuille = ouvrir(gabarit(table))[FEUILLE_SAISIE]
    for rang, colonne in enumerate(schemas()[table].colonnes, 1):
        cellule = feuille.cell(1, rang)
        assert cellule.value == colonne.nom
        assert cellule.number_format == ('@" *"' if colonne.obligatoire else "General")
        aide = cellule.comment.text
        assert colonne.titre in aide and colonne.description in aide and colonne.unite in aide
        assert aide.count("Obligatoire.") == colonne.obligatoire


@par_table
def test_les_colonnes_de_texte_gardent_les_zeros_de_tete(table: str) -> None:
    feuille = ouvrir(gabarit(table))[FEUILLE_SAISIE]
    for rang, colonne in enumerate(schemas()[table].colonnes, 1):
        lettre = openpyxl.utils.get_column_letter(rang)
        texte = feuille.column_dimensions[lettre].number_format == "@"
        assert texte == (colonne.type == "string")


def listes(table: str, communes: Mapping[str, str]) -> dict[str, list[str]]:
    """Rendre les valeurs de chaque liste déroulante d'un gabarit, par colonne."""
    classeur = ouvrir(gabarit(table, communes))
    noms = [c.value for c in classeur[FEUILLE_SAISIE][1]]
    lues = {}
    for liste in classeur[FEUILLE_SAISIE].data_validations.dataValidation:
        (plage,) = liste.sqref.ranges
        assert (liste.type, plage.min_row, plage.max_row) == ("list", 2, LIGNES + 1)
        source = liste.formula1
        if source.startswith('"'):
            lues[noms[plage.min_col - 1]] = source.strip('"').split(",")
        else:
            feuille, _, cellules = source.rpartition("!")
            assert feuille == "'Mode d''emploi'"
            rangees = classeur[FEUILLE_AIDE][cellules.replace("$", "")]
            lues[noms[plage.min_col - 1]] = [c.value for (c,) in rangees]
    return lues


@par_table
def test_les_listes_deroulantes_sont_celles_du_schema_et_du_territoire(table: str) -> None:
    attendues = {c.nom: list(c.valeurs) for c in schemas()[table].colonnes if c.valeurs}
    assert listes(table, {}) == attendues
    if "code_commune" in [c.nom for c in schemas()[table].colonnes]:
        attendues["code_commune"] = list(COMMUNES)
    assert listes(table, COMMUNES) == attendues


def test_une_longue_liste_de_communes_renvoie_au_mode_d_emploi() -> None:
    noms = communes_de_france()["nom"].head(350).to_dict()
    assert len(",".join(noms)) > LISTE_MAX
    assert listes("naissances", noms)["code_commune"] == list(noms)


def test_le_mode_d_emploi_nomme_chaque_colonne_et_chaque_commune() -> None:
    feuille = ouvrir(gabarit("equipements", COMMUNES))[FEUILLE_AIDE]
    premieres = {rangee[0].value for rangee in feuille.iter_rows()}
    assert {c.nom for c in schemas()["equipements"].colonnes} | set(COMMUNES) <= premieres


def test_un_nom_de_commune_qui_ressemble_a_une_formule_reste_un_texte() -> None:
    feuille = ouvrir(gabarit("naissances", {"30258": "=1+1", "30047": "http://x"}))[FEUILLE_AIDE]
    textes = {r[1].value: r[1] for r in feuille.iter_rows() if r[0].value in ("30258", "30047")}
    assert [(c.data_type, c.hyperlink) for c in textes.values()] == [("s", None)] * 2
    assert set(textes) == {"=1+1", "http://x"}


def test_une_table_inconnue_n_a_pas_de_gabarit() -> None:
    with pytest.raises(KeyError):
        gabarit("../territoire")
