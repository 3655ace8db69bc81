"""Figures et cartes : valides pour Plotly, complètes, et les mêmes sur papier."""

import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from ctg_data.exports.image import FORMATS, image
from ctg_data.figures import Barres, Figure
from ctg_data.figures.construire import (
    ages,
    classement,
    habiller,
    naissances,
    nuage,
    offre_par_mode,
    table,
)
from ctg_data.figures.palette import MODES, RAMPES
from ctg_data.figures.rendu_liste import lister
from ctg_data.figures.rendu_plotly import dessiner
from ctg_data.indicateurs import Options, calculer, catalogue, serie_commune
from ctg_data.indicateurs.formules import structure
from ctg_data.territoire import EMBARQUES, charger
from ctg_data.textes import absente
from geodata.carte import composer
from geodata.classes import classer
from geodata.contours import contours_territoire
from geodata.etiquettes import choisir
from geodata.fond import cadrer, octets_geojson, preparer
from geodata.legende import legende_html
from geodata.rendu_image import image_carte
from geodata.rendu_plotly import dessiner_carte

TERRITOIRES = ("costieres_camargue", "gard_rhodanien")
DONNEES = {nom: charger(EMBARQUES / nom) for nom in TERRITOIRES}
FONDS = {
    nom: preparer(contours_territoire(nom, DONNEES[nom].territoire.communes)) for nom in TERRITOIRES
}
OPTIONS = Options(taux_reference=60.9)


def resultat(nom: str, code: str):
    return calculer(code, DONNEES[nom], OPTIONS)


def carte(nom: str, code: str, choisie: str | None = None):
    calcul = resultat(nom, code)
    return composer(
        calcul,
        habiller(calcul, choisie, "france", "carte"),
        cercles={"30258": 400.0, "30028": 555.0},
        titre_cercles="enfants",
        reference=calcul.references.get("france"),
        choisie=choisie,
    )


def figures(nom: str) -> list[Figure]:
    donnees = DONNEES[nom]
    commune = donnees.territoire.communes[0]
    taux = resultat(nom, "taux_couverture")
    couleurs = classer(taux).couleurs
    parts = structure(donnees.tables["population_age"])
    modes = (resultat(nom, f"taux_couverture_{m}") for m in ("eaje", "am"))
    besoin = calculer("enfants_moins_3_naissances", donnees, replace(OPTIONS, annee=2023))
    serie = serie_commune("naissances", commune, donnees, OPTIONS)
    rangs = [("Ici", dict.fromkeys(MODES, 10.0), 40.0, True), ("Là", {"eaje": 5.0}, 5.0, False)]
    return [
        classement(taux, couleurs, commune, "france"),
        nuage(besoin, resultat(nom, "places_total"), *modes, couleurs, commune, "france"),
        naissances("Ici", "ici", serie, "Insee", "officiel"),
        ages(
            "Ici",
            parts[commune],
            "Là",
            parts["territoire"],
            "Insee",
            2023,
            "exemple",
            fragile=False,
        ),
        offre_par_mode(rangs, habiller(taux, commune, "france", "modes")),
    ]


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("rang", range(1, 5))
def test_chaque_figure_est_acceptee_par_plotly(nom, rang):
    go.Figure(dessiner(figures(nom)[rang]))


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("code", list(catalogue()))
def test_chaque_carte_est_acceptee_par_plotly(nom, code):
    composee = carte(nom, code, DONNEES[nom].territoire.communes[1])
    dessin = dessiner_carte(composee, FONDS[nom], "/contours.geojson", 430, 700)
    go.Figure(dessin)
    aplats = [t for t in dessin["data"] if t["type"] == "choropleth"][-1]
    assert aplats["locations"] == list(DONNEES[nom].territoire.communes)


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_les_contours_ne_sont_pas_renvoyes_avec_la_carte(nom):
    dessin = dessiner_carte(carte(nom, "taux_couverture"), FONDS[nom], "/c.geojson", 430, 700)
    assert {t["geojson"] for t in dessin["data"] if t["type"] == "choropleth"} == {"/c.geojson"}


@pytest.mark.parametrize("nom", TERRITOIRES)
def test_le_fichier_servi_est_celui_du_fond(nom):
    servi = EMBARQUES.parents[1] / "static" / "geo" / f"{nom}.geojson"
    assert servi.read_bytes() == octets_geojson(FONDS[nom])


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("rang", range(5))
def test_chaque_figure_s_exporte_en_png_et_svg(nom, rang):
    figure = figures(nom)[rang]
    largeur, hauteur = Image.open(io.BytesIO(image(figure, "png"))).size
    assert largeur == 1920 and hauteur >= 1080
    _lire_svg(image(figure, "svg"), figure)


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("code", ["taux_pauvrete", "naissances"])
def test_la_carte_s_exporte_avec_titre_et_source(nom, code):
    composee = carte(nom, code, DONNEES[nom].territoire.communes[0])
    assert Image.open(io.BytesIO(image_carte(composee, FONDS[nom], "png"))).size == (1920, 1080)
    _lire_svg(image_carte(composee, FONDS[nom], "svg"), composee)


def _lire_svg(octets: bytes, figure: Figure) -> None:
    racine = ET.fromstring(octets)
    textes = " ".join(" ".join(racine.itertext()).split())
    for attendu in (figure.habillage.message, figure.habillage.source):
        assert attendu.split()[0] in textes
    assert ("EXEMPLE" in textes) is figure.habillage.exemple
    assert not list(racine.iter("{http://www.w3.org/2000/svg}script"))


def test_un_format_inconnu_est_refuse():
    with pytest.raises(KeyError):
        image(figures(TERRITOIRES[0])[0], "bmp")
    assert set(FORMATS) == {"png", "svg"}


def test_une_valeur_absente_n_est_ni_un_zero_ni_coloree():
    calcul = resultat("gard_rhodanien", "taux_pauvrete")
    secrets = calcul.table.index[calcul.table["statut"] == "secret"]
    composee = carte("gard_rhodanien", "taux_pauvrete")
    zones = {z.code: z for z in composee.zones}
    assert len(secrets) == 39
    assert all(zones[c].couleur is None and zones[c].hachuree for c in secrets)
    barres = classement(calcul, {}, None, "france").barres
    assert all(b.valeur is None and b.texte == "n.d. (secret)" for b in barres if b.cle in secrets)


def test_les_taux_tres_fragiles_ferment_le_classement_et_se_disent_en_places():
    barres = classement(resultat("gard_rhodanien", "taux_couverture"), {}, None, "france").barres
    table_ = resultat("gard_rhodanien", "taux_couverture").table
    rangs = [table_.at[b.cle, "fragilite"] == "fragile_fort" for b in barres]
    assert rangs == sorted(rangs) and sum(rangs) == 25
    assert all(" pour " in b.texte and "enfant" in b.texte for b in barres[19:])


def test_les_officielles_ont_seules_le_contour_appuye():
    composee = carte("gard_rhodanien", "taux_couverture")
    assert {z.nom for z in composee.zones if z.officielle} == {
        "Bagnols-sur-Cèze",
        "Pont-Saint-Esprit",
    }
    assert not any(z.officielle for z in carte("gard_rhodanien", "niveau_vie_median").zones)


def test_un_effectif_se_dessine_en_cercles_sans_classes():
    composee = carte("costieres_camargue", "naissances")
    assert composee.legende == () and composee.cercles["30258"] == 126


def test_les_classes_de_couverture_sont_fixes_et_zero_est_a_part():
    for nom in TERRITOIRES:
        classes = classer(resultat(nom, "taux_couverture"))
        assert [c.libelle for c in classes.classes] == [
            "0",
            "moins de 20",
            "20 à moins de 40",
            "40 à moins de 60",
            "60 à moins de 80",
            "80 et plus",
        ]
        assert [classes.rang(v) for v in (0, 19.9, 20, 60.9, 80, 140)] == [0, 1, 2, 4, 5, 5]
        assert sum(c.effectif for c in classes.classes) == len(DONNEES[nom].territoire.communes)


@pytest.mark.parametrize(
    "valeurs", [[], [7.0], [5.0, 5.0, 5.0], [0.0, 0.0], [-3.0, 0.0, 4.0], [1.0, 2.0]]
)
@pytest.mark.parametrize("code", ["niveau_vie_median", "places_manquantes", "taux_couverture"])
def test_des_valeurs_degenerees_ne_font_jamais_echouer_les_classes(valeurs, code):
    modele = resultat("costieres_camargue", code)
    colonne = pd.Series(valeurs + [float("nan")] * (8 - len(valeurs)), index=modele.table.index)
    classes = classer(replace(modele, table=modele.table.assign(valeur=colonne)))
    assert sum(c.effectif for c in classes.classes) == len(valeurs) == len(classes.couleurs)
    assert len({c.couleur for c in classes.classes}) == len(classes.classes)


def test_les_bornes_divergentes_tiennent_dans_la_rampe():
    for fiche in catalogue().values():
        if fiche.palette == "divergente":
            assert sum(b <= 0 for b in fiche.bornes) <= len(RAMPES["divergente"]) // 2


def test_aucun_nom_n_en_couvre_un_autre_et_la_priorite_est_tenue():
    points = pd.DataFrame(
        {"longitude": [4.0, 4.001, 4.5], "latitude": [44.0, 44.0, 44.0]}, index=["a", "b", "c"]
    )
    textes = dict.fromkeys(points.index, ("Un nom<br>12", "Un nom"))
    cadre = (3.9, 43.9, 4.6, 44.1)
    assert list(choisir(points, textes, ["b", "a", "c"], cadre, 700, 12)) == ["b", "c"]


def test_le_cadre_prend_la_forme_de_la_fenetre_sans_rien_couper():
    ouest, sud, est, nord = cadre = (4.3, 43.5, 4.6, 43.9)
    o, s, e, n = cadrer(cadre, 0.5)
    assert o < ouest and e > est and s == pytest.approx(sud) and n == pytest.approx(nord)


def test_la_legende_dit_tout_ce_qui_est_dessine():
    html = legende_html(carte("gard_rhodanien", "taux_couverture"))
    for attendu in ("France", "contour appuyé", "hachures", "surface du cercle", "80 et plus"):
        assert attendu in html


def test_le_tableau_a_une_ligne_par_commune_et_dit_la_fiabilite():
    dresse = table(resultat("gard_rhodanien", "taux_couverture"))
    assert len(dresse) == 44 and dresse["Commune"].iloc[0] == "Aiguèze"
    assert set(dresse["Fiabilité"]) == {"officiel", "exemple"}
    assert dresse["Rang"].notna().sum() == 19


def test_la_reference_du_nuage_a_le_perimetre_des_places():
    figure = figures("costieres_camargue")[1]
    assert figure.pente == pytest.approx((23.5 + 31.9) / 100)


def test_une_barre_absente_garde_sa_place_et_sa_raison():
    composee = classement(resultat("gard_rhodanien", "taux_pauvrete"), {}, None, "france")
    assert isinstance(composee, Barres)
    absentes = [r for r in lister(composee)["rangs"] if r["texte"] == "n.d. (secret)"]
    assert len(absentes) == sum(absente(b.valeur) for b in composee.barres) == 39
    assert {r["largeur"] for r in absentes} == {0}


@pytest.mark.parametrize("nom", TERRITOIRES)
@pytest.mark.parametrize("code", list(catalogue()))
def test_un_classement_tient_dans_sa_largeur_et_garde_ses_proportions(nom, code):
    composee = classement(resultat(nom, code), {}, None, "france")
    liste = lister(composee)
    zeros = set()
    for barre, rang in zip(composee.barres, liste["rangs"], strict=True):
        assert rang["depart"] >= 0 and rang["depart"] + rang["largeur"] <= 100
        if barre.valeur:
            zeros.add(round(rang["depart"] + (rang["largeur"] if rang["negative"] else 0)))
            assert rang["negative"] == (barre.valeur < 0)
    assert len(zeros) <= 1
    echelle = [
        abs(barre.valeur) / rang["largeur"]
        for barre, rang in zip(composee.barres, liste["rangs"], strict=True)
        if barre.valeur and rang["largeur"] > 5
    ]
    assert max(echelle, default=1) <= 1.01 * min(echelle, default=1)
