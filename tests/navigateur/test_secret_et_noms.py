"""Ce qui part vers le navigateur : rien de secret, rien d'exécutable."""

import html
import json
import re

import pytest
from conftest import NOMS_HOSTILES, PAGES

from ctg_data.indicateurs import calculer, catalogue
from ctg_data.indicateurs.options import Options
from ctg_data.territoire import EMBARQUES, charger

INDICATEUR = "assistantes_maternelles_actives"


@pytest.fixture(scope="module")
def tues() -> list[str]:
    """Rendre les communes dont l'effectif est tu au public (petit, ou tu pour en protéger un)."""
    resultat = calculer(INDICATEUR, charger(EMBARQUES / "gard_rhodanien"), Options("public"))
    table = resultat.table
    return sorted(table.index[table["statut"] == "secret"])


def survols(ecran, codes: list[str]) -> set[str]:
    """Rendre les textes de survol reçus pour ces communes."""
    figures = [
        json.loads(m.delta.new_element.bidi_component.bytes)["dessin"]
        for m in ecran.messages()
        if m.WhichOneof("type") == "delta"
        and m.delta.new_element.bidi_component.component_name == "figure"
    ]
    rangs = [r for figure in filter(None, figures) for r in figure.get("rangs", ())]
    return {rang["titre"] for rang in rangs if rang["code"] in codes} | {
        texte
        for figure in filter(None, figures)
        for trace in figure.get("data", ())
        if "hovertext" in trace
        for code, texte in zip(_codes(trace), trace["hovertext"], strict=True)
        if code in codes
    }


def _codes(trace: dict) -> list[str]:
    return trace.get("customdata") or trace["locations"]


def en_clair(ecran) -> str:
    """Rendre tout ce qui a été reçu, échappements JSON, HTML et JavaScript défaits."""
    texte = b"".join(ecran.recus).decode("utf-8", "replace").replace("\\\\", "\\")
    texte = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), texte)
    texte = texte.replace("\\n", "\n")
    return html.unescape(texte)


@pytest.mark.parametrize("vue", ("presenter", "explorer"))
def test_un_effectif_tu_ne_part_jamais_vers_le_public(vue, ecran, tues):
    """Les textes qu'un agent voit en interne sont cherchés dans tout ce que reçoit le public."""
    adresse = {"territoire": "gard_rhodanien", "indicateur": INDICATEUR, "vue": vue}
    ecran.ouvrir("offre_besoins", audience="interne", **adresse)
    internes = {"<br>".join(texte.split("<br>")[:2]) for texte in survols(ecran, tues)}
    assert len(internes) >= len(tues) > 1
    recu = en_clair(ecran)
    assert all(texte in recu for texte in internes)
    ecran.recus.clear()
    ecran.ouvrir("offre_besoins", audience="public", **adresse)
    recu = en_clair(ecran)
    assert not [texte for texte in internes if texte in recu]
    assert survols(ecran, tues) and all("secret" in texte for texte in survols(ecran, tues))


def test_la_page_commune_tait_aussi_l_effectif(ecran, tues):
    libelle = catalogue()[INDICATEUR].titre_court
    valeurs = {}
    for audience in ("interne", "public", "partenaires"):
        ecran.recus.clear()
        ecran.ouvrir("commune", territoire="gard_rhodanien", commune=tues[0], audience=audience)
        valeurs[audience] = [
            m.delta.new_element.metric.body
            for m in ecran.messages()
            if m.WhichOneof("type") == "delta"
            and m.delta.new_element.WhichOneof("type") == "metric"
            and m.delta.new_element.metric.label == libelle
        ]
    assert valeurs["interne"] and valeurs["interne"][0].isdigit()
    assert set(valeurs["public"] + valeurs["partenaires"]) == {"n.d. (secret)"}


@pytest.mark.parametrize("page", PAGES)
def test_des_noms_hostiles_restent_du_texte(page, ecran):
    ecran.ouvrir(page, territoire="hostile", commune="30047")
    montre = ecran.page.locator("[data-testid='stMain']").inner_text()
    assert NOMS_HOSTILES[0] in montre
    _inerte(ecran)


def _inerte(ecran):
    for cadre in ecran.page.frames:
        assert cadre.evaluate("() => window.pirate") is None
    assert not ecran.page.locator("img[src*='ailleurs'], a[href*='javascript']").count()


def test_la_carte_et_le_classement_montrent_les_noms_mot_pour_mot(ecran):
    ecran.ouvrir("offre_besoins", territoire="hostile")
    textes = ecran.page.locator(".classement .rang .nom").all_text_contents()
    assert sorted(textes) == sorted(NOMS_HOSTILES)
    _inerte(ecran)


def test_la_carte_a_explorer_montre_les_noms_mot_pour_mot(ecran):
    ecran.ouvrir("offre_besoins", territoire="hostile", vue="explorer")
    ecran.commune_folium("30047").wait_for()
    cadre = ecran.page.frame_locator("iframe[title*='folium']")
    noms = [texte.strip() for texte in cadre.locator(".etiquette").all_text_contents()]
    assert noms and set(noms) <= set(NOMS_HOSTILES)
    _inerte(ecran)
